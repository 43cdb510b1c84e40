/**
 * Where days are played: a worker with a simulator of its own, so that the page stays responsive. It does one job at a
 * time. After a panic of the simulated engine, which is a violation, it can't go on.
 */

import init, {
  type Choice,
  Day,
  type DayView,
  faults,
  runSeed,
  type Scenario,
  type Verdict,
} from '../../generated/plinth_sim_wasm.js';

export type { Choice, DayView, Scenario, Verdict };

export type Job =
  /** Which faults can be planted? */
  | { kind: 'faults' }
  /** Sets the stage for a day, in place of the one before. */
  | { kind: 'begin'; seed: bigint; fault: string }
  /** Goes on until then, in virtual microseconds, for at most so many milliseconds. */
  | { kind: 'play'; untilUs: number; budgetMs: number }
  /** Goes on to the next thing that is told. */
  | { kind: 'step' }
  /** Plays a whole day, and tells its verdict alone. */
  | { kind: 'whole'; seed: bigint; fault: string };

/** What is to be seen of the day, and whether it stopped before it came to the time asked for. */
export interface Played {
  view: DayView;
  isBehind: boolean;
  /** At its end. */
  verdict: Verdict | undefined;
}

export type Answer = { result: readonly Choice[] | Scenario | Played | Verdict } | { failed: string };

/** Between two looks at the clock: some milliseconds. */
const POLLS_AT_ONCE = 1_000;
/** The simulator keeps a few hundred. */
const HAPPENINGS_AT_ONCE = 150;

const ready = init({
  module_or_path: new URL('../../generated/plinth_sim_wasm_bg.wasm', import.meta.url),
});
let day: Day | undefined;

self.addEventListener('message', ({ data }: MessageEvent<Job>) => {
  void ready
    .then(() => self.postMessage({ result: perform(data) } satisfies Answer))
    .catch((error: unknown) => {
      const failed = error instanceof Error ? error.message : String(error);
      self.postMessage({ failed } satisfies Answer);
    });
});

function perform(job: Job): Choice[] | Scenario | Played | Verdict {
  switch (job.kind) {
    case 'faults':
      return faults();
    case 'begin':
      day?.free();
      day = new Day(job.seed, job.fault || undefined);
      return day.scenario();
    case 'play':
      return play(begun(), job.untilUs, job.budgetMs);
    case 'step': {
      const one = begun();
      one.play(Number.POSITIVE_INFINITY, POLLS_AT_ONCE * POLLS_AT_ONCE, 1);
      return { ...seen(one, one.look()), isBehind: false };
    }
    case 'whole':
      return runSeed(job.seed, job.fault || undefined);
  }
}

function begun(): Day {
  if (day === undefined) throw new Error('no day has begun');
  return day;
}

function play(one: Day, untilUs: number, budgetMs: number): Played {
  const endMs = performance.now() + budgetMs;
  const happenings: DayView['happenings'] = [];
  for (;;) {
    const played = one.play(untilUs, POLLS_AT_ONCE, HAPPENINGS_AT_ONCE);
    const view = one.look();
    happenings.push(...view.happenings);
    const isBehind = played === 'enough';
    if (!isBehind || performance.now() >= endMs) return { ...seen(one, { ...view, happenings }), isBehind };
  }
}

function seen(one: Day, view: DayView): Omit<Played, 'isBehind'> {
  return { view, verdict: view.isOver ? one.verdict() : undefined };
}

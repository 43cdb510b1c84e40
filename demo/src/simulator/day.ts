/** A day as far as it was played: what each look at it has told, gathered. */

import type { Kind } from './marks';
import type { DayView, Scenario, Verdict } from './simulator.worker';

export type Happening = DayView['happenings'][number];

/** What became of one of the tabs. */
export interface Tally {
  commits: number;
  conflicts: number;
  faults: number;
}

const FAULTS: ReadonlySet<Kind> = new Set(['death', 'absence', 'storage', 'news', 'clock']);
/** Of so many one may want to read. */
const LATEST_MAX = 200;

export class Day {
  readonly scenario: Scenario;
  readonly latest: Happening[] = [];
  readonly tallies: Tally[];
  view: DayView | undefined;
  verdict: Verdict | undefined;
  /** Of a panic, after which there is no verdict of its own. */
  violation: string | undefined;
  /** In the order in which they happened. */
  readonly #byKind = new Map<Kind, Happening[]>();
  /** Which tab a peer is in. */
  readonly #slots = new Map<number, number>();

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.tallies = Array.from({ length: scenario.peers }, () => ({ commits: 0, conflicts: 0, faults: 0 }));
  }

  get isOver(): boolean {
    return this.verdict !== undefined || this.violation !== undefined;
  }

  add(view: DayView, verdict: Verdict | undefined): void {
    this.view = view;
    this.verdict = verdict;
    this.violation ??= view.violation;
    for (const { lane, slot } of view.appearances) this.#slots.set(lane, slot);
    for (const happening of view.happenings) {
      const alike = this.#byKind.get(happening.kind);
      if (alike === undefined) this.#byKind.set(happening.kind, [happening]);
      else alike.push(happening);
      this.latest.push(happening);
      const tally = this.tallies[this.slotOf(happening.lane) ?? -1];
      if (tally === undefined) continue;
      if (happening.kind === 'commit') tally.commits += 1;
      if (happening.kind === 'conflict') tally.conflicts += 1;
      if (FAULTS.has(happening.kind)) tally.faults += 1;
    }
    this.latest.splice(0, this.latest.length - LATEST_MAX);
  }

  ofKind(kind: Kind): readonly Happening[] {
    return this.#byKind.get(kind) ?? [];
  }

  slotOf(lane: number | undefined): number | undefined {
    return lane === undefined ? undefined : this.#slots.get(lane);
  }
}

/**
 * One contest: the workloads one after the other, the contestants in turns. Who fails is out of that workload; the
 * others go on. The databases are deleted before and after, also when it is stopped.
 */

import { turns } from 'plinthdb-bench/turns';
import type { Workload } from 'plinthdb-bench/workload';
import { workloads } from 'plinthdb-bench/workloads/all';
import { type ContestantName, DATABASE_PREFIX, entrant, entryOf, type Order, workTitle } from './order';
import { Performer } from './performer';
import type { Results } from './results';

/** One contest at a time in all tabs: they would have the same databases, and would measure each other. */
const LOCK = 'benchmark';

export interface Watching {
  /** A turn begins. */
  turn(done: number, all: number, what: string): void;
  /** There are new results of a workload. */
  measured(workload: Workload): void;
}

/** Rejects with the signal's reason when that aborts. */
export async function hold(
  order: Order,
  results: Results,
  watching: Watching,
  signal: AbortSignal,
): Promise<void> {
  await alone(async () => {
    const performer = new Performer();
    try {
      await performer.ask({ kind: 'clean' }, signal);
      await play(performer, order, results, watching, signal);
    } finally {
      performer.end();
      await clean();
    }
  });
}

/** Deletes what a page that was closed in the middle has left. */
export async function cleanLeftovers(): Promise<void> {
  const found = (await indexedDB.databases?.()) ?? [];
  if (!found.some(({ name }) => name?.includes(DATABASE_PREFIX))) return;
  await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (lock !== null) await clean();
  });
}

async function alone(body: () => Promise<void>): Promise<void> {
  await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (lock === null) throw new Error('another tab is running the benchmark; one at a time');
    await body();
  });
}

async function clean(): Promise<void> {
  const performer = new Performer();
  try {
    await performer.ask({ kind: 'clean' });
  } finally {
    performer.end();
  }
}

interface Entrant {
  contestant: ContestantName;
  durability: 'strict' | 'relaxed' | 'none';
}

async function play(
  performer: Performer,
  { contestants, workloads: chosen, rows, rounds, durability }: Order,
  results: Results,
  watching: Watching,
  signal: AbortSignal,
): Promise<void> {
  const schedule = workloads
    .filter(({ id }) => chosen.includes(id))
    .flatMap((workload) => {
      const entrants: Entrant[] = contestants.flatMap((contestant) => {
        const place = entrant(contestant, workload, durability);
        return 'absent' in place ? [] : [{ contestant, durability: place.durability }];
      });
      return turns(entrants, rounds).map((turn) => ({ workload, ...turn }));
    });
  const loaded = new Set<string>();
  for (const [done, { workload, entrant: who, round }] of schedule.entries()) {
    if (results.hasFailed(who.contestant, workload.id)) continue;
    const { title } = entryOf(who.contestant);
    const job = { ...who, rows };
    try {
      const database = `${who.contestant} ${who.durability}`;
      if (workload.database === 'loaded' && !loaded.has(database)) {
        watching.turn(
          done,
          schedule.length,
          `${title} loads the rows and brings them into their lasting form`,
        );
        await performer.ask({ kind: 'prepare', ...job }, signal);
        loaded.add(database);
      }
      watching.turn(done, schedule.length, `${workTitle(workload.id)}, round ${round}: ${title}`);
      const measured = await performer.ask({ kind: 'round', ...job, workload: workload.id, round }, signal);
      results.add(who.contestant, measured);
    } catch (error) {
      signal.throwIfAborted();
      results.fail(who.contestant, workload.id, error instanceof Error ? error.message : String(error));
    }
    watching.measured(workload);
    // What was measured is drawn before the next turn begins.
    await new Promise((resolve) => setTimeout(resolve));
  }
}

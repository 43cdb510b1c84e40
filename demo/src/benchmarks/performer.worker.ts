/**
 * Where the work is done: a worker, so that the page stays as it is while a thousand requests are made at once, and so
 * that it can be ended wherever it is. It does one job at a time.
 */

import type { Durability } from 'plinthdb-bench/contestant';
import { EMPTY_DATABASE, loadedDatabase, prepare, runRound } from 'plinthdb-bench/round';
import type { Measured } from 'plinthdb-bench/stopwatch';
import { workloads } from 'plinthdb-bench/workloads/all';
import { CONTESTANTS, type ContestantName, contestantOf, ROW_COUNTS, sizesFor } from './order';

export interface Entrant {
  contestant: ContestantName;
  durability: Durability;
  rows: number;
}

export type Job =
  /** Makes sure that the rows are there. */
  | (Entrant & { kind: 'prepare' })
  /** Does one workload once, and checks the result. */
  | (Entrant & { kind: 'round'; workload: string; round: number })
  /** Deletes all databases of the benchmark. */
  | { kind: 'clean' };

export type Answer = { measured: readonly Measured[] } | { failed: string };

self.addEventListener('message', ({ data }: MessageEvent<Job>) => {
  void perform(data).then(
    (measured) => answer({ measured }),
    (error: unknown) => answer({ failed: error instanceof Error ? error.message : String(error) }),
  );
});

const answer = (what: Answer): void => self.postMessage(what);

async function perform(job: Job): Promise<readonly Measured[]> {
  if (job.kind === 'clean') {
    await clean();
    return [];
  }
  const contestant = await contestantOf(job.contestant);
  const { durability } = job;
  const sizes = sizesFor(job.rows);
  if (job.kind === 'prepare') {
    await prepare(contestant, durability, sizes);
    return [];
  }
  const workload = workloads.find(({ id }) => id === job.workload);
  if (workload === undefined) throw new Error(`there is no workload ${job.workload}`);
  return runRound({ contestant, workload, durability, sizes, seed: job.round, isSampling: false });
}

async function clean(): Promise<void> {
  for (const name of CONTESTANTS) {
    const { remove } = await contestantOf(name);
    for (const database of [EMPTY_DATABASE, ...ROW_COUNTS.map((rows) => loadedDatabase({ rows }))]) {
      await remove(database);
    }
  }
}

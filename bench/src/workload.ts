/** What the workloads have in common. */
import type { Connection } from './contestant.ts';
import type { Stopwatch } from './stopwatch.ts';

/** How much work. */
export interface Sizes {
  /** Rows of the data set. */
  rows: number;
  /** Commits, increments, transactions. */
  operations: number;
  /** Point reads, and rows of the long scan. */
  reads: number;
  /** Short scans. */
  scans: number;
}

export const FULL_SIZES: Sizes = { rows: 100_000, operations: 1_000, reads: 10_000, scans: 1_000 };

export interface Work {
  connection: Connection;
  sizes: Sizes;
  /** Changes from round to round. */
  seed: number;
  watch: Stopwatch;
}

export interface Workload {
  id: string;
  /** Whether it runs on the loaded rows or on an empty database. */
  database: 'loaded' | 'empty';
  /** Whether it matters how durable commits are. */
  isWriting: boolean;
  /** Does the work under the stopwatch, and answers with what checks it on a new connection. */
  run(work: Work): Promise<(connection: Connection) => Promise<void>>;
}

/** Fails unless what was read is what must be there. */
export function expectEqual(found: number, expected: number, what: string): void {
  if (found !== expected) throw new Error(`${what}: ${expected} expected, ${found} found`);
}

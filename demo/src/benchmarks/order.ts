/** What a person orders: who competes in what, how much of it, how durable; and who can't take part, and why. */

import type { Contestant, Durability } from 'plinthdb-bench/contestant';
import { withPrefix } from 'plinthdb-bench/contestant';
import type { Entry } from 'plinthdb-bench/entry';
import { overIndexedDb } from 'plinthdb-bench/over-indexeddb';
import { FULL_SIZES, type Sizes, type Workload } from 'plinthdb-bench/workload';

export type ContestantName = keyof typeof overIndexedDb;
export type CommitDurability = Exclude<Durability, 'none'>;

export interface Order {
  contestants: readonly ContestantName[];
  /** Ids. */
  workloads: readonly string[];
  rows: number;
  rounds: number;
  durability: CommitDurability;
}

export const CONTESTANTS = Object.keys(overIndexedDb) as ContestantName[];

/** What all are compared with. */
export const BASELINE: ContestantName = 'raw-indexeddb';

export const ROW_COUNTS = [1_000, 10_000, 100_000] as const;

/** The workloads as a person chooses them. */
export const WORK: readonly { id: string; title: string; detail: string }[] = [
  { id: 'W1', title: 'One-row commits', detail: 'one after the other' },
  { id: 'W2', title: 'Bulk load', detail: 'all rows, as each does it best' },
  { id: 'W3', title: 'Random reads', detail: 'in one transaction; each in its own' },
  { id: 'W4', title: 'Range scans', detail: 'a long one; many of 10 rows' },
  { id: 'W6', title: 'Increments', detail: 'submitted together, on one counter and on a hundred' },
  { id: 'W7', title: 'Transactions', detail: 'of 5 reads and 2 writes, submitted together' },
];

export function workTitle(workload: string): string {
  return WORK.find(({ id }) => id === workload)?.title ?? workload;
}

/** What all databases of the benchmark are called first. */
export const DATABASE_PREFIX = 'benchmark-';

export function entryOf(name: ContestantName): Entry {
  return overIndexedDb[name];
}

/** The contestant, with databases of its own. */
export async function contestantOf(name: ContestantName): Promise<Contestant> {
  return withPrefix(`${DATABASE_PREFIX}${name}`, await entryOf(name).load());
}

/** Fewer rows are for a slower machine, or for less patience: there is less of everything then. */
export function sizesFor(rows: number): Sizes {
  return {
    rows,
    operations: Math.min(FULL_SIZES.operations, rows / 10),
    reads: Math.min(FULL_SIZES.reads, rows / 2),
    scans: Math.min(FULL_SIZES.scans, rows / 10),
  };
}

/**
 * With which durability it takes part: that of the order, or its own where nothing is written. Or the reason why it
 * does not.
 */
export function entrant(
  name: ContestantName,
  { id, isWriting }: Workload,
  durability: CommitDurability,
): { durability: Durability } | { absent: string } {
  const { absent, durabilities } = entryOf(name);
  const reason = absent[id];
  if (reason !== undefined) return { absent: reason };
  if (durabilities.includes(durability)) return { durability };
  const [own] = durabilities;
  if (own === undefined || isWriting) return { absent: `can’t commit ${durability}` };
  return { durability: own };
}

/** The workloads that one page does alone. */
import type { Workload } from '../workload.ts';
import { bulkLoad } from './bulk-load.ts';
import { concurrentTransactions } from './concurrent-transactions.ts';
import { increments } from './increments.ts';
import { pointReads } from './point-reads.ts';
import { rangeScans } from './range-scans.ts';
import { sequentialCommits } from './sequential-commits.ts';

export const workloads: readonly Workload[] = [
  sequentialCommits,
  bulkLoad,
  pointReads,
  rangeScans,
  increments,
  concurrentTransactions,
];

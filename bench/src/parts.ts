/** The parts of the work as a reader knows them, in the order of the report. */

export interface Part {
  id: string;
  title: string;
  /** The part of IndexedDB and of others that it is compared with, if they can't do the same. */
  against?: string;
}

export const parts: readonly Part[] = [
  { id: 'W1', title: 'one-row commits, one after the other' },
  { id: 'W2', title: 'bulk load, rows' },
  { id: 'W3 one transaction', title: 'random reads, one after the other, in one transaction' },
  { id: 'W3 each its own', title: 'random reads, each in a transaction of its own' },
  { id: 'W4 long scan', title: 'one scan, rows' },
  { id: 'W4 short scans', title: 'scans of 10 rows' },
  { id: 'W5', title: 'page load to first read' },
  { id: 'W5 code', title: '… of that, until its code was loaded' },
  { id: 'W5 open', title: '… and to open the database' },
  { id: 'W5 million', title: 'page load to first read, 1,000,000 rows' },
  { id: 'W6 one counter', title: 'increments of one counter, submitted together' },
  { id: 'W6 100 counters', title: 'increments of 100 counters, submitted together' },
  { id: 'W6 add', title: 'atomic adds, submitted together', against: 'W6 one counter' },
  { id: 'W7', title: 'transactions of 5 reads and 2 writes, submitted together' },
  { id: 'W8 same tab', title: 'commit to watch, same tab' },
  { id: 'W8 same tab, 99 %', title: '… 99th percentile' },
  { id: 'W8 other tab', title: 'commit to watch, another tab' },
  { id: 'W8 other tab, 99 %', title: '… 99th percentile' },
  { id: 'W9 commits, 2 tabs', title: 'one-row commits, 2 tabs together' },
  { id: 'W9 commits, 4 tabs', title: 'one-row commits, 4 tabs together' },
  { id: 'W9 reads, 2 tabs', title: 'random reads, 2 tabs together' },
  { id: 'W9 reads, 4 tabs', title: 'random reads, 4 tabs together' },
  { id: 'W2 longest task', title: 'longest task of the page during the bulk load' },
  { id: 'W2 p99 task', title: '… 99 % of the time in tasks shorter than' },
  { id: 'W7 longest task', title: 'longest task during the transactions' },
  { id: 'W7 p99 task', title: '… 99 % of the time in tasks shorter than' },
  { id: 'folding longest task', title: 'longest task during folding' },
  { id: 'folding p99 task', title: '… 99 % of the time in tasks shorter than' },
  { id: 'memory', title: 'memory after the bulk load' },
  { id: 'instantiate', title: 'compile and instantiate the engine' },
];

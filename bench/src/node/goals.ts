/** What Plinth is to reach, as ratios within one run. */
import type { ContestantName } from '../catalogue.ts';
import type { Durability } from '../contestant.ts';
import { summarize } from '../statistics.ts';
import { EVERYTHING } from './package-sizes.ts';
import type { Results } from './results.ts';

export interface Verdict {
  goal: string;
  found: string;
  isMet: boolean;
}

interface Goal {
  goal: string;
  /** What was reached, `undefined` if the run did not measure it. */
  reached(run: Run): number | undefined;
  needed: number;
  /** A bound from above: times, bytes. */
  isMost?: boolean;
  unit: string;
}

const WAYS: readonly Durability[] = ['strict', 'relaxed'];

/** How many times faster than `other` Plinth is, at its worse durability. */
function times(part: string, other: ContestantName, otherPart = part): Goal['reached'] {
  return (run) => run.least(WAYS.map((way) => run.ratio(part, otherPart, other, way)));
}

/** How many times slower than `other` in memory Plinth is. */
function behind(part: string, other: ContestantName): Goal['reached'] {
  return (run) => {
    const ours = run.median(part, 'plinth');
    const theirs = run.median(part, other, 'none');
    return ours === undefined || theirs === undefined ? undefined : theirs / ours;
  };
}

function ours(part: string): Goal['reached'] {
  return (run) => run.median(part, 'plinth');
}

const GOALS: readonly Goal[] = [
  { goal: 'W1 against IndexedDB', reached: times('W1', 'raw-indexeddb'), needed: 0.9, unit: '×' },
  { goal: 'W2 against IndexedDB, batched', reached: times('W2', 'raw-indexeddb'), needed: 10, unit: '×' },
  {
    goal: 'W2 against the fastest durable peer',
    reached: (run) => run.least(WAYS.map((way) => run.ratioToBestPeer('W2', way))),
    needed: 2,
    unit: '×',
  },
  {
    goal: 'W3 in one transaction against IndexedDB',
    reached: times('W3 one transaction', 'raw-indexeddb'),
    needed: 100,
    unit: '×',
  },
  {
    goal: 'W3 each its own against IndexedDB',
    reached: times('W3 each its own', 'raw-indexeddb'),
    needed: 100,
    unit: '×',
  },
  {
    goal: 'W3 in one transaction, behind sorted-btree',
    reached: behind('W3 one transaction', 'sorted-btree'),
    needed: 5,
    isMost: true,
    unit: '×',
  },
  {
    goal: 'W4 long scan against IndexedDB',
    reached: times('W4 long scan', 'raw-indexeddb'),
    needed: 20,
    unit: '×',
  },
  {
    goal: 'W4 short scans against IndexedDB',
    reached: times('W4 short scans', 'raw-indexeddb'),
    needed: 20,
    unit: '×',
  },
  {
    goal: 'W4 long scan, behind sorted-btree',
    reached: behind('W4 long scan', 'sorted-btree'),
    needed: 3,
    isMost: true,
    unit: '×',
  },
  {
    goal: 'W4 short scans, behind sorted-btree',
    reached: behind('W4 short scans', 'sorted-btree'),
    needed: 3,
    isMost: true,
    unit: '×',
  },
  {
    goal: 'W5 later than IndexedDB',
    reached: (run) => run.later('W5'),
    needed: 60,
    isMost: true,
    unit: 'ms',
  },
  {
    goal: 'W5 later than IndexedDB, 1,000,000 rows',
    reached: (run) => run.later('W5 million'),
    needed: 60,
    isMost: true,
    unit: 'ms',
  },
  {
    goal: 'W6 one counter against IndexedDB',
    reached: times('W6 one counter', 'raw-indexeddb'),
    needed: 1,
    unit: '×',
  },
  {
    goal: 'W6 100 counters against IndexedDB',
    reached: times('W6 100 counters', 'raw-indexeddb'),
    needed: 20,
    unit: '×',
  },
  {
    goal: 'W6 atomic adds against IndexedDB',
    reached: times('W6 add', 'raw-indexeddb', 'W6 one counter'),
    needed: 100,
    unit: '×',
  },
  { goal: 'W7 against IndexedDB', reached: times('W7', 'raw-indexeddb'), needed: 20, unit: '×' },
  { goal: 'W8 same tab', reached: ours('W8 same tab'), needed: 1, isMost: true, unit: 'ms' },
  { goal: 'W8 another tab', reached: ours('W8 other tab'), needed: 5, isMost: true, unit: 'ms' },
  { goal: 'W2 tasks, 99 %', reached: ours('W2 p99 task'), needed: 8, isMost: true, unit: 'ms' },
  { goal: 'W7 tasks, 99 %', reached: ours('W7 p99 task'), needed: 8, isMost: true, unit: 'ms' },
  { goal: 'folding, tasks, 99 %', reached: ours('folding p99 task'), needed: 8, isMost: true, unit: 'ms' },
  {
    goal: 'package, gzipped',
    reached: ({ results }) => {
      const size = results.packageSizes.find(({ what }) => what === EVERYTHING);
      return size && size.gzip / 1000;
    },
    needed: 150,
    isMost: true,
    unit: 'kB',
  },
];

/** Medians of a run, and ratios between them. */
export class Run {
  readonly results: Results;

  constructor(results: Results) {
    this.results = results;
  }

  /** Of the durability asked for, or of the only one. */
  median(part: string, contestant: ContestantName, durability?: Durability): number | undefined {
    const found = this.results.series.find(
      (series) =>
        series.part === part &&
        series.contestant === contestant &&
        (durability === undefined || series.durability === durability),
    );
    return found && summarize(found.samples).median;
  }

  /** How many times as fast Plinth is, whatever the unit. */
  ratio(part: string, otherPart: string, other: ContestantName, durability: Durability): number | undefined {
    const plinth = this.median(part, 'plinth', durability);
    const theirs = this.median(otherPart, other, durability);
    if (plinth === undefined || theirs === undefined) return undefined;
    const unit = this.results.series.find((series) => series.part === part)?.unit;
    return unit === '/s' ? plinth / theirs : theirs / plinth;
  }

  ratioToBestPeer(part: string, durability: Durability): number | undefined {
    const peers = this.results.series.filter(
      (series) => series.part === part && series.durability === durability && series.contestant !== 'plinth',
    );
    return this.least(peers.map(({ contestant }) => this.ratio(part, part, contestant, durability)));
  }

  later(part: string): number | undefined {
    const plinth = this.median(part, 'plinth');
    const raw = this.median(part, 'raw-indexeddb');
    return plinth === undefined || raw === undefined ? undefined : plinth - raw;
  }

  least(numbers: readonly (number | undefined)[]): number | undefined {
    const known = numbers.filter((number) => number !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }
}

export function verdicts(results: Results): Verdict[] {
  const run = new Run(results);
  return GOALS.flatMap(({ goal, reached, needed, isMost = false, unit }) => {
    const found = reached(run);
    if (found === undefined) return [];
    const digits = Math.abs(found) < 10 ? 2 : 0;
    return {
      goal: `${goal}: ${isMost ? 'at most' : 'at least'} ${needed} ${unit}`,
      found: `${found.toFixed(digits)} ${unit}`,
      isMet: isMost ? found <= needed : found >= needed,
    };
  });
}

/** The command line of the benchmark. */
import { parseArgs } from 'node:util';
import { type ContestantName, contestantNames } from '../catalogue.ts';
import type { Durability } from '../contestant.ts';
import { FULL_SIZES, type Sizes } from '../workload.ts';

export const WORKLOADS = [
  'W1',
  'W2',
  'W3',
  'W4',
  'W5',
  'W6',
  'W7',
  'W8',
  'W9',
  'tasks',
  'memory',
  'size',
] as const;
export type WorkloadId = (typeof WORKLOADS)[number];

/** Making its files takes this one half a minute each time; it is in the run when it is named. */
const NOT_SMALL: ContestantName = 'pglite';

/** Sizes at which the whole benchmark takes seconds: to see that everything still works. */
const SMALL_SIZES: Sizes = { rows: 400, operations: 20, reads: 60, scans: 10 };

export interface Options {
  only: readonly WorkloadId[];
  contestants: readonly ContestantName[];
  durabilities: readonly Durability[];
  rounds: number;
  sizes: Sizes;
  /** Also W5 on a million rows. */
  isMillion: boolean;
  /** Small, and judged as a test. */
  isSmoke: boolean;
  /** Also record where Plinth's time goes. */
  isProfiling: boolean;
  /** Keeps what the runs before found about everything else. */
  isAddition: boolean;
  readme: 'paste' | 'check' | undefined;
}

export function parseOptions(): Options {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      contestants: { type: 'string' },
      durability: { type: 'string' },
      rounds: { type: 'string' },
      rows: { type: 'string' },
      million: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      add: { type: 'boolean', default: false },
      readme: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
    },
  });
  const sizes = values.smoke ? SMALL_SIZES : FULL_SIZES;
  const rows = count('--rows', values.rows, sizes.rows);
  return {
    only: list('--only', values.only, WORKLOADS),
    contestants:
      values.smoke && values.contestants === undefined
        ? contestantNames.filter((name) => name !== NOT_SMALL)
        : list('--contestants', values.contestants, contestantNames),
    durabilities: [...list('--durability', values.durability, ['strict', 'relaxed'] as const), 'none'],
    rounds: count('--rounds', values.rounds, values.smoke ? 1 : 5),
    sizes: { ...sizes, rows, reads: Math.min(sizes.reads, Math.floor(rows / 2)) },
    isMillion: values.million,
    isSmoke: values.smoke,
    isProfiling: values.profile,
    isAddition: values.add,
    readme: values.readme ? 'paste' : values.check ? 'check' : undefined,
  };
}

function list<T extends string>(option: string, text: string | undefined, known: readonly T[]): readonly T[] {
  if (text === undefined) return known;
  return text.split(',').map((name) => {
    const found = known.find((other) => other.toLowerCase() === name.toLowerCase());
    if (found === undefined) throw new Error(`${option}: ${known.join(', ')} are known, not ${name}`);
    return found;
  });
}

function count(option: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  const number = Number(text.replaceAll('_', ''));
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`${option}: a number was expected, found ${text}`);
  return number;
}

/** What a run found, as it is written to `bench.json`. */
import type { ContestantName } from '../catalogue.ts';
import type { Durability } from '../contestant.ts';
import type { Sizes } from '../workload.ts';
import type { PackageSize } from './package-sizes.ts';

/** Rates are better when larger, times and bytes when smaller. */
export type Unit = '/s' | 'ms' | 'MB';

export interface Series {
  part: string;
  contestant: ContestantName;
  durability: Durability;
  unit: Unit;
  /** One for each round. */
  samples: number[];
}

export interface Failure {
  part: string;
  contestant: ContestantName;
  message: string;
}

export interface Results {
  date: string;
  browser: string;
  versions: Record<string, string>;
  rounds: number;
  sizes: Sizes;
  series: Series[];
  packageSizes: PackageSize[];
  failures: Failure[];
}

/** The results of a run with those of an earlier one about the parts that it has nothing of. */
export function addedTo(earlier: Results, results: Results): Results {
  for (const what of ['browser', 'versions', 'rounds', 'sizes'] as const) {
    const [then, now] = [earlier[what], results[what]].map((value) => JSON.stringify(value));
    if (then !== now) throw new Error(`--add: ${what} was ${then} in the run before, and is ${now}`);
  }
  const measured = new Set([...results.series, ...results.failures].map(({ part }) => part));
  const kept = <T extends { part: string }>(list: T[]) => list.filter(({ part }) => !measured.has(part));
  return {
    ...results,
    series: [...kept(earlier.series), ...results.series],
    failures: [...kept(earlier.failures), ...results.failures],
    packageSizes: results.packageSizes.length > 0 ? results.packageSizes : earlier.packageSizes,
  };
}

export class ResultCollector {
  readonly series: Series[] = [];
  readonly failures: Failure[] = [];

  add(key: Omit<Series, 'samples'>, sample: number): void {
    const found = this.series.find(
      ({ part, contestant, durability }) =>
        part === key.part && contestant === key.contestant && durability === key.durability,
    );
    if (found !== undefined) found.samples.push(sample);
    else this.series.push({ ...key, samples: [sample] });
  }
}

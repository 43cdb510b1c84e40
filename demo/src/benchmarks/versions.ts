/** Which versions compete: those that the benchmark pins, and Plinth's own. */

import { version } from 'plinthdb/package.json';
import bench from 'plinthdb-bench/package.json';
import { type ContestantName, entryOf } from './order';

const PINNED: Readonly<Record<string, string>> = { ...bench.devDependencies, plinthdb: version };

/** Title and version, where it has one: “Dexie 4.4.7”. */
export function named(name: ContestantName): string {
  const { title, package: npmPackage } = entryOf(name);
  const pinned = npmPackage === undefined ? undefined : PINNED[npmPackage];
  return pinned === undefined ? title : `${title} ${pinned}`;
}

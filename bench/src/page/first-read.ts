/** W5: a page that opens a database of many rows and reads one. Tells how long after its navigation it had the row. */
import { type ContestantName, contestantOf } from '../catalogue.ts';
import type { Durability } from '../contestant.ts';
import { isRowValue, rowKey } from '../dataset.ts';
import { loadedDatabase } from '../round.ts';

/** Milliseconds since the navigation began. */
export interface FirstRead {
  /** The page's own script runs. */
  script: number;
  /** The contestant's code is there. */
  loaded: number;
  opened: number;
  read: number;
}

const query = new URLSearchParams(location.search);
const rows = Number(query.get('rows'));
const index = Number(query.get('index'));

async function firstRead(): Promise<FirstRead> {
  const script = performance.now();
  const contestant = await contestantOf(query.get('contestant') as ContestantName);
  const loaded = performance.now();
  const connection = await contestant.open(loadedDatabase({ rows }), query.get('durability') as Durability);
  const opened = performance.now();
  const value = await connection.get(rowKey(index, rows));
  const read = performance.now();
  if (!isRowValue(index, value)) throw new Error(`row ${index} is not what was loaded`);
  await connection.close();
  return { script, loaded, opened, read };
}

Object.assign(globalThis, { firstRead: firstRead() });

/**
 * Loading the data file: batches of 1,000 cities, one transaction each, several in flight.
 *
 * A batch's rows, its index entries and the mark that says "this batch is loaded" are one
 * transaction, which first looks for the mark. So every batch is stored exactly once,
 * whatever happens: a reload half way, a failure, or two tabs loading at the same time.
 */

import type { Database } from 'plinthdb';
import { fromJson } from '../bytes';
import { type Batch, fetchBatches } from './data-stream';
import { batchKey, DATA_KEY, KEY_SPACES, keysOf, LATEST_KEY, type StoredData } from './keys';
import { type Point, packPoints } from './points';

export interface DataSet {
  version: string;
  rows: number;
  bytes: number;
  path: string;
}

export interface LoadViews {
  /** Bytes of the file that have arrived. */
  fetched(bytes: number): void;
  /** A batch's transaction has been acknowledged. */
  stored(batch: number, points: Point[]): void;
}

const TRANSACTIONS_IN_FLIGHT = 4;

/**
 * Says which data is being loaded. An earlier load of the same version goes on; another
 * version's rows are cleared in the same transaction.
 */
export async function beginLoad(db: Database, dataSet: DataSet): Promise<void> {
  await db.doTransaction(async (tn) => {
    const stored = await tn.get(DATA_KEY);
    if (stored !== undefined && fromJson<StoredData>(stored).version === dataSet.version) return;
    for (const space of KEY_SPACES) tn.clearRange(space);
    const data: StoredData = { version: dataSet.version, load: crypto.randomUUID() };
    tn.set(DATA_KEY, JSON.stringify(data));
    tn.set(LATEST_KEY, '');
  });
}

export async function loadCities(
  db: Database,
  dataSet: DataSet,
  isLoaded: (batch: number) => boolean,
  views: LoadViews,
  signal: AbortSignal,
): Promise<void> {
  const inFlight = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  const store = async (batch: Batch): Promise<void> => {
    try {
      await storeBatch(db, batch);
      views.stored(batch.number, batch.cities);
    } catch (error) {
      failure ??= { error };
    }
  };

  try {
    for await (const batch of fetchBatches(dataSet.path, isLoaded, signal, views.fetched)) {
      const storing = store(batch).finally(() => inFlight.delete(storing));
      inFlight.add(storing);
      if (inFlight.size >= TRANSACTIONS_IN_FLIGHT) await Promise.race(inFlight);
      if (failure !== undefined || signal.aborted) break;
    }
  } finally {
    // What has been submitted is finished either way: nobody is told "stopped" too early.
    await Promise.all(inFlight);
  }
  if (failure !== undefined) throw failure.error;
  signal.throwIfAborted();
}

async function storeBatch(db: Database, batch: Batch): Promise<void> {
  const mark = batchKey(batch.number);
  const points = packPoints(batch.cities);
  await db.doTransaction(async (tn) => {
    if (await tn.exists(mark)) return;
    for (const [index, city] of batch.cities.entries()) {
      const keys = keysOf(city);
      const point = packPoints([city]);
      tn.set(keys.record, batch.lines[index] ?? '');
      for (const key of keys.indexes) tn.set(key, point);
    }
    tn.set(mark, points);
    tn.set(LATEST_KEY, String(batch.number));
  });
}

/**
 * Which batches of the data set are in the database, with their points. Kept current by a
 * watch, so that a load in another tab, or its deletion, is seen here as it happens.
 */

import type { Database } from 'plinthdb';
import { fromJson } from '../bytes';
import { BATCH_ROWS } from './data-stream';
import { batchKey, DATA_KEY, LATEST_KEY, type StoredData } from './keys';
import { POINT_BYTES, type Point, unpackPoints } from './points';

export interface LoadedViews {
  /** These points are now there as well. */
  added(points: Point[]): void;
  /** The database has been emptied. */
  emptied(): void;
}

export class Loaded {
  rowCount = 0;
  #stored: StoredData | undefined;
  readonly #batches = new Set<number>();
  readonly #batchCount: number;
  readonly #db: Database;
  readonly #views: LoadedViews;

  constructor(db: Database, rowsTotal: number, views: LoadedViews) {
    this.#db = db;
    this.#batchCount = Math.ceil(rowsTotal / BATCH_ROWS);
    this.#views = views;
  }

  /** The version of the data that is stored, if any is. */
  get version(): string | undefined {
    return this.#stored?.version;
  }

  has(batch: number): boolean {
    return this.#batches.has(batch);
  }

  add(batch: number, points: Point[]): void {
    if (this.#batches.has(batch)) return;
    this.#batches.add(batch);
    this.rowCount += points.length;
    this.#views.added(points);
  }

  /** Reads the marks that are not known yet, all in one transaction. */
  async refresh(): Promise<void> {
    const missing: number[] = [];
    for (let batch = 0; batch < this.#batchCount; batch += 1) {
      if (!this.#batches.has(batch)) missing.push(batch);
    }
    const { data, found } = await this.#db.doTransaction(async (tn) => ({
      data: await tn.get(DATA_KEY),
      found: await Promise.all(
        missing.map(async (batch) => ({ batch, value: await tn.get(batchKey(batch)) })),
      ),
    }));
    const stored = data === undefined ? undefined : fromJson<StoredData>(data);
    if (stored?.load !== this.#stored?.load) this.#empty();
    this.#stored = stored;
    for (const { batch, value } of found) {
      if (value !== undefined && value.length >= POINT_BYTES) this.add(batch, unpackPoints(value));
    }
  }

  /** Follows changes until the database is closed. */
  async follow(): Promise<void> {
    for (;;) {
      const watch = await this.#db.getAndWatch(LATEST_KEY);
      await this.refresh();
      if (!(await watch.promise)) return;
    }
  }

  #empty(): void {
    if (this.#batches.size === 0) return;
    this.#batches.clear();
    this.rowCount = 0;
    this.#views.emptied();
  }
}

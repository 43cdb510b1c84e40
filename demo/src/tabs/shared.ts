/**
 * One shared thing under one key, followed with a watch.
 *
 * The loop reads the value and arms the watch in one transaction, so no change can fall
 * between the two. A watch says "this key has changed", not how often: changes that come
 * faster than the loop are seen as one.
 */

import type { Database } from 'plinthdb';
import { fromJson } from '../bytes';

/** What is stored: the value, who wrote it and when. */
export interface Written<T> {
  value: T;
  by: string;
  /** Date.now() of the writer. */
  at: number;
}

export interface SharedViews<T> {
  /** The value as it is now; undefined when nothing is stored. */
  show(written: Written<T> | undefined): void;
  /** The watch has fired and the new value has been read. */
  fired(written: Written<T> | undefined): void;
}

export class Shared<T> {
  readonly #db: Database;
  readonly #key: string;
  readonly #tab: string;
  #newest: { value: T } | undefined;
  #replacing: Promise<void> | undefined;

  constructor(db: Database, key: string, tab: string) {
    this.#db = db;
    this.#key = key;
    this.#tab = tab;
  }

  /** Until the watch is cancelled, which is when the database is closed. */
  async follow(views: SharedViews<T>): Promise<void> {
    let hasFired = false;
    for (;;) {
      const watch = await this.#db.getAndWatch(this.#key);
      const written = watch.value === undefined ? undefined : fromJson<Written<T>>(watch.value);
      views.show(written);
      if (hasFired) views.fired(written);
      hasFired = await watch.promise;
      if (!hasFired) return;
    }
  }

  /** Reads, changes and writes in one transaction; says how often its body had to run. */
  async update(change: (value: T | undefined) => T): Promise<{ runs: number }> {
    let runs = 0;
    await this.#db.doTransaction(async (tn) => {
      runs += 1;
      const stored = await tn.get(this.#key);
      const value = change(stored === undefined ? undefined : fromJson<Written<T>>(stored).value);
      const written: Written<T> = { value, by: this.#tab, at: Date.now() };
      tn.set(this.#key, JSON.stringify(written));
    });
    return { runs };
  }

  /**
   * Writes a value that depends on nothing. One transaction at a time, always with the newest
   * value: transactions in flight together may commit in any order, and an older value would win.
   */
  replace(value: T): Promise<void> {
    this.#newest = { value };
    this.#replacing ??= this.#writeNewest();
    return this.#replacing;
  }

  async #writeNewest(): Promise<void> {
    try {
      while (this.#newest !== undefined) {
        const { value } = this.#newest;
        this.#newest = undefined;
        const written: Written<T> = { value, by: this.#tab, at: Date.now() };
        await this.#db.set(this.#key, JSON.stringify(written));
      }
    } finally {
      this.#replacing = undefined;
    }
  }
}

/** npm `dexie`: tables over IndexedDB, with live queries. */
import { Dexie, liveQuery, type Table } from 'dexie';
import type { Connection, Contestant, Durability, Pair, Scan } from '../contestant.ts';
import { type Key, type Row, tallied } from '../dataset.ts';
import { removed } from './requests.ts';

const LOAD_ROWS = 10_000;

interface Stored {
  key: string;
  value: Uint8Array;
}

interface Counted {
  key: string;
  count: number;
}

export const dexie: Contestant = {
  async open(database: string, durability: Durability): Promise<Connection> {
    const handle = new Dexie(database, {
      chromeTransactionDurability: durability === 'none' ? 'default' : durability,
    });
    handle.version(1).stores({ rows: 'key', counters: 'key' });
    await handle.open();
    return new DexieConnection(handle);
  },
  // Dexie's own way warns on the console while a connection is still on its way to be closed.
  remove: removed,
};

class DexieConnection implements Connection {
  readonly #handle: Dexie;
  readonly #rows: Table<Stored, string>;
  readonly #counters: Table<Counted, string>;

  constructor(handle: Dexie) {
    this.#handle = handle;
    this.#rows = handle.table('rows');
    this.#counters = handle.table('counters');
  }

  async put(key: Key, value: Uint8Array): Promise<void> {
    await this.#rows.put({ key: key.text, value });
  }

  async load(rows: readonly Row[]): Promise<void> {
    const commits: Promise<unknown>[] = [];
    for (let begin = 0; begin < rows.length; begin += LOAD_ROWS) {
      const piece = rows.slice(begin, begin + LOAD_ROWS);
      commits.push(this.#rows.bulkPut(piece.map(({ key, value }) => ({ key: key.text, value }))));
    }
    await Promise.all(commits);
  }

  async count(): Promise<number> {
    return this.#rows.count();
  }

  async get(key: Key): Promise<Uint8Array | undefined> {
    return (await this.#rows.get(key.text))?.value;
  }

  async getEach(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    return this.#handle.transaction('r', this.#rows, async () => {
      const values: (Uint8Array | undefined)[] = [];
      for (const key of keys) values.push((await this.#rows.get(key.text))?.value);
      return values;
    });
  }

  async scanEach(scans: readonly Scan[]): Promise<Pair[][]> {
    return this.#handle.transaction('r', this.#rows, async () => {
      const all: Pair[][] = [];
      for (const { begin, end } of scans) {
        const found = await this.#rows.where('key').between(begin.text, end.text).toArray();
        all.push(found.map(({ key, value }) => [key, value] as const));
      }
      return all;
    });
  }

  async increment(key: Key): Promise<void> {
    await this.#handle.transaction('rw', this.#counters, async () => {
      const count = (await this.#counters.get(key.text))?.count ?? 0;
      await this.#counters.put({ key: key.text, count: count + 1 });
    });
  }

  async counter(key: Key): Promise<number> {
    return (await this.#counters.get(key.text))?.count ?? 0;
  }

  async transact(keys: readonly Key[]): Promise<void> {
    await this.#handle.transaction('rw', this.#rows, async () => {
      const found = await this.#rows.bulkGet(keys.map((key) => key.text));
      const written = found.slice(0, 2).map((stored) => {
        const { key, value } = stored as Stored;
        return { key, value: tallied(value) };
      });
      await this.#rows.bulkPut(written);
    });
  }

  watch(key: Key): Promise<{ changed: Promise<void> }> {
    return new Promise((resolve, reject) => {
      let calls = 0;
      let change: () => void = () => undefined;
      const changed = new Promise<void>((settle) => {
        change = settle;
      });
      const subscription = liveQuery(() => this.#rows.get(key.text)).subscribe({
        next() {
          calls++;
          if (calls === 1) resolve({ changed });
          if (calls < 2) return;
          subscription.unsubscribe();
          change();
        },
        error: reject,
      });
    });
  }

  async close(): Promise<void> {
    this.#handle.close();
  }
}

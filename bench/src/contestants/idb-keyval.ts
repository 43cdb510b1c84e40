/** npm `idb-keyval`: single keys over IndexedDB, with IndexedDB's default durability. */
import { createStore, get, keys as keysOf, set, setMany, type UseStore, update } from 'idb-keyval';
import type { Connection, Contestant } from '../contestant.ts';
import type { Key, Row } from '../dataset.ts';
import { removed, requested } from './requests.ts';

const LOAD_ROWS = 10_000;

export const idbKeyval: Contestant = {
  async open(database: string): Promise<Connection> {
    return new KeyvalConnection(createStore(database, 'rows'));
  },
  remove: removed,
};

class KeyvalConnection implements Connection {
  readonly #store: UseStore;

  constructor(store: UseStore) {
    this.#store = store;
  }

  put(key: Key, value: Uint8Array): Promise<void> {
    return set(key.text, value, this.#store);
  }

  async load(rows: readonly Row[]): Promise<void> {
    const commits: Promise<void>[] = [];
    for (let begin = 0; begin < rows.length; begin += LOAD_ROWS) {
      const piece = rows.slice(begin, begin + LOAD_ROWS);
      commits.push(
        setMany(
          piece.map(({ key, value }) => [key.text, value]),
          this.#store,
        ),
      );
    }
    await Promise.all(commits);
  }

  async count(): Promise<number> {
    return (await keysOf(this.#store)).length;
  }

  get(key: Key): Promise<Uint8Array | undefined> {
    return get(key.text, this.#store);
  }

  async getEach(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    const values: (Uint8Array | undefined)[] = [];
    for (const key of keys) values.push(await this.get(key));
    return values;
  }

  increment(key: Key): Promise<void> {
    return update<number>(key.text, (count) => (count ?? 0) + 1, this.#store);
  }

  async counter(key: Key): Promise<number> {
    return (await get<number>(key.text, this.#store)) ?? 0;
  }

  async close(): Promise<void> {
    // It keeps its connection to itself; a connection is closed through any of its transactions.
    await this.#store('readonly', async (store) => {
      await requested(store.count());
      store.transaction.db.close();
    });
  }
}

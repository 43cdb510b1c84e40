/**
 * The floor: what reading and writing costs in memory, without any database. A `Map`, and the sorted tree of npm
 * `sorted-btree`. Every call is awaited as those of a database are.
 */
import sorted from 'sorted-btree';
import type { Connection, Contestant, Pair, Scan } from '../contestant.ts';
import { type Key, type Row, tallied } from '../dataset.ts';

interface Rows {
  readonly size: number;
  get(key: string): Uint8Array | undefined;
  set(key: string, value: Uint8Array): unknown;
}

// A CommonJS module: some bundlers give its exports as the default, others what it calls so.
const BTree = 'default' in sorted ? (sorted.default as typeof sorted) : sorted;

/** Databases live as long as the page. */
function inMemory<T extends Rows>(
  make: () => T,
  connect: (rows: T, counters: Map<string, number>) => Connection,
): Contestant {
  const databases = new Map<string, { rows: T; counters: Map<string, number> }>();
  return {
    async open(database) {
      const found = databases.get(database) ?? { rows: make(), counters: new Map() };
      databases.set(database, found);
      return connect(found.rows, found.counters);
    },
    async remove(database) {
      databases.delete(database);
    },
  };
}

class MemoryConnection<T extends Rows> implements Connection {
  protected readonly rows: T;
  readonly #counters: Map<string, number>;

  constructor(rows: T, counters: Map<string, number>) {
    this.rows = rows;
    this.#counters = counters;
  }

  async put(key: Key, value: Uint8Array): Promise<void> {
    this.rows.set(key.text, value);
  }

  async load(rows: readonly Row[]): Promise<void> {
    for (const { key, value } of rows) this.rows.set(key.text, value);
  }

  async count(): Promise<number> {
    return this.rows.size;
  }

  async get(key: Key): Promise<Uint8Array | undefined> {
    return this.rows.get(key.text);
  }

  async getEach(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    const values: (Uint8Array | undefined)[] = [];
    for (const key of keys) values.push(await this.rows.get(key.text));
    return values;
  }

  async increment(key: Key): Promise<void> {
    this.#counters.set(key.text, (this.#counters.get(key.text) ?? 0) + 1);
  }

  async counter(key: Key): Promise<number> {
    return this.#counters.get(key.text) ?? 0;
  }

  async transact(keys: readonly Key[]): Promise<void> {
    const values = keys.map((key) => this.rows.get(key.text));
    for (const [index, key] of keys.slice(0, 2).entries()) {
      this.rows.set(key.text, tallied(values[index] as Uint8Array));
    }
  }

  async close(): Promise<void> {}
}

class TreeConnection extends MemoryConnection<sorted<string, Uint8Array>> {
  async scanEach(scans: readonly Scan[]): Promise<Pair[][]> {
    const all: Pair[][] = [];
    for (const { begin, end } of scans) all.push(await this.rows.getRange(begin.text, end.text));
    return all;
  }
}

export const map: Contestant = inMemory(
  () => new Map<string, Uint8Array>(),
  (rows, counters) => new MemoryConnection(rows, counters),
);

export const sortedBtree: Contestant = inMemory(
  () => new BTree<string, Uint8Array>(),
  (rows, counters) => new TreeConnection(rows, counters),
);

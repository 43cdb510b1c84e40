/**
 * npm `@electric-sql/pglite`: PostgreSQL in the page, its files in IndexedDB. `strict` waits after every query until
 * they are there (with IndexedDB's default durability, it has no other), `relaxed` does not wait at all.
 */
import { PGlite } from '@electric-sql/pglite';
import { live, type PGliteWithLive } from '@electric-sql/pglite/live';
import type { Connection, Contestant, Durability, Pair, Scan } from '../contestant.ts';
import { type Key, type Row, tallied } from '../dataset.ts';
import { removed } from './requests.ts';

const INSERT_ROWS = 2_000;

const SCHEMA = `CREATE TABLE IF NOT EXISTS rows (key text COLLATE "C" PRIMARY KEY, value bytea NOT NULL);
  CREATE TABLE IF NOT EXISTS counters (key text COLLATE "C" PRIMARY KEY, count integer NOT NULL);`;
const PUT = 'INSERT INTO rows VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value';
const GET = 'SELECT value FROM rows WHERE key = $1';

/** A database or a transaction of it. */
interface Queries {
  query<T>(sql: string, parameters?: unknown[]): Promise<{ rows: T[] }>;
}

export const pglite: Contestant = {
  async open(database: string, durability: Durability): Promise<Connection> {
    const handle = await PGlite.create(`idb://${database}`, {
      relaxedDurability: durability !== 'strict',
      extensions: { live },
    });
    await handle.exec(SCHEMA);
    return new PgliteConnection(handle);
  },
  remove: (database) => removed(`/pglite/${database}`),
};

class PgliteConnection implements Connection {
  readonly #handle: PGliteWithLive;

  constructor(handle: PGliteWithLive) {
    this.#handle = handle;
  }

  async put(key: Key, value: Uint8Array): Promise<void> {
    await this.#handle.query(PUT, [key.text, value]);
  }

  async load(rows: readonly Row[]): Promise<void> {
    await this.#handle.transaction(async (transaction) => {
      for (let begin = 0; begin < rows.length; begin += INSERT_ROWS) {
        const piece = rows.slice(begin, begin + INSERT_ROWS);
        const places = piece.map((_, index) => `($${2 * index + 1}, $${2 * index + 2})`);
        const parameters = piece.flatMap(({ key, value }) => [key.text, value]);
        await transaction.query(`INSERT INTO rows VALUES ${places.join()}`, parameters);
      }
    });
    await this.#handle.syncToFs();
  }

  async count(): Promise<number> {
    return Number((await this.#first<{ count: number }>('SELECT count(*) FROM rows'))?.count);
  }

  async get(key: Key): Promise<Uint8Array | undefined> {
    return (await this.#first<{ value: Uint8Array }>(GET, [key.text]))?.value;
  }

  async getEach(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    return this.#handle.transaction(async (transaction) => {
      const values: (Uint8Array | undefined)[] = [];
      for (const key of keys) {
        const { rows } = await transaction.query<{ value: Uint8Array }>(GET, [key.text]);
        values.push(rows[0]?.value);
      }
      return values;
    });
  }

  async scanEach(scans: readonly Scan[]): Promise<Pair[][]> {
    return this.#handle.transaction(async (transaction) => {
      const all: Pair[][] = [];
      for (const { begin, end } of scans) {
        const { rows } = await transaction.query<{ key: string; value: Uint8Array }>(
          'SELECT key, value FROM rows WHERE key >= $1 AND key < $2 ORDER BY key',
          [begin.text, end.text],
        );
        all.push(rows.map(({ key, value }) => [key, value] as const));
      }
      return all;
    });
  }

  async increment(key: Key): Promise<void> {
    await this.#handle.query(
      'INSERT INTO counters VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET count = counters.count + 1',
      [key.text],
    );
  }

  async counter(key: Key): Promise<number> {
    return (
      (await this.#first<{ count: number }>('SELECT count FROM counters WHERE key = $1', [key.text]))
        ?.count ?? 0
    );
  }

  async transact(keys: readonly Key[]): Promise<void> {
    await this.#handle.transaction(async (transaction: Queries) => {
      const texts = keys.map((key) => key.text);
      const { rows } = await transaction.query<{ key: string; value: Uint8Array }>(
        'SELECT key, value FROM rows WHERE key = ANY($1)',
        [texts],
      );
      for (const text of texts.slice(0, 2)) {
        const found = rows.find(({ key }) => key === text);
        await transaction.query(PUT, [text, tallied(found?.value as Uint8Array)]);
      }
    });
  }

  async watch(key: Key): Promise<{ changed: Promise<void> }> {
    let change: () => void = () => undefined;
    const { unsubscribe } = await this.#handle.live.query(GET, [key.text], () => change());
    // The first call, before the query is returned, tells what is there.
    const changed = new Promise<void>((resolve) => {
      change = resolve;
    });
    return { changed: changed.then(() => unsubscribe()) };
  }

  async close(): Promise<void> {
    // It closes its connection to IndexedDB also while it still writes there, and relaxed, its own `syncToFs` does not
    // wait: one writing may be under way, and one more in line.
    for (let writing = 0; writing < 2; writing++) await this.#handle.fs?.syncToFs();
    await this.#handle.close();
  }

  async #first<T>(sql: string, parameters: unknown[] = []): Promise<T | undefined> {
    return (await this.#handle.query<T>(sql, parameters)).rows[0];
  }
}

/**
 * Plinth, given as its module's exports, so that a page decides which build competes. The interfaces name what is used
 * of it.
 */
import type { Connection, Contestant, Durability, Pair, Scan } from '../contestant.ts';
import { type Key, type Row, tallied } from '../dataset.ts';

export interface PlinthTransaction {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  set(key: Uint8Array, value: Uint8Array): void;
  clear(key: Uint8Array): void;
  getRangeAll(begin: Uint8Array, end: Uint8Array, options?: { limit: number }): Promise<Pair[]>;
}

export interface PlinthDatabase {
  doTransaction<T>(body: (tn: PlinthTransaction) => Promise<T> | T): Promise<T>;
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  set(key: Uint8Array, value: Uint8Array): Promise<void>;
  add(key: Uint8Array, operand: Uint8Array): Promise<void>;
  getRangeAll(begin: Uint8Array, end: Uint8Array): Promise<Pair[]>;
  getAndWatch(key: Uint8Array): Promise<{ promise: Promise<boolean> }>;
  stats(): Promise<{ logEntryCount: number }>;
  compact(): Promise<void>;
  close(): Promise<void>;
}

export interface PlinthModule {
  init(): Promise<void>;
  open(name: string, options?: { durability: 'strict' | 'relaxed' }): Promise<PlinthDatabase>;
  deleteDatabase(name: string): Promise<void>;
}

/** Small enough that a page stays responsive while it loads, large enough that a commit costs nothing. */
const LOAD_ROWS = 1_000;
const LOADS_IN_FLIGHT = 8;
/** What was committed in the last five seconds is not folded. */
const SETTLE_STEP_MS = 1_000;
const SETTLE_STEPS_MAX = 60;
const FIRST_KEY = new Uint8Array(0);
const LAST_KEY = Uint8Array.of(0xff);

export function plinth(module: PlinthModule): Contestant {
  return {
    async open(database: string, durability: Durability): Promise<Connection> {
      if (durability === 'none') return new PlinthConnection(await module.open(`memory:${database}`));
      return new PlinthConnection(await module.open(database, { durability }));
    },
    remove: (database) => module.deleteDatabase(database),
  };
}

class PlinthConnection implements Connection {
  readonly #db: PlinthDatabase;

  constructor(db: PlinthDatabase) {
    this.#db = db;
  }

  put(key: Key, value: Uint8Array): Promise<void> {
    return this.#db.set(key.bytes, value);
  }

  async load(rows: readonly Row[]): Promise<void> {
    let begin = 0;
    const lane = async () => {
      while (begin < rows.length) {
        const piece = rows.slice(begin, begin + LOAD_ROWS);
        begin += LOAD_ROWS;
        await this.#db.doTransaction((tn) => {
          for (const { key, value } of piece) tn.set(key.bytes, value);
        });
      }
    };
    await Promise.all(Array.from({ length: LOADS_IN_FLIGHT }, lane));
  }

  async settle(): Promise<void> {
    // The newest record stays in the log: let it be one without rows.
    await this.#db.doTransaction((tn) => tn.clear(FIRST_KEY));
    for (let step = 0; step < SETTLE_STEPS_MAX; step++) {
      await this.#db.compact();
      if ((await this.#db.stats()).logEntryCount <= 1) return;
      await new Promise((resolve) => setTimeout(resolve, SETTLE_STEP_MS));
    }
    throw new Error('the log is not folded after a minute');
  }

  async count(): Promise<number> {
    return (await this.#db.getRangeAll(FIRST_KEY, LAST_KEY)).length;
  }

  get(key: Key): Promise<Uint8Array | undefined> {
    return this.#db.get(key.bytes);
  }

  getEach(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    return this.#db.doTransaction(async (tn) => {
      const values: (Uint8Array | undefined)[] = [];
      for (const key of keys) values.push(await tn.get(key.bytes));
      return values;
    });
  }

  scanEach(scans: readonly Scan[]): Promise<Pair[][]> {
    return this.#db.doTransaction(async (tn) => {
      const all: Pair[][] = [];
      for (const { begin, end } of scans) all.push(await tn.getRangeAll(begin.bytes, end.bytes));
      return all;
    });
  }

  increment(key: Key): Promise<void> {
    return this.#db.doTransaction(async (tn) => {
      tn.set(key.bytes, counted(numberIn(await tn.get(key.bytes)) + 1));
    });
  }

  add(key: Key): Promise<void> {
    return this.#db.add(key.bytes, counted(1));
  }

  async counter(key: Key): Promise<number> {
    return numberIn(await this.#db.get(key.bytes));
  }

  transact(keys: readonly Key[]): Promise<void> {
    return this.#db.doTransaction(async (tn) => {
      const values = await Promise.all(keys.map((key) => tn.get(key.bytes)));
      for (const [index, key] of keys.slice(0, 2).entries()) {
        tn.set(key.bytes, tallied(values[index] as Uint8Array));
      }
    });
  }

  async watch(key: Key): Promise<{ changed: Promise<void> }> {
    const { promise } = await this.#db.getAndWatch(key.bytes);
    return {
      changed: promise.then((hasChanged) => {
        if (!hasChanged) throw new Error('the watch ended without a change');
      }),
    };
  }

  close(): Promise<void> {
    return this.#db.close();
  }
}

function numberIn(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : new DataView(value.buffer, value.byteOffset).getUint32(0, true);
}

function counted(number: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number, true);
  return bytes;
}

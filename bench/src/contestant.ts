/**
 * What every contestant is asked to do, each in the way that serves it best. What one can't do it leaves out, and the
 * catalogue says why.
 */
import type { Key, Row } from './dataset.ts';

/**
 * `strict` acknowledges a commit when it is on the disk, `relaxed` when the operating system has it, `none` keeps it in
 * this page's memory.
 */
export type Durability = 'strict' | 'relaxed' | 'none';

/** A row as it was read. */
export type Pair = readonly [key: string | Uint8Array, value: Uint8Array];

/** Keys from `begin` to below `end`, of which there are `count`. */
export interface Scan {
  begin: Key;
  end: Key;
  count: number;
}

export interface Contestant {
  open(database: string, durability: Durability): Promise<Connection>;
  /** Deletes a database, if there is one. */
  remove(database: string): Promise<void>;
}

/** The same contestant, with databases whose names no other one uses. */
export function withPrefix(prefix: string, { open, remove }: Contestant): Contestant {
  return {
    open: (database, durability) => open(`${prefix}-${database}`, durability),
    remove: (database) => remove(`${prefix}-${database}`),
  };
}

export interface Connection {
  /** One row, one commit; resolves when it is as durable as promised. */
  put(key: Key, value: Uint8Array): Promise<void>;
  /** Many rows, in as many commits as serves best; resolves when all are as durable as promised. */
  load(rows: readonly Row[]): Promise<void>;
  /** Brings what was loaded into its lasting form, if that takes time of its own. */
  settle?(): Promise<void>;
  /** How many rows there are. */
  count(): Promise<number>;
  /** One row, in a transaction of its own. */
  get(key: Key): Promise<Uint8Array | undefined>;
  /** One row after the other, each awaited, in one transaction where there are transactions. */
  getEach(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]>;
  /** One scan after the other, each awaited, in one transaction where there are transactions. */
  scanEach?(scans: readonly Scan[]): Promise<Pair[][]>;
  /** Reads a counter and writes one more, in a transaction of its own. */
  increment?(key: Key): Promise<void>;
  /** The same without reading, in a transaction of its own. */
  add?(key: Key): Promise<void>;
  /** What {@link Connection.increment} and {@link Connection.add} have made of a counter. */
  counter?(key: Key): Promise<number>;
  /** Reads all rows and writes the first two with one more in their tallies, in a transaction of its own. */
  transact?(keys: readonly Key[]): Promise<void>;
  /** Watches a key: resolves when the watch is in place, with the promise of the next change. */
  watch?(key: Key): Promise<{ changed: Promise<void> }>;
  close(): Promise<void>;
}

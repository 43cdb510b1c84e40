import {
  call,
  check,
  commitWrite,
  type DatabaseHandle,
  getNow,
  type SubscriptionHandle,
  settle,
  type TransactionCalls,
} from './engine.js';
import type { FDBError } from './fdb-error.js';
import type { RecentActivity } from './recent-activity.js';

/** Where a database is kept. */
export type DatabaseStorage = 'indexeddb' | 'memory';

/** A database that has been opened. */
export interface Opened {
  readonly handle: DatabaseHandle;
  readonly storage: DatabaseStorage;
  /** Why it is in memory although it was to be in IndexedDB. */
  readonly fallbackCause: FDBError | undefined;
}

/** What all views of one open database share. */
export interface Connection {
  /** The name that it was opened with. */
  readonly name: string;
  /** Where it is kept. */
  readonly storage: DatabaseStorage;
  /** Why it is in memory although it was to be in IndexedDB. */
  readonly fallbackCause: FDBError | undefined;
  /** What was done with it last. */
  readonly recent: RecentActivity;
  /** Gives the engine's bytes the class that the entry of the package hands out. */
  own(bytes: Uint8Array): Uint8Array;
  /** The engine's database, or a promise of it while it is being opened. */
  handle(): DatabaseHandle | Promise<DatabaseHandle>;
  /** The value of a key, `undefined` if there is none; null if a transaction must be asked. */
  getNow(key: Uint8Array): Uint8Array | undefined | null;
  /** Commits a single write: an atomic operation, or a value to set. Null if a transaction must do it. */
  commitWrite(operation: number | undefined, key: Uint8Array, operand: Uint8Array): Promise<void> | null;
  /** Begins a transaction. Throws if the database can't be used. */
  createTransaction(isRelaxed: boolean | undefined): TransactionCalls;
  /** Sets an option, for transactions begun from now on. */
  setOption(number: number, value: Uint8Array): void;
  /** Follows the changes of a range. */
  subscribe(begin: Uint8Array, end: Uint8Array): SubscriptionHandle | Promise<SubscriptionHandle>;
  close(): Promise<void>;
}

/** A connection to a database that has been opened. */
export class OpenConnection implements Connection {
  readonly name: string;
  readonly storage: DatabaseStorage;
  readonly fallbackCause: FDBError | undefined;
  readonly recent: RecentActivity;
  readonly #handle: DatabaseHandle;

  constructor(name: string, { handle, storage, fallbackCause }: Opened, recent: RecentActivity) {
    this.name = name;
    this.storage = storage;
    this.fallbackCause = fallbackCause;
    this.recent = recent;
    this.#handle = handle;
  }

  own(bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  handle(): DatabaseHandle {
    return this.#handle;
  }

  getNow(key: Uint8Array): Uint8Array | undefined | null {
    return getNow(this.#handle, key);
  }

  commitWrite(operation: number | undefined, key: Uint8Array, operand: Uint8Array): Promise<void> | null {
    return commitWrite(this.#handle, operation, key, operand);
  }

  createTransaction(isRelaxed: boolean | undefined): TransactionCalls {
    check(call(() => this.#handle.checkUsable()));
    return this.recent.recorded(call(() => this.#handle.createTransaction(isRelaxed)));
  }

  setOption(number: number, value: Uint8Array): void {
    check(call(() => this.#handle.setOption(number, value)));
  }

  subscribe(begin: Uint8Array, end: Uint8Array): SubscriptionHandle {
    return call(() => this.#handle.subscribe(begin, end));
  }

  async close(): Promise<void> {
    await settle(call(() => this.#handle.close()));
  }
}

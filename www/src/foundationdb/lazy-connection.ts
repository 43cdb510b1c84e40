/** A connection that `open` has at once: the engine is loaded and the database opened while it is in use. */
import { isInMemory } from '../api.js';
import type { Connection, DatabaseStorage, Opened } from '../connection.js';
import {
  call,
  check,
  commitWrite,
  type DatabaseHandle,
  getNow,
  type SubscriptionHandle,
  settle,
  type TransactionCalls,
} from '../engine.js';
import { errorCodes } from '../error-codes.js';
import { type FDBError, fdbError } from '../fdb-error.js';
import type { RecentActivity } from '../recent-activity.js';
import { toBuffer } from './bytes.js';
import { PendingTransaction } from './pending-transaction.js';

/** Open ones, for the end of the network. */
const open = /* @__PURE__ */ new Set<LazyConnection>();

/** Closes all connections that are open. */
export function closeAll(): void {
  for (const connection of open) connection.close().catch(() => undefined);
}

export class LazyConnection implements Connection {
  readonly name: string;
  readonly recent: RecentActivity;
  readonly #openDatabase: () => Promise<Opened>;
  #opened: Opened | undefined;
  #handle: DatabaseHandle | undefined;
  #opening: Promise<DatabaseHandle> | undefined;
  #isClosed = false;
  /** Options that were set before there was a database to set them on. */
  #options: [number: number, value: Uint8Array][] = [];

  /** Begins to open the database. */
  constructor(name: string, openDatabase: () => Promise<Opened>, recent: RecentActivity) {
    this.name = name;
    this.recent = recent;
    this.#openDatabase = openDatabase;
    open.add(this);
    this.#start();
  }

  /** As its name says, until it is open. */
  get storage(): DatabaseStorage {
    return this.#opened?.storage ?? (isInMemory(this.name) ? 'memory' : 'indexeddb');
  }

  get fallbackCause(): FDBError | undefined {
    return this.#opened?.fallbackCause;
  }

  own(bytes: Uint8Array): Uint8Array {
    return toBuffer(bytes);
  }

  handle(): DatabaseHandle | Promise<DatabaseHandle> {
    if (this.#isClosed) throw closedError(this.name);
    return this.#handle ?? this.#start();
  }

  /** The engine's database, if it can be asked now. */
  #usable(): DatabaseHandle | undefined {
    return this.#isClosed ? undefined : this.#handle;
  }

  getNow(key: Uint8Array): Uint8Array | undefined | null {
    const handle = this.#usable();
    return handle === undefined ? null : getNow(handle, key);
  }

  commitWrite(operation: number | undefined, key: Uint8Array, operand: Uint8Array): Promise<void> | null {
    const handle = this.#usable();
    return handle === undefined ? null : commitWrite(handle, operation, key, operand);
  }

  createTransaction(isRelaxed: boolean | undefined): TransactionCalls {
    const begin = (handle: DatabaseHandle) => {
      check(call(() => handle.checkUsable()));
      return call(() => handle.createTransaction(isRelaxed));
    };
    const handle = this.handle();
    const calls = handle instanceof Promise ? new PendingTransaction(handle.then(begin)) : begin(handle);
    return this.recent.recorded(calls);
  }

  setOption(number: number, value: Uint8Array): void {
    const handle = this.handle();
    if (handle instanceof Promise) this.#options.push([number, value]);
    else check(call(() => handle.setOption(number, value)));
  }

  subscribe(begin: Uint8Array, end: Uint8Array): SubscriptionHandle | Promise<SubscriptionHandle> {
    const handle = this.handle();
    if (!(handle instanceof Promise)) return call(() => handle.subscribe(begin, end));
    const subscribing = handle.then((opened) => call(() => opened.subscribe(begin, end)));
    subscribing.catch(() => undefined);
    return subscribing;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    open.delete(this);
    const handle = this.#handle ?? (await this.#opening?.catch(() => undefined));
    if (handle) await settle(call(() => handle.close()));
  }

  /** Opens the database; if that failed, once more at the next use: what was in the way may be gone. */
  #start(): Promise<DatabaseHandle> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    // Whoever uses the database hears of it.
    this.#opening.catch(() => undefined);
    return this.#opening;
  }

  async #open(): Promise<DatabaseHandle> {
    const opened = await this.#openDatabase();
    const { handle } = opened;
    for (const [number, value] of this.#options.splice(0)) {
      const code = call(() => handle.setOption(number, value));
      if (code !== errorCodes.success) console.warn(`Warning: Ignoring option ${number}: error ${code}`);
    }
    this.#opened = opened;
    this.#handle = handle;
    return handle;
  }
}

function closedError(name: string) {
  return fdbError(errorCodes.client_invalid_operation, `an open database was expected, found ${name} closed`);
}

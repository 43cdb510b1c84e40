import {
  call,
  check,
  type DatabaseHandle,
  type SubscriptionHandle,
  settle,
  type TransactionCalls,
} from './engine.js';

/** What all views of one open database share. */
export interface Connection {
  /** The name that it was opened with. */
  readonly name: string;
  /** Gives the engine's bytes the class that the entry of the package hands out. */
  own(bytes: Uint8Array): Uint8Array;
  /** The engine's database, or a promise of it while it is being opened. */
  handle(): DatabaseHandle | Promise<DatabaseHandle>;
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
  readonly #handle: DatabaseHandle;

  constructor(name: string, handle: DatabaseHandle) {
    this.name = name;
    this.#handle = handle;
  }

  own(bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  handle(): DatabaseHandle {
    return this.#handle;
  }

  createTransaction(isRelaxed: boolean | undefined): TransactionCalls {
    check(call(() => this.#handle.checkUsable()));
    return call(() => this.#handle.createTransaction(isRelaxed));
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

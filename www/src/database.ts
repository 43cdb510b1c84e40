import type { BytesLike } from './bytes.js';
import { call, type DatabaseHandle, settle } from './engine.js';
import { FDBError } from './fdb-error.js';
import type { RangeOptions, Row } from './range.js';
import { type DoTransactionOptions, Transaction, type TransactionOptions } from './transaction.js';
import type { Watch } from './watch.js';

/** Counts since the database was opened here, and sizes. */
export interface DatabaseStats {
  /** The newest version known here. */
  version: number;
  /** The sequence number of the last log record known here. */
  logTail: number;
  /** Keys at that version. */
  keyCount: number;
  /** Bytes of keys and values at that version. */
  keyValueBytes: number;
  /** Watches that have not ended. */
  watchCount: number;
  /** Transactions committed here that wrote something. */
  committedCount: number;
  /** Commits that failed here because of a conflict. */
  conflictCount: number;
  /** Reads of the log. */
  logReadCount: number;
}

/**
 * An open database. Made by `open`.
 *
 * The methods that read or write a single thing run their own transaction, with retries.
 */
export class Database {
  /** The name it was opened with. */
  readonly name: string;
  readonly #handle: DatabaseHandle;

  /** @internal */
  constructor(name: string, handle: DatabaseHandle) {
    this.name = name;
    this.#handle = handle;
  }

  /**
   * Runs `body` in a transaction and commits it; if another transaction got in the way, waits a moment
   * and runs it again on the newer state. Resolves with what `body` returned, after the commit is
   * durable. `body` may run many times: everything it does outside the transaction may happen many
   * times.
   *
   * @example
   * ```ts
   * const visits = await db.doTransaction(async (tn) => {
   *   const count = Number(new TextDecoder().decode(await tn.get('visits'))) + 1;
   *   tn.set('visits', String(count));
   *   return count;
   * });
   * ```
   */
  async doTransaction<T>(
    body: (tn: Transaction) => Promise<T> | T,
    options?: DoTransactionOptions,
  ): Promise<T> {
    const signal = options?.signal;
    signal?.throwIfAborted();
    const tn = this.rawCreateTransaction(options);
    const cancel = () => tn.rawCancel();
    signal?.addEventListener('abort', cancel);
    try {
      for (;;) {
        try {
          const result = await body(tn);
          await tn.rawCommit();
          return result;
        } catch (error) {
          if (!(error instanceof FDBError)) throw error;
          signal?.throwIfAborted();
          await retryOrThrow(tn, error);
        }
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
      tn.free();
    }
  }

  /** The same as {@link Database.doTransaction}. */
  doTn<T>(body: (tn: Transaction) => Promise<T> | T, options?: DoTransactionOptions): Promise<T> {
    return this.doTransaction(body, options);
  }

  /** Begins a transaction that the caller commits and retries. */
  rawCreateTransaction(options?: TransactionOptions): Transaction {
    return new Transaction(call(() => this.#handle.createTransaction(options)));
  }

  /** The value of a key, `undefined` if there is no such key. */
  get(key: BytesLike): Promise<Uint8Array | undefined> {
    return this.doTransaction((tn) => tn.snapshot().get(key));
  }

  /** All rows of a range. See {@link Transaction.getRange}. */
  getRangeAll(start: BytesLike, end?: BytesLike, options?: RangeOptions): Promise<Row[]> {
    return this.doTransaction((tn) => tn.snapshot().getRangeAll(start, end, options));
  }

  /** Sets a key. */
  set(key: BytesLike, value: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.set(key, value));
  }

  /** Clears a key. */
  clear(key: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.clear(key));
  }

  /** Clears a range. See {@link Transaction.clearRange}. */
  clearRange(start: BytesLike, end?: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.clearRange(start, end));
  }

  /** Reads a key and watches it from that value on. */
  getAndWatch(key: BytesLike): Promise<Watch & { value: Uint8Array | undefined }> {
    return this.doTransaction(async (tn) => {
      const value = await tn.get(key);
      return { ...tn.watch(key), value };
    });
  }

  /** Sets a key and watches it from that value on. */
  setAndWatch(key: BytesLike, value: BytesLike): Promise<Watch> {
    return this.doTransaction((tn) => {
      tn.set(key, value);
      return tn.watch(key);
    });
  }

  /** Clears a key and watches it from its absence on. */
  clearAndWatch(key: BytesLike): Promise<Watch> {
    return this.doTransaction((tn) => {
      tn.clear(key);
      return tn.watch(key);
    });
  }

  /** Counts and sizes. */
  async stats(): Promise<DatabaseStats> {
    return call(() => this.#handle.stats()) as DatabaseStats;
  }

  /**
   * Closes the database: commits under way are completed, watches end with `false`, later uses fail
   * with `client_invalid_operation`.
   */
  async close(): Promise<void> {
    await settle(call(() => this.#handle.close()));
  }

  /** Closes the database at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function retryOrThrow(tn: Transaction, error: FDBError): Promise<void> {
  try {
    await tn.rawOnError(error.code);
  } catch (final) {
    // The engine knows the code only; the first error has the details.
    throw final instanceof FDBError && final.code === error.code ? error : final;
  }
}

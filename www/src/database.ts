import { type BytesLike, toBytes } from './bytes.js';
import { call, check, type DatabaseHandle, settle } from './engine.js';
import { errorCodes } from './error-codes.js';
import {
  type ByteSource,
  type ExportOptions,
  exportedRange,
  exportStream,
  type ImportOptions,
  importAll,
  importMode,
  type TransferProgress,
} from './export.js';
import { FDBError, fdbError } from './fdb-error.js';
import type { KeySelector } from './key-selector.js';
import { databaseOptionTable, type NativeDatabaseOptions } from './option-codes.js';
import { OWN_OPTIONS, setOptions } from './options.js';
import type { RangeOptions, Row } from './range.js';
import {
  type Changes,
  callBack,
  follow,
  type Subject,
  type SubscribeOptions,
  type Subscription,
  subjectRange,
} from './subscription.js';
import { type DoTransactionOptions, Transaction, type TransactionOptions } from './transaction.js';
import type { Watch } from './watch.js';

/** Counts since the database was opened here, and sizes. */
export interface DatabaseStats {
  /** The newest version known here. */
  version: number;
  /** The sequence number of the last log record known here. */
  logTail: number;
  /**
   * Keys at that version. Once the log was folded an estimate: keys written since count as new ones, those
   * cleared since as still there.
   */
  keyCount: number;
  /** Bytes of these keys and their values. */
  keyValueBytes: number;
  /** The version up to which everything is in pages. */
  foldedVersion: number;
  /** Keys at that version, exactly. */
  foldedKeyCount: number;
  /** Bytes of their keys and values. */
  foldedKeyValueBytes: number;
  /** Entries of the log that are not in pages. */
  logEntryCount: number;
  /** Their bytes. */
  logBytes: number;
  /** Memory taken by the changes that are not in pages. */
  recentBytes: number;
  /** Bytes of pages in memory. */
  cacheBytes: number;
  /** Pages in memory. */
  cachedPageCount: number;
  /** Pages that were found in memory. */
  cacheHitCount: number;
  /** Pages that were read from IndexedDB. */
  pageReadCount: number;
  /** Pages written here. */
  pageWriteCount: number;
  /** How often the log was folded into pages here. */
  foldCount: number;
  /** Whether that is going on now. */
  isFolding: boolean;
  /** What is to be deleted and is not yet. */
  condemnedCount: number;
  /** Watches that have not ended. */
  watchCount: number;
  /** Transactions committed here that wrote something. */
  committedCount: number;
  /** Commits that failed here because of a conflict. */
  conflictCount: number;
  /** Reads of the log. */
  logReadCount: number;
  /** How often this tab began again from the pages, because it had slept too long to follow the log. */
  restartCount: number;
}

/** What {@link Database.check} found. */
export interface CheckReport {
  /** Pages in use. */
  pageCount: number;
  /** Their bytes. */
  pageBytes: number;
  /** Rows in them. */
  rowCount: number;
  /** Bytes of these rows' keys and values. */
  keyValueBytes: number;
  /** Entries of the log that are not in pages. */
  logEntryCount: number;
  /** Their bytes. */
  logBytes: number;
  /** Pages that were replaced and are still to be deleted. */
  supersededPageCount: number;
  /** Pages that nothing refers to, of a fold that was broken off. */
  unreachablePageCount: number;
  /** Damaged pages and records, each named in its message. Empty if there are none. */
  damage: FDBError[];
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
    // A retry forgets most options.
    const isRetryForgetful = options !== undefined && Object.keys(options).length > 0;
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
          if (isRetryForgetful) tn.setOptions(options);
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

  /**
   * Begins a transaction that the caller commits and retries. The options are set once: a retry forgets
   * all but the durability, the timeout and how to retry. Throws `client_invalid_operation` when the
   * database is closed.
   */
  rawCreateTransaction(options?: TransactionOptions): Transaction {
    check(call(() => this.#handle.checkUsable()));
    const tn = new Transaction(call(() => this.#handle.createTransaction(isRelaxed(options?.durability))));
    if (options) tn.setOptions(options);
    return tn;
  }

  /** Sets options for the transactions begun from now on. */
  setNativeOptions(options: NativeDatabaseOptions): void {
    setOptions(options, databaseOptionTable, OWN_OPTIONS, (number, value) =>
      check(call(() => this.#handle.setOption(number, value))),
    );
  }

  /** The value of a key, `undefined` if there is no such key. */
  get(key: BytesLike): Promise<Uint8Array | undefined> {
    return this.doTransaction((tn) => tn.snapshot().get(key));
  }

  /** The key that a selector selects. See {@link Transaction.getKey}. */
  getKey(selector: BytesLike | KeySelector): Promise<Uint8Array | undefined> {
    return this.doTransaction((tn) => tn.snapshot().getKey(selector));
  }

  /** All rows of a range. See {@link Transaction.getRange}. */
  getRangeAll(
    start: BytesLike | KeySelector,
    end?: BytesLike | KeySelector,
    options?: RangeOptions,
  ): Promise<Row[]> {
    return this.doTransaction((tn) => tn.snapshot().getRangeAll(start, end, options));
  }

  /** All rows whose keys begin with `prefix`. */
  getRangeAllStartsWith(prefix: BytesLike, options?: RangeOptions): Promise<Row[]> {
    return this.doTransaction((tn) => tn.snapshot().getRangeAllStartsWith(prefix, options));
  }

  /** Bytes of the keys and values of a range. See {@link Transaction.getEstimatedRangeSizeBytes}. */
  getEstimatedRangeSizeBytes(start: BytesLike, end: BytesLike): Promise<number> {
    return this.doTransaction((tn) => tn.getEstimatedRangeSizeBytes(start, end));
  }

  /** Keys that cut a range into pieces. See {@link Transaction.getRangeSplitPoints}. */
  getRangeSplitPoints(start: BytesLike, end: BytesLike, chunkSize: number): Promise<Uint8Array[]> {
    return this.doTransaction((tn) => tn.getRangeSplitPoints(start, end, chunkSize));
  }

  /** Sets a key. */
  set(key: BytesLike, value: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.set(key, value));
  }

  /** Clears a key. */
  clear(key: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.clear(key));
  }

  /**
   * FoundationDB's locality: where the range is cut between machines. There is one, which begins with the
   * empty key.
   */
  async getBoundaryKeys(start: BytesLike, end: BytesLike): Promise<Uint8Array[]> {
    const isIncluded = toBytes(start).length === 0 && toBytes(end).length > 0;
    return isIncluded ? [new Uint8Array(0)] : [];
  }

  /** Clears a range. See {@link Transaction.clearRange}. */
  clearRange(start: BytesLike, end?: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.clearRange(start, end));
  }

  /** Clears every key that begins with `prefix`. */
  clearRangeStartsWith(prefix: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.clearRangeStartsWith(prefix));
  }

  /** Carries out an atomic operation. See {@link Transaction.atomicOp}. */
  atomicOp(type: number, key: BytesLike, operand: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.atomicOp(type, key, operand));
  }

  /** Adds little-endian numbers. See {@link Transaction.add}. */
  add(key: BytesLike, operand: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.add(key, operand));
  }

  /** Keeps the larger of two little-endian numbers. */
  max(key: BytesLike, operand: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.max(key, operand));
  }

  /** Keeps the smaller of two little-endian numbers. */
  min(key: BytesLike, operand: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.min(key, operand));
  }

  /** Bitwise and. */
  bitAnd(key: BytesLike, operand: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.bitAnd(key, operand));
  }

  /** Bitwise or. */
  bitOr(key: BytesLike, operand: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.bitOr(key, operand));
  }

  /** Bitwise exclusive or. */
  bitXor(key: BytesLike, operand: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.bitXor(key, operand));
  }

  /** Keeps the lexicographically smaller value. */
  byteMin(key: BytesLike, operand: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.byteMin(key, operand));
  }

  /** Keeps the lexicographically larger value. */
  byteMax(key: BytesLike, operand: BytesLike): Promise<void> {
    return this.doTransaction((tn) => tn.byteMax(key, operand));
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

  /**
   * Follows the changes of a key, a prefix or a range, whichever tab makes them: calls back with everything
   * that is there, and then with every change after it, when it is readable. Changes that come while a
   * callback's promise is pending come together in the next call, each key once. What a callback throws is
   * reported, and the next one is called all the same.
   *
   * @example
   * ```ts
   * const copy = new Map<string, Uint8Array>();
   * const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
   * db.subscribe({ prefix: 'todo/' }, ({ changes, replaced }) => {
   *   for (const { begin, end } of replaced) {
   *     for (const key of copy.keys()) if (key >= text(begin) && key < text(end)) copy.delete(key);
   *   }
   *   for (const [key, value] of changes) {
   *     if (value) copy.set(text(key), value);
   *     else copy.delete(text(key));
   *   }
   * });
   * ```
   */
  subscribe(
    subject: Subject,
    callback: (changes: Changes) => unknown,
    options?: SubscribeOptions,
  ): Subscription;
  /**
   * The same as an async iterable.
   *
   * @example
   * ```ts
   * for await (const { changes } of db.subscribe('counter')) {
   *   for (const [, value] of changes) console.log(value);
   * }
   * ```
   */
  subscribe(subject: Subject, options?: SubscribeOptions): AsyncGenerator<Changes, void>;
  subscribe(
    subject: Subject,
    callback?: ((changes: Changes) => unknown) | SubscribeOptions,
    options?: SubscribeOptions,
  ): Subscription | AsyncGenerator<Changes, void> {
    const { begin, end } = subjectRange(subject);
    const handle = call(() => this.#handle.subscribe(begin, end));
    if (typeof callback === 'function') return callBack(handle, callback, options?.signal);
    return follow(handle, callback?.signal);
  }

  /** Counts and sizes. */
  async stats(): Promise<DatabaseStats> {
    return call(() => this.#handle.stats()) as DatabaseStats;
  }

  /**
   * Reads everything that is stored and checks it: every page, every record of the log. Takes a while in
   * a large database; transactions go on meanwhile.
   */
  async check(): Promise<CheckReport> {
    const report = (await settle(call(() => this.#handle.check()))) as Omit<CheckReport, 'damage'> & {
      damage: [code: number, message: string][];
    };
    return { ...report, damage: report.damage.map(([code, message]) => fdbError(code, message)) };
  }

  /**
   * Folds the log into pages as far as it may be, writes neighbouring pages that are half empty together, and
   * deletes what nothing refers to. Reads everything; transactions go on meanwhile.
   */
  async compact(): Promise<void> {
    await settle(call(() => this.#handle.compact()));
  }

  /**
   * The whole database, or a range of it, as a stream of bytes that {@link Database.importFrom} reads: in a
   * format of its own, versioned and checksummed, made in constant memory as the stream is read. System
   * keys are left out.
   *
   * What comes out is the database at one version, however long it takes. What is read within five seconds
   * is read at that version. If it takes longer, the stream goes on at newer versions, and in the end gives
   * the keys that changed meanwhile once more, until nothing is missing. Fails with `transaction_too_old`
   * if keys keep changing faster than the stream is read, with `file_corrupt` at a damaged page; in a database
   * that was opened with `salvage` it leaves out what can't be read, and counts it.
   *
   * @example
   * ```ts
   * const file = await new Response(db.export()).blob();
   * ```
   */
  export(options?: ExportOptions): ReadableStream<Uint8Array> & AsyncIterable<Uint8Array> {
    const { begin, end } = exportedRange(options);
    return exportStream(
      call(() => this.#handle.export(begin, end)),
      options,
    );
  }

  /**
   * Imports an export, in many transactions of a few hundred kilobytes, each durable before the next one:
   * the memory it takes does not depend on the size. Others may read and write meanwhile, and see what is
   * there so far. Versionstamps in keys and values stay what they were.
   *
   * Refuses with `restore_destination_not_empty` if the exported range has keys here, unless `into` says
   * otherwise. Rejects with `restore_missing_data` if the export was cut off, `restore_corrupted_data` if
   * it is damaged, `restore_unknown_file_type` if it is something else and
   * `restore_unsupported_file_version` if it was made by a later version; the message has the offset, what
   * was expected and what was found. What was imported until then stays.
   *
   * @example
   * ```ts
   * const response = await fetch('backup.plinth');
   * if (response.body) await db.importFrom(response.body, { into: 'replace' });
   * ```
   */
  async importFrom(source: ByteSource, options?: ImportOptions): Promise<TransferProgress> {
    const mode = importMode(options);
    return importAll(
      call(() => this.#handle.import(mode)),
      source,
      options,
    );
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

function isRelaxed(durability: TransactionOptions['durability']): boolean | undefined {
  if (durability === undefined) return undefined;
  if (durability === 'strict' || durability === 'relaxed') return durability === 'relaxed';
  const message = `durability: 'strict' or 'relaxed' was expected, found ${String(durability)}`;
  throw fdbError(errorCodes.invalid_option_value, message);
}

async function retryOrThrow(tn: Transaction, error: FDBError): Promise<void> {
  try {
    await tn.rawOnError(error.code);
  } catch (final) {
    // The engine knows the code only; the first error has the details.
    throw final instanceof FDBError && final.code === error.code ? error : final;
  }
}

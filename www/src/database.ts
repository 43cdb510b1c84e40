import { AtomicOperations } from './atomic-operations.js';
import { Attempt } from './attempt.js';
import { type BytesLike, toBytes } from './bytes.js';
import type { Connection, DatabaseStorage } from './connection.js';
import {
  type CheckReport,
  checkReport,
  type DatabaseStats,
  type PackedCheckReport,
} from './database-reports.js';
import type { KeyRangeEnd, RangeEnd, RangeStart } from './encoded-range.js';
import { call, type DatabaseHandle, settle } from './engine.js';
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
import type { FDBError } from './fdb-error.js';
import { databaseOptionTable, type NativeDatabaseOptions } from './option-codes.js';
import { OWN_OPTIONS, setOptions } from './options.js';
import type { RangeOptions, Row } from './range.js';
import type { RecentError, RecentRequest } from './recent-activity.js';
import { commitRetrying, readRetrying } from './retry-loop.js';
import {
  type Changes,
  callBack,
  changesDecoder,
  follow,
  type Subject,
  type SubscribeOptions,
  type Subscription,
  subjectRange,
} from './subscription.js';
import { type GetSubspace, isGetSubspace, root, type Subspace } from './subspace.js';
import { Transaction } from './transaction.js';
import { type DoTransactionOptions, isRelaxed, type TransactionOptions } from './transaction-options.js';
import type { Transformer } from './transformer.js';
import { turnGate } from './turn-gate.js';
import type { StampedValue } from './versionstamped.js';
import type { Watch, WatchWithValue } from './watch.js';

/**
 * An open database, or a view of one: {@link Database.at} gives one of a part of its keys, and
 * {@link Database.withKeyEncoding} and {@link Database.withValueEncoding} one that encodes them. Views share
 * everything else. Made by `open`.
 *
 * The methods that read or write a single thing run their own transaction, with retries.
 */
export class Database<
  KeyIn = BytesLike,
  KeyOut = Uint8Array,
  ValIn = BytesLike,
  ValOut = Uint8Array,
> extends AtomicOperations<KeyIn, ValIn, Promise<void>> {
  /** Where its keys are, and how they and the values are encoded. */
  readonly subspace: Subspace<KeyIn, KeyOut, ValIn, ValOut>;
  readonly #connection: Connection;

  /** @internal */
  constructor(connection: Connection, subspace: Subspace<KeyIn, KeyOut, ValIn, ValOut>) {
    super();
    this.#connection = connection;
    this.subspace = subspace;
  }

  /** The name it was opened with. */
  get name(): string {
    return this.#connection.name;
  }

  /** Where it is kept: in IndexedDB, or in memory, as its name says or as a fallback. */
  get storage(): DatabaseStorage {
    return this.#connection.storage;
  }

  /** Why it is in memory although it was to be in IndexedDB: see {@link OpenOptions.fallback}. */
  get fallbackCause(): FDBError | undefined {
    return this.#connection.fallbackCause;
  }

  /** What all views of one open database have in common, for those who keep something for it. @internal */
  get identity(): object {
    return this.#connection;
  }

  /**
   * Runs `body` in a transaction and commits it; if another transaction got in the way, waits a moment
   * and runs it again on the newer state. Resolves with what `body` returned, after the commit is
   * durable. `body` may run many times: everything it does outside the transaction may happen many
   * times. It is called at once, unless many others are open or took long: then in a later task, in the order of the calls.
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
  doTransaction<T>(
    body: (tn: Transaction<KeyIn, KeyOut, ValIn, ValOut>) => Promise<T> | T,
    options?: DoTransactionOptions,
  ): Promise<T> {
    return this.#run(body, options, true);
  }

  #run<T>(
    body: (tn: Transaction<KeyIn, KeyOut, ValIn, ValOut>) => Promise<T> | T,
    options: DoTransactionOptions | undefined,
    isGated: boolean,
    failure?: unknown,
  ): Promise<T> {
    try {
      const signal = options?.signal;
      signal?.throwIfAborted();
      const tn = this.rawCreateTransaction(options);
      // A retry forgets most options.
      const isRetryForgetful = options !== undefined && Object.keys(options).length > 0;
      const prepareRetry = isRetryForgetful ? () => this.setTransactionOptions(tn, options) : undefined;
      const { recent } = this.#connection;
      return commitRetrying(tn, body, { signal, prepareRetry, isGated, recent, failure });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * The same as {@link Database.doTransaction}.
   *
   * @example
   * ```ts
   * await db.doTn(async (tn) => tn.set('hello', 'world'));
   * ```
   */
  doTn<T>(
    body: (tn: Transaction<KeyIn, KeyOut, ValIn, ValOut>) => Promise<T> | T,
    options?: DoTransactionOptions,
  ): Promise<T> {
    return this.doTransaction(body, options);
  }

  /**
   * Runs a body that only writes, in a transaction of its own.
   *
   * @example
   * ```ts
   * await db.doOneshot((tn) => {
   *   tn.set('a', '1');
   *   tn.clear('b');
   * });
   * ```
   */
  doOneshot(
    body: (tn: Transaction<KeyIn, KeyOut, ValIn, ValOut>) => void,
    options?: DoTransactionOptions,
  ): Promise<void> {
    // Which only writes, and is over at once.
    return this.#run(
      (tn) => {
        body(tn);
      },
      options,
      false,
    );
  }

  /** Commits a single write; `body` does the same in a transaction, where it takes one. */
  #write(
    operation: number | undefined,
    key: () => Uint8Array,
    operand: () => Uint8Array,
    body: (tn: Transaction<KeyIn, KeyOut, ValIn, ValOut>) => void,
  ): Promise<void> {
    try {
      const connection = this.#connection;
      // What is recorded are the requests of transactions.
      const committed = connection.recent.isRecording
        ? null
        : connection.commitWrite(operation, key(), operand());
      return committed === null
        ? this.doOneshot(body)
        : committed.catch((failure: unknown) => this.#run(body, undefined, false, failure));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Begins a transaction that the caller commits and retries. The options are set once: a retry forgets
   * all but the durability, the timeout and how to retry. Throws `client_invalid_operation` when the
   * database is closed.
   *
   * @example
   * ```ts
   * const tn = db.rawCreateTransaction();
   * tn.set('hello', 'world');
   * await tn.rawCommit();
   * ```
   */
  rawCreateTransaction(options?: TransactionOptions): Transaction<KeyIn, KeyOut, ValIn, ValOut> {
    const connection = this.#connection;
    const calls = connection.createTransaction(isRelaxed(options?.durability));
    const tn = this.transactionOf(new Attempt(calls, (bytes) => connection.own(bytes)));
    if (options) this.setTransactionOptions(tn, options);
    return tn;
  }

  /** Makes the transactions of this database. @internal */
  protected transactionOf(attempt: Attempt): Transaction<KeyIn, KeyOut, ValIn, ValOut> {
    return new Transaction(attempt, this.subspace, false);
  }

  /** Runs a transaction that only reads, and nothing with a conflict: it has nothing to commit. */
  #read<T>(body: (snapshot: Transaction<KeyIn, KeyOut, ValIn, ValOut>) => Promise<T>): Promise<T> {
    try {
      return readRetrying(this.rawCreateTransaction(), body);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Sets the options that a transaction is begun with. @internal */
  protected setTransactionOptions(
    tn: Transaction<KeyIn, KeyOut, ValIn, ValOut>,
    options: TransactionOptions,
  ): void {
    tn.setOptions(options);
  }

  /**
   * Sets options for the transactions begun from now on.
   *
   * @example
   * ```ts
   * db.setNativeOptions({ transaction_timeout: 5000, max_watches: 100 });
   * ```
   */
  setNativeOptions(options: NativeDatabaseOptions): void {
    setOptions(options, databaseOptionTable, OWN_OPTIONS, (number, value) => this.setOption(number, value));
  }

  /** Sets an option by its number. @internal */
  protected setOption(number: number, value: Uint8Array): void {
    this.#connection.setOption(number, value);
  }

  /**
   * All keys of the database, as bytes.
   *
   * @example
   * ```ts
   * const everything = await db.getRoot().getRangeAll('');
   * ```
   */
  getRoot(): Database {
    return this.#view(root);
  }

  /**
   * Its subspace.
   *
   * @example
   * ```ts
   * const bytes = db.getSubspace().packKey('hello');
   * ```
   */
  getSubspace(): Subspace<KeyIn, KeyOut, ValIn, ValOut> {
    return this.subspace;
  }

  /**
   * What all its keys begin with.
   *
   * @example
   * ```ts
   * db.at('app/').getPrefix(); // the bytes of 'app/'
   * ```
   */
  getPrefix(): Uint8Array {
    return this.subspace.prefix;
  }

  /**
   * The database at another subspace, given as itself or as what has one: a directory, a database, a
   * transaction.
   *
   * @example
   * ```ts
   * const users = db.at(await directory.createOrOpen(db, ['app', 'users']));
   * await users.set('ann', 'Ann');
   * ```
   */
  at<CKI, CKO, CVI, CVO>(hasSubspace: GetSubspace<CKI, CKO, CVI, CVO>): Database<CKI, CKO, CVI, CVO>;
  /**
   * The part of the database whose keys begin with this one, which is encoded as keys are; with other
   * encodings below, if they are given. The prefix comes before all keys that are given, and is not in keys
   * that are read.
   *
   * @example
   * ```ts
   * const users = db.at('users/', encoders.string, encoders.json);
   * await users.set('ann', { name: 'Ann' });
   * ```
   */
  at(prefix: KeyIn | null): Database<KeyIn, KeyOut, ValIn, ValOut>;
  at<CKI, CKO>(prefix: KeyIn | null, keyXf: Transformer<CKI, CKO>): Database<CKI, CKO, ValIn, ValOut>;
  at<CVI, CVO>(
    prefix: KeyIn | null,
    keyXf: undefined,
    valueXf: Transformer<CVI, CVO>,
  ): Database<KeyIn, KeyOut, CVI, CVO>;
  at<CKI, CKO, CVI, CVO>(
    prefix: KeyIn | null,
    keyXf: Transformer<CKI, CKO>,
    valueXf: Transformer<CVI, CVO>,
  ): Database<CKI, CKO, CVI, CVO>;
  at(
    prefix: KeyIn | null | GetSubspace<unknown, unknown, unknown, unknown>,
    keyXf?: Transformer<unknown, unknown>,
    valueXf?: Transformer<unknown, unknown>,
  ): Database<unknown, unknown, unknown, unknown> {
    if (isGetSubspace<unknown, unknown, unknown, unknown>(prefix)) return this.#view(prefix.getSubspace());
    const subspace = this.subspace as unknown as Subspace<unknown, unknown, unknown, unknown>;
    return this.#view(subspace.at(prefix, keyXf as Transformer<unknown, unknown>, valueXf as never));
  }

  /**
   * The same database with another encoding of its keys; without one, as bytes.
   *
   * @example
   * ```ts
   * const tuples = db.withKeyEncoding(tuple);
   * await tuples.set(['user', 42, 'name'], 'Ann');
   * ```
   */
  withKeyEncoding(): Database<BytesLike, Uint8Array, ValIn, ValOut>;
  withKeyEncoding<CKI, CKO>(keyXf: Transformer<CKI, CKO>): Database<CKI, CKO, ValIn, ValOut>;
  withKeyEncoding(keyXf?: Transformer<unknown, unknown>): Database<unknown, unknown, ValIn, ValOut> {
    return this.#view(this.subspace.withKeyEncoding(keyXf as Transformer<unknown, unknown>));
  }

  /**
   * The same database with another encoding of its values; without one, as bytes.
   *
   * @example
   * ```ts
   * const documents = db.withValueEncoding(encoders.json);
   * await documents.set('settings', { theme: 'dark' });
   * ```
   */
  withValueEncoding(): Database<KeyIn, KeyOut, BytesLike, Uint8Array>;
  withValueEncoding<CVI, CVO>(valueXf: Transformer<CVI, CVO>): Database<KeyIn, KeyOut, CVI, CVO>;
  withValueEncoding(valueXf?: Transformer<unknown, unknown>): Database<KeyIn, KeyOut, unknown, unknown> {
    return this.#view(this.subspace.withValueEncoding(valueXf as Transformer<unknown, unknown>));
  }

  /**
   * The value of a key, `undefined` if there is no such key. See {@link Transaction.get}.
   *
   * @example
   * ```ts
   * const value = await db.get('hello');
   * ```
   */
  get(key: KeyIn): Promise<ValOut | undefined> {
    try {
      const connection = this.#connection;
      // What is recorded are the requests of transactions.
      const bytes = connection.recent.isRecording ? null : connection.getNow(this.subspace.keyBytes(key));
      if (bytes !== null) {
        const value = bytes && this.subspace.unpackValue(connection.own(bytes));
        return turnGate.answer(value, bytes);
      }
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#read((snapshot) => snapshot.get(key));
  }

  /**
   * The key that a selector selects. See {@link Transaction.getKey}.
   *
   * @example
   * ```ts
   * const last = await db.getKey(keySelector.lastLessThan('user0'));
   * ```
   */
  getKey(selector: RangeStart<KeyIn>): Promise<KeyOut | undefined> {
    return this.#read((snapshot) => snapshot.getKey(selector));
  }

  /**
   * All rows of a range. See {@link Transaction.getRange}.
   *
   * @example
   * ```ts
   * const newest = await db.getRangeAll('log/', subspaceEnd, { reverse: true, limit: 10 });
   * ```
   */
  getRangeAll(
    start: RangeStart<KeyIn>,
    end?: RangeEnd<KeyIn>,
    options?: RangeOptions,
  ): Promise<Row<KeyOut, ValOut>[]> {
    return this.#read((snapshot) => snapshot.getRangeAll(start, end, options));
  }

  /**
   * All rows whose keys begin with `prefix`.
   *
   * @example
   * ```ts
   * const users = await db.getRangeAllStartsWith('user/');
   * ```
   */
  getRangeAllStartsWith(prefix: RangeStart<KeyIn>, options?: RangeOptions): Promise<Row<KeyOut, ValOut>[]> {
    return this.getRangeAll(prefix, undefined, options);
  }

  /**
   * A value with the versionstamp it begins with. See {@link Transaction.getVersionstampPrefixedValue}.
   *
   * @example
   * ```ts
   * await db.setVersionstampPrefixedValue('page', 'its text');
   * const page = await db.getVersionstampPrefixedValue('page');
   * ```
   */
  getVersionstampPrefixedValue(key: KeyIn): Promise<StampedValue<ValOut> | null> {
    return this.#read((snapshot) => snapshot.getVersionstampPrefixedValue(key));
  }

  /**
   * Bytes of the keys and values of a range. See {@link Transaction.getEstimatedRangeSizeBytes}.
   *
   * @example
   * ```ts
   * const bytes = await db.getEstimatedRangeSizeBytes('user/', subspaceEnd);
   * ```
   */
  getEstimatedRangeSizeBytes(start: KeyIn, end: KeyRangeEnd<KeyIn>): Promise<number> {
    return this.doTransaction((tn) => tn.getEstimatedRangeSizeBytes(start, end));
  }

  /**
   * Keys that cut a range into pieces. See {@link Transaction.getRangeSplitPoints}.
   *
   * @example
   * ```ts
   * const cuts = await db.getRangeSplitPoints('user/', 'user0', 1_000_000);
   * ```
   */
  getRangeSplitPoints(start: KeyIn, end: KeyIn, chunkSize: number): Promise<KeyOut[]> {
    return this.doTransaction((tn) => tn.getRangeSplitPoints(start, end, chunkSize));
  }

  /**
   * Sets a key.
   *
   * @example
   * ```ts
   * await db.set('hello', 'world');
   * ```
   */
  set(key: KeyIn, value: ValIn): Promise<void> {
    return this.#write(
      undefined,
      () => this.subspace.keyBytes(key),
      () => this.subspace.valueBytes(value),
      (tn) => tn.set(key, value),
    );
  }

  /**
   * Clears a key.
   *
   * @example
   * ```ts
   * await db.clear('hello');
   * ```
   */
  clear(key: KeyIn): Promise<void> {
    return this.doOneshot((tn) => tn.clear(key));
  }

  /**
   * FoundationDB's locality: where the range is cut between machines. There is one, which begins with the
   * empty key.
   *
   * @example
   * ```ts
   * await db.getBoundaryKeys('', 'z'); // one empty key
   * ```
   */
  async getBoundaryKeys(start: KeyIn, end: KeyIn): Promise<KeyOut[]> {
    const { subspace } = this;
    const [begin, last] = [subspace.keyBytes(start), subspace.keyBytes(end)];
    const isIncluded = begin.length === 0 && last.length > 0;
    return isIncluded ? [subspace.unpackKey(this.#connection.own(new Uint8Array(0)))] : [];
  }

  /**
   * Clears a range. See {@link Transaction.clearRange}.
   *
   * @example
   * ```ts
   * await db.clearRange('log/2025', 'log/2026');
   * ```
   */
  clearRange(start: KeyIn, end?: KeyRangeEnd<KeyIn>): Promise<void> {
    return this.doOneshot((tn) => tn.clearRange(start, end));
  }

  /**
   * Clears every key that begins with `prefix`.
   *
   * @example
   * ```ts
   * await db.clearRangeStartsWith('log/');
   * ```
   */
  clearRangeStartsWith(prefix: KeyIn): Promise<void> {
    return this.doOneshot((tn) => tn.clearRangeStartsWith(prefix));
  }

  override atomicOp(type: number, key: KeyIn, operand: ValIn): Promise<void> {
    return this.#write(
      type,
      () => this.subspace.keyBytes(key),
      () => this.subspace.valueBytes(operand),
      (tn) => tn.atomicOp(type, key, operand),
    );
  }

  override atomicOpKB(type: number, key: KeyIn, operand: BytesLike): Promise<void> {
    return this.#write(
      type,
      () => this.subspace.keyBytes(key),
      () => toBytes(operand),
      (tn) => tn.atomicOpKB(type, key, operand),
    );
  }

  override atomicOpNative(type: number, key: BytesLike, operand: BytesLike): Promise<void> {
    return this.#write(
      type,
      () => toBytes(key),
      () => toBytes(operand),
      (tn) => tn.atomicOpNative(type, key, operand),
    );
  }

  /**
   * Sets a key with a versionstamp in it. See {@link Transaction.setVersionstampedKey}.
   *
   * @example
   * ```ts
   * const key = ['log', tuple.unboundVersionstamp()];
   * await db.withKeyEncoding(tuple).setVersionstampedKey(key, 'entry');
   * ```
   */
  setVersionstampedKey(key: KeyIn, value: ValIn, bakeAfterCommit?: boolean): Promise<void> {
    return this.doOneshot((tn) => tn.setVersionstampedKey(key, value, bakeAfterCommit));
  }

  /**
   * Sets a key that ends with the versionstamp and a suffix. See
   * {@link Transaction.setVersionstampSuffixedKey}.
   *
   * @example
   * ```ts
   * await db.setVersionstampSuffixedKey('log/', 'entry');
   * ```
   */
  setVersionstampSuffixedKey(key: KeyIn, value: ValIn, suffix?: BytesLike): Promise<void> {
    return this.doOneshot((tn) => tn.setVersionstampSuffixedKey(key, value, suffix));
  }

  /**
   * Sets a key to a value with a versionstamp in it. See {@link Transaction.setVersionstampedValue}.
   *
   * @example
   * ```ts
   * await db.withValueEncoding(tuple).setVersionstampedValue('last', [tuple.unboundVersionstamp()]);
   * ```
   */
  setVersionstampedValue(key: KeyIn, value: ValIn, bakeAfterCommit?: boolean): Promise<void> {
    return this.doOneshot((tn) => tn.setVersionstampedValue(key, value, bakeAfterCommit));
  }

  /**
   * Sets a key to a value that begins with the versionstamp. See
   * {@link Transaction.setVersionstampPrefixedValue}.
   *
   * @example
   * ```ts
   * await db.setVersionstampPrefixedValue('page', 'its text');
   * ```
   */
  setVersionstampPrefixedValue(key: KeyIn, value?: ValIn, prefix?: BytesLike): Promise<void> {
    return this.doOneshot((tn) => tn.setVersionstampPrefixedValue(key, value, prefix));
  }

  /**
   * Reads a key and watches it from that value on.
   *
   * @example
   * ```ts
   * const watch = await db.getAndWatch('inbox');
   * console.log(watch.value);
   * await watch.promise;
   * ```
   */
  getAndWatch(key: KeyIn): Promise<WatchWithValue<ValOut>> {
    return this.doTransaction(async (tn) => {
      const value = await tn.get(key);
      return { ...tn.watch(key), value };
    });
  }

  /**
   * Sets a key and watches it from that value on.
   *
   * @example
   * ```ts
   * const watch = await db.setAndWatch('baton', 'mine');
   * await watch.promise;
   * ```
   */
  setAndWatch(key: KeyIn, value: ValIn): Promise<Watch> {
    return this.doTransaction((tn) => {
      tn.set(key, value);
      return tn.watch(key);
    });
  }

  /**
   * Clears a key and watches it from its absence on.
   *
   * @example
   * ```ts
   * const watch = await db.clearAndWatch('baton');
   * await watch.promise;
   * ```
   */
  clearAndWatch(key: KeyIn): Promise<Watch> {
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
   * A prefix means the same as in {@link Transaction.getRange}. An object with `prefix`, or with `begin` and
   * `end`, is always a range, not a key of an encoding that takes objects.
   *
   * @example
   * ```ts
   * const copy = new Map<string, string>();
   * const todos = db.at('todo/', encoders.string, encoders.string);
   * todos.subscribe({ prefix: '' }, ({ changes, isReplaced }) => {
   *   for (const key of copy.keys()) if (isReplaced(key)) copy.delete(key);
   *   for (const [key, value] of changes) {
   *     if (value === undefined) copy.delete(key);
   *     else copy.set(key, value);
   *   }
   * });
   * ```
   */
  subscribe(
    subject: Subject<KeyIn>,
    callback: (changes: Changes<KeyIn, KeyOut, ValOut>) => unknown,
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
  subscribe(
    subject: Subject<KeyIn>,
    options?: SubscribeOptions,
  ): AsyncGenerator<Changes<KeyIn, KeyOut, ValOut>, void>;
  subscribe(
    subject: Subject<KeyIn>,
    callback?: ((changes: Changes<KeyIn, KeyOut, ValOut>) => unknown) | SubscribeOptions,
    options?: SubscribeOptions,
  ): Subscription | AsyncGenerator<Changes<KeyIn, KeyOut, ValOut>, void> {
    const { begin, end } = subjectRange(this.subspace, subject);
    const handle = this.#connection.subscribe(begin, end);
    const decode = changesDecoder(this.subspace, (bytes) => this.#connection.own(bytes));
    if (typeof callback === 'function') return callBack(handle, decode, callback, options?.signal);
    return follow(handle, decode, callback?.signal);
  }

  /**
   * Counts and sizes, of the whole database.
   *
   * @example
   * ```ts
   * const { keyCount, keyValueBytes } = await db.stats();
   * ```
   */
  async stats(): Promise<DatabaseStats> {
    const handle = await this.#connection.handle();
    return call(() => handle.stats()) as DatabaseStats;
  }

  /**
   * What was done last, for inspection: the last 100 requests of transactions to the engine, if the database was
   * opened with `inspect`, and the last 100 errors that attempts of transactions ended with, those that were retried
   * among them. The oldest come first.
   *
   * @example
   * ```ts
   * const slowest = db.recent().requests.sort((a, b) => b.microseconds - a.microseconds).slice(0, 10);
   * console.table(slowest);
   * ```
   */
  recent(): { requests: RecentRequest[]; errors: RecentError[] } {
    return this.#connection.recent.list();
  }

  /**
   * Reads everything that is stored and checks it: every page, every record of the log. Takes a while in
   * a large database; transactions go on meanwhile.
   *
   * @example
   * ```ts
   * const { damage } = await db.check();
   * for (const error of damage) console.log(error.message);
   * ```
   */
  async check(): Promise<CheckReport> {
    const handle = await this.#connection.handle();
    return checkReport((await settle(call(() => handle.check()))) as PackedCheckReport);
  }

  /**
   * Folds the log into pages as far as it may be, writes neighbouring pages that are half empty together, and
   * deletes what nothing refers to. Reads everything; transactions go on meanwhile.
   *
   * @example
   * ```ts
   * await db.compact();
   * ```
   */
  async compact(): Promise<void> {
    const handle = await this.#connection.handle();
    await settle(call(() => handle.compact()));
  }

  /**
   * The whole database, or a range of it, as a stream of bytes that {@link Database.importFrom} reads: in a
   * format of its own, versioned and checksummed, made in constant memory as the stream is read. System
   * keys are left out. Of a database at a subspace, all keys in there, whole.
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
    const { begin, end } = exportedRange(this.subspace.prefix, options);
    const start = (handle: DatabaseHandle) => call(() => handle.export(begin, end));
    const handle = this.#connection.handle();
    return exportStream(handle instanceof Promise ? handle.then(start) : start(handle), options);
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
    const handle = await this.#connection.handle();
    return importAll(
      call(() => handle.import(mode)),
      source,
      options,
    );
  }

  /**
   * Closes the database with all its views: commits under way are completed, watches end with `false`,
   * later uses fail with `client_invalid_operation`.
   *
   * @example
   * ```ts
   * await db.close();
   * ```
   */
  close(): Promise<void> {
    return this.#connection.close();
  }

  /**
   * Closes the database at the end of an `await using` block.
   *
   * @example
   * ```ts
   * await using notes = await open('notes');
   * await notes.set('hello', 'world');
   * ```
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A view of this database, of the class that it has. */
  #view<KI, KO, VI, VO>(subspace: Subspace<KI, KO, VI, VO>): Database<KI, KO, VI, VO> {
    const view = this.constructor as new (...parameters: unknown[]) => Database<KI, KO, VI, VO>;
    return new view(this.#connection, subspace);
  }
}

import { AtomicOperations } from './atomic-operations.js';
import { type BytesLike, keyAfter, toBytes } from './bytes.js';
import {
  type KeyRangeEnd,
  keyRange,
  packSelector,
  type RangeEnd,
  type RangeStart,
  type SelectorRange,
  selectorRange,
} from './encoded-range.js';
import { call, check, lastError, settle, type TransactionCalls, type TransactionHandle } from './engine.js';
import { errorCodes } from './error-codes.js';
import { fdbError } from './fdb-error.js';
import { type KeySelector, keySelector, toSelector } from './key-selector.js';
import { StreamingMode } from './numbers.js';
import {
  type NativeTransactionOptions,
  TransactionOptionCode,
  transactionOptionTable,
} from './option-codes.js';
import { type OptionValue, optionBytes, setOptions } from './options.js';
import { prefixRange, type RangeBatch, type RangeOptions, type Row, unpackBatch } from './range.js';
import { orAborted, type ReadOptions } from './signal.js';
import type { GetSubspace, Subspace } from './subspace.js';
import { TRANSACTION_VERSIONSTAMP_BYTES } from './tuple/type-codes.js';
import { toBigInt, versionBytes } from './version.js';
import { packVersionstamp, packVersionstampPrefixSuffix } from './versionstamp.js';
import type { VersionstampBaking } from './versionstamp-baking.js';
import { type Watch, type WatchOptions, wrapWatch } from './watch.js';

/** Options of a transaction: FoundationDB's, and durability. They override those of the database. */
export interface TransactionOptions extends NativeTransactionOptions {
  /** `strict` acknowledges a commit when it is on the disk, `relaxed` when the system has it. */
  durability?: 'strict' | 'relaxed' | undefined;
}

/** Options of {@link Database.doTransaction}: they hold for every attempt. */
export interface DoTransactionOptions extends TransactionOptions {
  /**
   * Ends the transaction when it aborts: `doTransaction` then rejects with the signal's reason. A commit in
   * flight may still happen.
   */
  signal?: AbortSignal | undefined;
}

/** What a transaction shares with its views. @internal */
export interface Shared {
  calls: TransactionCalls | undefined;
  committedVersion: number;
  /** Gives the engine's bytes the class that the entry of the package hands out. */
  readonly own: (bytes: Uint8Array) => Uint8Array;
  readonly baking: VersionstampBaking;
}

/** A value that begins with a versionstamp, as {@link Transaction.getVersionstampPrefixedValue} gives it. */
export interface StampedValue<Value> {
  /** The ten bytes of the commit that set it. */
  stamp: Uint8Array;
  /** What follows; not there if nothing does. */
  value?: Value;
}

/**
 * A transaction: reads of one snapshot of the database, with the transaction's own writes on top, and
 * a commit that succeeds only if what was read is still true.
 *
 * Made by {@link Database.doTransaction}, which also commits and retries. Keys and values are encoded as
 * its subspace says, which is that of the database unless {@link Transaction.at} chose another one.
 */
export class Transaction<
  KeyIn = BytesLike,
  KeyOut = Uint8Array,
  ValIn = BytesLike,
  ValOut = Uint8Array,
> extends AtomicOperations<KeyIn, ValIn, void> {
  /** Whether reads are snapshot reads: they don't make the transaction conflict. */
  readonly isSnapshot: boolean;
  /** Where its keys are, and how they and the values are encoded. */
  readonly subspace: Subspace<KeyIn, KeyOut, ValIn, ValOut>;
  readonly #shared: Shared;

  /** @internal */
  constructor(shared: Shared, subspace: Subspace<KeyIn, KeyOut, ValIn, ValOut>, isSnapshot: boolean) {
    super();
    this.#shared = shared;
    this.subspace = subspace;
    this.isSnapshot = isSnapshot;
  }

  /**
   * The value of a key, `undefined` if there is no such key.
   *
   * @example
   * ```ts
   * const value = await tn.get('hello');
   * ```
   */
  get(key: KeyIn, options?: ReadOptions): Promise<ValOut | undefined> {
    try {
      if (options?.signal) return orAborted(this.get(key), options.signal);
      const answer = call(() => this.#calls.get(this.subspace.keyBytes(key), this.isSnapshot));
      if (answer === undefined || answer instanceof Uint8Array) return Promise.resolve(this.#value(answer));
      if (typeof answer === 'number') return Promise.reject(lastError(answer));
      return settle(answer as Promise<Uint8Array | undefined>).then((value) => this.#value(value));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Whether the key is there.
   *
   * @example
   * ```ts
   * if (!(await tn.exists('hello'))) tn.set('hello', 'world');
   * ```
   */
  async exists(key: KeyIn, options?: ReadOptions): Promise<boolean> {
    const answer: unknown = call(() => this.#calls.get(this.subspace.keyBytes(key), this.isSnapshot));
    return (await this.#bytesOf(answer, options)) !== undefined;
  }

  /**
   * The key that a selector selects among the keys that the transaction sees; a plain key means the first
   * key at or after it. `undefined` if that is outside of the subspace. In a database that is no part of
   * another one: `undefined` if the selector runs off the start, the key `ff` if it runs off the end.
   *
   * @example
   * ```ts
   * const last = await tn.getKey(keySelector.lastLessThan('user0'));
   * ```
   */
  async getKey(selector: RangeStart<KeyIn>, options?: ReadOptions): Promise<KeyOut | undefined> {
    const { key, orEqual, offset } = packSelector(this.subspace, toSelector(selector));
    const answer: unknown = call(() => this.#calls.getKey(key, orEqual, offset, this.isSnapshot));
    const found = (await this.#bytesOf(answer, options)) as Uint8Array;
    if (found.length === 0 || !this.subspace.contains(found)) return undefined;
    return this.subspace.unpackKey(this.#shared.own(found));
  }

  /**
   * Sets a key.
   *
   * @example
   * ```ts
   * tn.set('hello', 'world');
   * ```
   */
  set(key: KeyIn, value: ValIn): void {
    check(call(() => this.#calls.set(this.subspace.keyBytes(key), this.subspace.valueBytes(value))));
  }

  /**
   * Clears a key.
   *
   * @example
   * ```ts
   * tn.clear('hello');
   * ```
   */
  clear(key: KeyIn): void {
    check(call(() => this.#calls.clear(this.subspace.keyBytes(key))));
  }

  /**
   * Clears a key. The same as {@link Transaction.clear}.
   *
   * @example
   * ```ts
   * tn.delete('hello');
   * ```
   */
  delete(key: KeyIn): void {
    this.clear(key);
  }

  override atomicOp(type: number, key: KeyIn, operand: ValIn): void {
    this.atomicOpNative(type, this.subspace.keyBytes(key), this.subspace.valueBytes(operand));
  }

  override atomicOpKB(type: number, key: KeyIn, operand: BytesLike): void {
    this.atomicOpNative(type, this.subspace.keyBytes(key), operand);
  }

  override atomicOpNative(type: number, key: BytesLike, operand: BytesLike): void {
    check(call(() => this.#calls.atomic(type, toBytes(key), toBytes(operand))));
  }

  /**
   * The number of the next versionstamp of this attempt that has no code of its own: 0, 1, 2, …
   * {@link Transaction.setVersionstampedKey} and its like take it. Throws a `RangeError` above 65,535.
   *
   * @example
   * ```ts
   * const code = tn.getNextTransactionID();
   * ```
   */
  getNextTransactionID(): number {
    return this.#shared.baking.nextCode();
  }

  /**
   * Sets a key with a versionstamp in it, which the commit fills in. The encoding of keys has to know
   * versionstamps, as that of tuples does. After the commit the versionstamp is also put into `key` itself,
   * in place of the unbound one, unless `bakeAfterCommit` is false.
   *
   * @example
   * ```ts
   * const key = ['log', tuple.unboundVersionstamp()];
   * await db.withKeyEncoding(tuple).doTransaction((tn) => tn.setVersionstampedKey(key, 'entry'));
   * // key[1] is now { type: 'versionstamp', value: Uint8Array(12) }
   * ```
   */
  setVersionstampedKey(key: KeyIn, value: ValIn, bakeAfterCommit = true): void {
    const { keyXf } = this.subspace;
    const stamped = this.subspace.packKeyUnboundVersionstamp(key);
    const code = this.#fillInCode(stamped.data, stamped.codePos);
    this.#setStampedKey(packVersionstamp(stamped), value);
    if (bakeAfterCommit) this.#shared.baking.add(key, keyXf, code);
  }

  /**
   * Sets the key that is made of `key`, the ten bytes of the commit's versionstamp, and `suffix`.
   *
   * @example
   * ```ts
   * tn.setVersionstampSuffixedKey('log/', 'entry');
   * ```
   */
  setVersionstampSuffixedKey(key: KeyIn, value: ValIn, suffix?: BytesLike): void {
    this.setVersionstampedKeyBuf(this.subspace.keyBytes(key), suffix, value);
  }

  /**
   * Sets the key that is made of the bytes of a prefix, the ten bytes of the commit's versionstamp, and
   * those of a suffix. No prefix of a subspace comes before them.
   *
   * @example
   * ```ts
   * tn.setVersionstampedKeyBuf('log/', undefined, 'entry');
   * ```
   */
  setVersionstampedKeyBuf(prefix: BytesLike | undefined, suffix: BytesLike | undefined, value: ValIn): void {
    this.#setStampedKey(packVersionstampPrefixSuffix(prefix, suffix, true), value);
  }

  /**
   * Sets a key part of which is the commit's versionstamp: the last four bytes of `template`, a
   * little-endian number, say where its ten bytes go, and are removed. No prefix comes before it.
   *
   * @example
   * ```ts
   * tn.setVersionstampedKeyRaw(packVersionstampPrefixSuffix('log/'), 'entry');
   * ```
   */
  setVersionstampedKeyRaw(template: Uint8Array, value: ValIn): void {
    this.#setStampedKey(template, value);
  }

  /**
   * Sets a key to a value with a versionstamp in it, which the commit fills in. The encoding of values has
   * to know versionstamps, as that of tuples does. See {@link Transaction.setVersionstampedKey}.
   *
   * @example
   * ```ts
   * await db.withValueEncoding(tuple).doTransaction((tn) => {
   *   tn.setVersionstampedValue('last change', ['by ann', tuple.unboundVersionstamp()]);
   * });
   * ```
   */
  setVersionstampedValue(key: KeyIn, value: ValIn, bakeAfterCommit = true): void {
    const { valueXf } = this.subspace;
    const stamped = this.subspace.packValueUnboundVersionstamp(value);
    const code = this.#fillInCode(stamped.data, stamped.codePos);
    this.#setStampedValue(key, packVersionstamp(stamped));
    if (bakeAfterCommit) this.#shared.baking.add(value, valueXf, code);
  }

  /**
   * Sets a key to a value that is made of `prefix`, the ten bytes of the commit's versionstamp, and `value`.
   *
   * @example
   * ```ts
   * tn.setVersionstampPrefixedValue('page', 'its text');
   * ```
   */
  setVersionstampPrefixedValue(key: KeyIn, value?: ValIn, prefix?: BytesLike): void {
    const rest = value === undefined ? undefined : this.subspace.valueBytes(value);
    this.#setStampedValue(key, packVersionstampPrefixSuffix(prefix, rest, false));
  }

  /**
   * As {@link Transaction.setVersionstampedKeyRaw}, with the stamp in the value.
   *
   * @example
   * ```ts
   * tn.setVersionstampedValueRaw('last change', packVersionstampPrefixSuffix());
   * ```
   */
  setVersionstampedValueRaw(key: KeyIn, template: Uint8Array): void {
    this.#setStampedValue(key, template);
  }

  /**
   * A value that {@link Transaction.setVersionstampPrefixedValue} has set without a prefix, and its
   * versionstamp; `null` if there is no such key.
   *
   * @example
   * ```ts
   * const page = await tn.getVersionstampPrefixedValue('page');
   * if (page) console.log(page.stamp, page.value);
   * ```
   */
  async getVersionstampPrefixedValue(key: KeyIn): Promise<StampedValue<ValOut> | null> {
    const answer: unknown = call(() => this.#calls.get(this.subspace.keyBytes(key), this.isSnapshot));
    const found = await this.#bytesOf(answer, undefined);
    if (found === undefined) return null;
    const bytes = this.#shared.own(found);
    const stamp = bytes.subarray(0, TRANSACTION_VERSIONSTAMP_BYTES);
    if (bytes.length <= TRANSACTION_VERSIONSTAMP_BYTES) return { stamp };
    return { stamp, value: this.subspace.unpackValue(bytes.subarray(TRANSACTION_VERSIONSTAMP_BYTES)) };
  }

  /**
   * The ten bytes of the versionstamp that the commit uses, as a promise in an object, so that returning
   * it from the body does not wait for the commit inside the commit. To be called before the commit.
   * Rejects with `no_commit_version` if nothing was written; a rejection that nobody handles is not
   * reported as unhandled.
   *
   * @example
   * ```ts
   * const { promise } = await db.doTransaction((tn) => {
   *   tn.set('hello', 'world');
   *   return tn.getVersionstamp();
   * });
   * const stamp = await promise;
   * ```
   */
  getVersionstamp(): { promise: Promise<Uint8Array> } {
    const stamp = settle(call(() => this.#calls.versionstamp()) as Promise<Uint8Array>);
    const promise = stamp.then(this.#shared.own);
    promise.catch(() => undefined);
    return { promise };
  }

  /**
   * Sets an option by its number, one of {@link TransactionOptionCode}. A retry forgets all but
   * `timeout`, `retry_limit` and `max_retry_delay`.
   *
   * @example
   * ```ts
   * tn.setOption(TransactionOptionCode.Timeout, 2000);
   * ```
   */
  setOption(code: number, value?: OptionValue): void {
    check(call(() => this.#calls.setOption(code, optionBytes(value))));
  }

  /**
   * Sets options by their names.
   *
   * @example
   * ```ts
   * tn.setOptions({ timeout: 2000, retry_limit: 5 });
   * ```
   */
  setOptions(options: NativeTransactionOptions): void {
    setOptions(options, transactionOptionTable, ['durability', 'signal'], (code, value) =>
      check(call(() => this.#calls.setOption(code, value))),
    );
  }

  /**
   * Lets the next call that writes add no write conflict range.
   *
   * @example
   * ```ts
   * tn.nextWriteNoWriteConflictRange();
   * tn.set('last seen', String(Date.now()));
   * ```
   */
  nextWriteNoWriteConflictRange(): void {
    this.setOption(TransactionOptionCode.NextWriteNoWriteConflictRange);
  }

  /**
   * Clears every key with `start <= key < end`. Without `end`, every key that begins with `start`, which for
   * tuples is those with more elements; with `subspaceEnd`, everything from `start` on.
   *
   * @example
   * ```ts
   * tn.clearRange('log/2025', 'log/2026');
   * ```
   */
  clearRange(start: KeyIn, end?: KeyRangeEnd<KeyIn>): void {
    const range = keyRange(this.subspace, start, end);
    check(call(() => this.#calls.clearRange(range.begin, range.end)));
  }

  /**
   * Clears every key that begins with `prefix`: the same as {@link Transaction.clearRange} without an end.
   *
   * @example
   * ```ts
   * tn.clearRangeStartsWith('log/');
   * ```
   */
  clearRangeStartsWith(prefix: KeyIn): void {
    this.clearRange(prefix);
  }

  /**
   * The rows with `start <= key < end`, in the order of the keys' bytes. Without `end`, those whose keys
   * begin with `start`, which for tuples is those with more elements; with `subspaceEnd`, all from `start`
   * on. Both can be key selectors.
   *
   * @example
   * ```ts
   * for await (const [key, value] of tn.getRange('user/', 'user0', { limit: 10 })) {
   *   console.log(new TextDecoder().decode(key), value.length);
   * }
   * ```
   */
  async *getRange(
    start: RangeStart<KeyIn>,
    end?: RangeEnd<KeyIn>,
    options?: RangeOptions,
  ): AsyncGenerator<Row<KeyOut, ValOut>, void> {
    for await (const batch of this.getRangeBatch(start, end, options)) yield* batch;
  }

  /**
   * As {@link Transaction.getRange}, in batches of growing size. An empty range gives one empty batch.
   *
   * @example
   * ```ts
   * for await (const rows of tn.getRangeBatch('user/')) console.log(rows.length);
   * ```
   */
  async *getRangeBatch(
    start: RangeStart<KeyIn>,
    end?: RangeEnd<KeyIn>,
    options?: RangeOptions,
  ): AsyncGenerator<Row<KeyOut, ValOut>[], void> {
    yield* this.#batches(selectorRange(this.subspace, start, end), options, StreamingMode.Iterator);
  }

  /**
   * All rows of a range at once. See {@link Transaction.getRange}.
   *
   * @example
   * ```ts
   * const newest = await tn.getRangeAll('log/', subspaceEnd, { reverse: true, limit: 10 });
   * ```
   */
  async getRangeAll(
    start: RangeStart<KeyIn>,
    end?: RangeEnd<KeyIn>,
    options?: RangeOptions,
  ): Promise<Row<KeyOut, ValOut>[]> {
    const range = selectorRange(this.subspace, start, end);
    const all: Row<KeyOut, ValOut>[][] = [];
    for await (const batch of this.#batches(range, options, StreamingMode.WantAll)) all.push(batch);
    const [first] = all;
    return all.length === 1 && first ? first : all.flat();
  }

  /**
   * All rows whose keys begin with `prefix`: the same as {@link Transaction.getRangeAll} without an end.
   *
   * @example
   * ```ts
   * const users = await tn.getRangeAllStartsWith('user/');
   * ```
   */
  getRangeAllStartsWith(prefix: RangeStart<KeyIn>, options?: RangeOptions): Promise<Row<KeyOut, ValOut>[]> {
    return this.getRangeAll(prefix, undefined, options);
  }

  /**
   * Watches a key: tells once when its value differs from the one that this transaction sees. Starts
   * with the commit; until then only this transaction's own writes count. Reads the key, with the
   * conflict of a read. The watch outlives the transaction.
   *
   * @example
   * ```ts
   * const watch = await db.doTransaction(async (tn) => tn.watch('inbox'));
   * if (await watch.promise) console.log('something came');
   * ```
   */
  watch(key: KeyIn, options?: WatchOptions): Watch {
    return wrapWatch(
      call(() => this.#calls.watch(this.subspace.keyBytes(key))),
      options,
    );
  }

  /**
   * The same transaction with snapshot reads: they see the same data but don't conflict.
   *
   * @example
   * ```ts
   * const hint = await tn.snapshot().get('hint');
   * ```
   */
  snapshot(): Transaction<KeyIn, KeyOut, ValIn, ValOut> {
    return this.#view(this.subspace, true);
  }

  /**
   * The same transaction in another subspace, given as itself or as a database, a transaction or a
   * directory that has one.
   *
   * @example
   * ```ts
   * const index = new Subspace('index/', tuple);
   * tn.at(index).set(['by name', 'Ann'], '17');
   * ```
   */
  at<CKI, CKO, CVI, CVO>(hasSubspace: GetSubspace<CKI, CKO, CVI, CVO>): Transaction<CKI, CKO, CVI, CVO> {
    return this.#view(hasSubspace.getSubspace(), this.isSnapshot);
  }

  /**
   * The same as {@link Transaction.at}, by its old name.
   *
   * @deprecated
   * @example
   * ```ts
   * tn.scopedTo(db.at('index/')).set('ann', '17');
   * ```
   */
  scopedTo<CKI, CKO, CVI, CVO>(
    hasSubspace: GetSubspace<CKI, CKO, CVI, CVO>,
  ): Transaction<CKI, CKO, CVI, CVO> {
    return this.at(hasSubspace);
  }

  /**
   * Its subspace.
   *
   * @example
   * ```ts
   * const bytes = tn.getSubspace().packKey('hello');
   * ```
   */
  getSubspace(): Subspace<KeyIn, KeyOut, ValIn, ValOut> {
    return this.subspace;
  }

  /**
   * Makes the transaction fail if another one writes into the range, as if it had read it.
   *
   * @example
   * ```ts
   * tn.addReadConflictRange('seats/', 'seats0');
   * ```
   */
  addReadConflictRange(start: KeyIn, end: KeyRangeEnd<KeyIn>): void {
    const range = keyRange(this.subspace, start, end);
    check(call(() => this.#calls.addReadConflictRange(range.begin, range.end)));
  }

  /**
   * Makes the transaction fail if another one writes the key, as if it had read it.
   *
   * @example
   * ```ts
   * tn.addReadConflictKey('seats/12');
   * ```
   */
  addReadConflictKey(key: KeyIn): void {
    const begin = this.subspace.keyBytes(key);
    check(call(() => this.#calls.addReadConflictRange(begin, keyAfter(begin))));
  }

  /**
   * Makes other transactions that read in the range fail, as if this one wrote there.
   *
   * @example
   * ```ts
   * tn.addWriteConflictRange('seats/', 'seats0');
   * ```
   */
  addWriteConflictRange(start: KeyIn, end: KeyRangeEnd<KeyIn>): void {
    const range = keyRange(this.subspace, start, end);
    check(call(() => this.#calls.addWriteConflictRange(range.begin, range.end)));
  }

  /**
   * Makes other transactions that read the key fail, as if this one wrote it.
   *
   * @example
   * ```ts
   * tn.addWriteConflictKey('seats/12');
   * ```
   */
  addWriteConflictKey(key: KeyIn): void {
    const begin = this.subspace.keyBytes(key);
    check(call(() => this.#calls.addWriteConflictRange(begin, keyAfter(begin))));
  }

  /**
   * The version that this transaction reads: all commits up to it are visible, none after it. Eight bytes,
   * big-endian; {@link versionNumber} makes a number of them.
   *
   * @example
   * ```ts
   * const version = versionNumber(await tn.getReadVersion());
   * ```
   */
  async getReadVersion(): Promise<Uint8Array> {
    const answer = call(() => this.#calls.readVersion()) as number | Promise<number>;
    const version = typeof answer === 'number' ? answer : await settle(answer);
    if (version < 0) throw lastError(-version);
    return this.#shared.own(versionBytes(version));
  }

  /**
   * Has this transaction read at a version that another one read or committed. Fails with
   * `read_version_already_set` once it has read. Reads fail with `transaction_too_old` if the version is
   * older than about five seconds, with `future_version` if it is not there within a second.
   *
   * @example
   * ```ts
   * const version = await tn.getReadVersion();
   * const other = db.rawCreateTransaction();
   * other.setReadVersion(version);
   * ```
   */
  setReadVersion(version: Uint8Array): void {
    const number = toBigInt(version);
    check(call(() => this.#calls.setReadVersion(number)));
  }

  /**
   * The version at which this transaction took effect, as eight bytes, big-endian; all ff, which is -1,
   * before that and if it wrote nothing.
   *
   * @example
   * ```ts
   * await tn.rawCommit();
   * const version = versionNumber(tn.getCommittedVersion());
   * ```
   */
  getCommittedVersion(): Uint8Array {
    const { calls, committedVersion, own } = this.#shared;
    return own(versionBytes(calls ? call(() => calls.committedVersion()) : committedVersion));
  }

  /**
   * An estimate of the size so far in bytes, as counted towards the limit of 10,000,000. It grows with
   * every write and every conflict range.
   *
   * @example
   * ```ts
   * if ((await tn.getApproximateSize()) > 1_000_000) console.log('go on in another transaction');
   * ```
   */
  async getApproximateSize(): Promise<number> {
    const size = await call(() => this.#calls.approximateSize());
    if (size < 0) throw lastError(-size);
    return size;
  }

  /**
   * Bytes of the keys and values of a range, without this transaction's own writes. No conflict.
   *
   * @example
   * ```ts
   * const bytes = await tn.getEstimatedRangeSizeBytes('user/', subspaceEnd);
   * ```
   */
  async getEstimatedRangeSizeBytes(start: KeyIn, end: KeyRangeEnd<KeyIn>): Promise<number> {
    const range = keyRange(this.subspace, start, end);
    const answer = call(() => this.#calls.estimatedRangeBytes(range.begin, range.end));
    return settle(answer as Promise<number>);
  }

  /**
   * Keys that cut a range into pieces of about `chunkSize` bytes, `start` and `end` included. No
   * conflict.
   *
   * @example
   * ```ts
   * const cuts = await tn.getRangeSplitPoints('user/', 'user0', 1_000_000);
   * ```
   */
  async getRangeSplitPoints(start: KeyIn, end: KeyIn, chunkSize: number): Promise<KeyOut[]> {
    const { subspace } = this;
    const answer = call(() =>
      this.#calls.rangeSplitPoints(subspace.keyBytes(start), subspace.keyBytes(end), chunkSize),
    );
    const chunk = this.#shared.own(await settle(answer as Promise<Uint8Array>));
    return unpackBatch(chunk).results.map(([key]) => subspace.unpackKey(key));
  }

  /**
   * Where a key is stored: in this browser, whatever the key.
   *
   * @example
   * ```ts
   * await tn.getAddressesForKey('hello'); // ['localhost']
   * ```
   */
  async getAddressesForKey(_key: KeyIn): Promise<string[]> {
    return ['localhost'];
  }

  /**
   * One batch of a range, as FoundationDB's C API gives it: the bytes of the rows, and whether a limit kept
   * it from giving more. {@link Transaction.getRange} asks for batch after batch.
   *
   * @param begin A selector of the key's bytes: no prefix comes before it.
   * @param end The same; null for the keys that begin with the key of `begin`.
   * @param limit At most so many rows; 0 for no limit.
   * @param targetBytes Stop after the row that reaches so many bytes; 0 for no limit.
   * @param mode One of {@link StreamingMode}.
   * @param iteration Counts the batches of one iteration, from 1.
   *
   * @example
   * ```ts
   * const begin = keySelector.firstGreaterOrEqual('a');
   * const { results, more } = await tn.getRangeNative(begin, null, 10, 0, StreamingMode.Exact, 1, false);
   * ```
   */
  async getRangeNative(
    begin: KeySelector<BytesLike>,
    end: KeySelector<BytesLike> | null,
    limit: number,
    targetBytes: number,
    mode: number,
    iteration: number,
    reverse: boolean,
  ): Promise<RangeBatch> {
    const last = end ?? keySelector.firstGreaterOrEqual<BytesLike>(prefixRange(begin.key).end);
    const answer: unknown = call(() =>
      this.#calls.getRange(
        toBytes(begin.key),
        begin.orEqual,
        begin.offset,
        toBytes(last.key),
        last.orEqual,
        last.offset,
        checkedLimit(limit),
        checkedLimit(targetBytes),
        mode,
        iteration,
        reverse,
        this.isSnapshot,
      ),
    );
    return unpackBatch(this.#shared.own((await this.#bytesOf(answer, undefined)) as Uint8Array));
  }

  /**
   * As {@link Transaction.getRangeNative}, with keys and values encoded.
   *
   * @example
   * ```ts
   * const begin = keySelector.firstGreaterOrEqual('a');
   * const { results, more } = await tn.getRangeRaw(begin, null, 10, 0, StreamingMode.Exact, 1, false);
   * ```
   */
  async getRangeRaw(
    begin: KeySelector<KeyIn>,
    end: KeySelector<KeyIn> | null,
    limit: number,
    targetBytes: number,
    mode: number,
    iteration: number,
    reverse: boolean,
  ): Promise<RangeBatch<KeyOut, ValOut>> {
    const range = selectorRange(this.subspace, begin, end);
    const { results, more } = await this.getRangeNative(
      range.begin,
      range.end,
      limit,
      targetBytes,
      mode,
      iteration,
      reverse,
    );
    return { results: this.#rows(results), more };
  }

  /**
   * Commits once, without a retry. {@link Database.doTransaction} does it for you.
   *
   * @example
   * ```ts
   * const tn = db.rawCreateTransaction();
   * tn.set('hello', 'world');
   * await tn.rawCommit();
   * ```
   */
  async rawCommit(): Promise<void> {
    const bake = await this.commitAttempt();
    bake?.();
  }

  /**
   * Commits; the answer, if there is one, puts the versionstamp where it is waited for. That can fail in
   * the encoding, which is no reason to try again what has been committed.
   *
   * @internal
   */
  async commitAttempt(): Promise<(() => void) | undefined> {
    const { baking } = this.#shared;
    if (baking.isEmpty) {
      await settle(call(() => this.#calls.commit()));
      return undefined;
    }
    const { promise } = this.getVersionstamp();
    await settle(call(() => this.#calls.commit()));
    const stamp = await promise;
    return () => baking.bake(stamp);
  }

  /**
   * Prepares the next attempt after a failure with this code: waits, then makes the transaction as good
   * as new. Rejects with the error if it can't be retried.
   *
   * @example
   * ```ts
   * try {
   *   await tn.rawCommit();
   * } catch (error) {
   *   if (!(error instanceof FDBError)) throw error;
   *   await tn.rawOnError(error.code);
   *   // and once more from the beginning
   * }
   * ```
   */
  async rawOnError(code: number): Promise<void> {
    await settle(call(() => this.#calls.onError(code)));
    this.#shared.baking.reset();
  }

  /**
   * Makes the transaction as good as new.
   *
   * @example
   * ```ts
   * tn.rawReset();
   * ```
   */
  rawReset(): void {
    call(() => this.#calls.reset());
    this.#shared.baking.reset();
  }

  /**
   * Ends every use of the transaction with `transaction_cancelled`.
   *
   * @example
   * ```ts
   * tn.rawCancel();
   * ```
   */
  rawCancel(): void {
    call(() => this.#calls.cancel());
  }

  /** Lets go of the engine's side: uses from now on fail with `transaction_cancelled`. @internal */
  free(): void {
    const { calls } = this.#shared;
    if (!calls) return;
    this.#shared.committedVersion = call(() => calls.committedVersion());
    this.#shared.calls = undefined;
    calls.free();
  }

  /** Does with the engine's side what is built on transactions. @internal */
  withHandle<T>(operation: (handle: TransactionHandle) => Promise<T>): Promise<T> {
    const calls = this.#calls;
    return settle(call(() => calls.whenOpen?.(operation) ?? operation(calls as TransactionHandle)));
  }

  get #calls(): TransactionCalls {
    const { calls } = this.#shared;
    if (!calls) {
      const message = 'this transaction has ended; a transaction can be used until its doTransaction returns';
      throw fdbError(errorCodes.transaction_cancelled, message);
    }
    return calls;
  }

  /** A view of this transaction, of the class that it has. */
  #view<KI, KO, VI, VO>(
    subspace: Subspace<KI, KO, VI, VO>,
    isSnapshot: boolean,
  ): Transaction<KI, KO, VI, VO> {
    const view = this.constructor as new (...parameters: unknown[]) => Transaction<KI, KO, VI, VO>;
    return new view(this.#shared, subspace, isSnapshot);
  }

  /** Bytes that the engine answered with at once or later; a number is the code of a failure. */
  async #bytesOf(answer: unknown, options: ReadOptions | undefined): Promise<Uint8Array | undefined> {
    if (typeof answer === 'number') throw lastError(answer);
    options?.signal?.throwIfAborted();
    if (!(answer instanceof Promise)) return answer as Uint8Array | undefined;
    return orAborted(settle(answer as Promise<Uint8Array | undefined>), options?.signal);
  }

  #value(bytes: Uint8Array | undefined): ValOut | undefined {
    return bytes === undefined ? undefined : this.subspace.unpackValue(this.#shared.own(bytes));
  }

  #rows(rows: Row[]): Row<KeyOut, ValOut>[] {
    const { subspace } = this;
    if (subspace.isRaw) return rows as unknown as Row<KeyOut, ValOut>[];
    return rows.map(([key, value]) => [subspace.unpackKey(key), subspace.unpackValue(value)]);
  }

  #setStampedKey(template: Uint8Array, value: ValIn): void {
    check(call(() => this.#calls.setVersionstampedKey(template, this.subspace.valueBytes(value))));
  }

  #setStampedValue(key: KeyIn, template: Uint8Array): void {
    check(call(() => this.#calls.setVersionstampedValue(this.subspace.keyBytes(key), template)));
  }

  /** Writes the code of a versionstamp that has none of its own to its place; answers its bytes. */
  #fillInCode(data: Uint8Array, codePos: number | undefined): Uint8Array | null {
    if (codePos === undefined) return null;
    if (this.isSnapshot) {
      const message = 'a versionstamp with a code was expected in a snapshot, found one without';
      throw fdbError(errorCodes.client_invalid_operation, message);
    }
    const code = this.getNextTransactionID();
    data[codePos] = code >> 8;
    data[codePos + 1] = code;
    return this.#shared.own(data.subarray(codePos, codePos + 2));
  }

  async *#batches(
    range: SelectorRange,
    options: RangeOptions | undefined,
    usualMode: number,
  ): AsyncGenerator<Row<KeyOut, ValOut>[], void> {
    const reverse = options?.reverse ?? false;
    const limit = checkedLimit(options?.limit);
    const mode = options?.streamingMode ?? usualMode;
    const targetBytes = checkedLimit(options?.targetBytes);
    let { begin, end } = range;
    let left = limit;
    for (let iteration = 1; ; iteration++) {
      const { results, more } = await orAborted(
        this.getRangeNative(begin, end, left, targetBytes, mode, iteration, reverse),
        options?.signal,
      );
      if (results.length > 0 || iteration === 1) yield this.#rows(results);
      const last = results.at(-1);
      if (limit > 0) left -= results.length;
      if (!more || !last || (limit > 0 && left <= 0)) return;
      if (reverse) end = keySelector.firstGreaterOrEqual(last[0]);
      else begin = keySelector.firstGreaterThan(last[0]);
    }
  }
}

/** A limit of rows or bytes; 0 and -1 are no limit. */
function checkedLimit(limit = 0): number {
  if (limit === -1) return 0;
  if (Number.isInteger(limit) && limit >= 0) return Math.min(limit, 0xffffffff);
  throw fdbError(errorCodes.range_limits_invalid, `a limit of 0 or more was expected, found ${limit}`);
}

import { AtomicOperations } from './atomic-operations.js';
import type { Attempt } from './attempt.js';
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
import { call, check, lastError, settle, type TransactionHandle } from './engine.js';
import { type KeySelector, toSelector } from './key-selector.js';
import { StreamingMode } from './numbers.js';
import {
  type NativeTransactionOptions,
  TransactionOptionCode,
  transactionOptionTable,
} from './option-codes.js';
import { type OptionValue, optionBytes, setOptions } from './options.js';
import { type RangeBatch, type RangeOptions, type Row, unpackBatch } from './range.js';
import { BatchWalk, readAll, readBatch, readBatches, unpackRows } from './range-read.js';
import { orAborted, type ReadOptions } from './signal.js';
import type { GetSubspace, Subspace } from './subspace.js';
import { turnGate } from './turn-gate.js';
import { toBigInt, versionBytes } from './version.js';
import { packVersionstampPrefixSuffix } from './versionstamp.js';
import {
  type StampedValue,
  setKeyTemplate,
  setUnboundKey,
  setUnboundValue,
  setValueTemplate,
  unpackStampedValue,
} from './versionstamped.js';
import { type Watch, type WatchOptions, wrapWatch } from './watch.js';

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
  readonly #attempt: Attempt;

  /** @internal */
  constructor(attempt: Attempt, subspace: Subspace<KeyIn, KeyOut, ValIn, ValOut>, isSnapshot: boolean) {
    super();
    this.#attempt = attempt;
    this.subspace = subspace;
    this.isSnapshot = isSnapshot;
  }

  /**
   * The value of a key, `undefined` if there is no such key. Its bytes are the caller's, but its `buffer` may have other
   * values in it, as Node's small Buffers do.
   *
   * @example
   * ```ts
   * const value = await tn.get('hello');
   * ```
   */
  get(key: KeyIn, options?: ReadOptions): Promise<ValOut | undefined> {
    try {
      if (options?.signal) return orAborted(this.get(key), options.signal);
      const answer = call(() => this.#attempt.calls.get(this.subspace.keyBytes(key), this.isSnapshot));
      if (answer === undefined || answer instanceof Uint8Array) {
        return turnGate.answer(this.#value(answer), answer);
      }
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
    const answer: unknown = call(() => this.#attempt.calls.get(this.subspace.keyBytes(key), this.isSnapshot));
    return (await this.#attempt.bytesOf(answer, options)) !== undefined;
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
    const answer: unknown = call(() => this.#attempt.calls.getKey(key, orEqual, offset, this.isSnapshot));
    const found = (await this.#attempt.bytesOf(answer, options)) as Uint8Array;
    if (found.length === 0 || !this.subspace.contains(found)) return undefined;
    return this.subspace.unpackKey(this.#attempt.own(found));
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
    check(call(() => this.#attempt.calls.set(this.subspace.keyBytes(key), this.subspace.valueBytes(value))));
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
    check(call(() => this.#attempt.calls.clear(this.subspace.keyBytes(key))));
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
    check(call(() => this.#attempt.calls.atomic(type, toBytes(key), toBytes(operand))));
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
    return this.#attempt.baking.nextCode();
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
    const { isSnapshot } = this;
    setUnboundKey(this.#attempt, this.subspace, key, value, { isSnapshot, bakeAfterCommit });
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
    const template = packVersionstampPrefixSuffix(prefix, suffix, true);
    setKeyTemplate(this.#attempt, this.subspace, template, value);
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
    setKeyTemplate(this.#attempt, this.subspace, template, value);
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
    const { isSnapshot } = this;
    setUnboundValue(this.#attempt, this.subspace, key, value, { isSnapshot, bakeAfterCommit });
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
    const template = packVersionstampPrefixSuffix(prefix, rest, false);
    setValueTemplate(this.#attempt, this.subspace, key, template);
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
    setValueTemplate(this.#attempt, this.subspace, key, template);
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
    const answer: unknown = call(() => this.#attempt.calls.get(this.subspace.keyBytes(key), this.isSnapshot));
    const found = await this.#attempt.bytesOf(answer, undefined);
    return found === undefined ? null : unpackStampedValue(this.subspace, this.#attempt.own(found));
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
    return { promise: this.#attempt.versionstamp() };
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
    check(call(() => this.#attempt.calls.setOption(code, optionBytes(value))));
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
      check(call(() => this.#attempt.calls.setOption(code, value))),
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
    check(call(() => this.#attempt.calls.clearRange(range.begin, range.end)));
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
    const range = selectorRange(this.subspace, start, end);
    yield* readBatches(this.#walk(range, options, StreamingMode.Iterator), this.subspace);
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
    return readAll(this.#walk(range, options, StreamingMode.WantAll), this.subspace);
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
      call(() => this.#attempt.calls.watch(this.subspace.keyBytes(key))),
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
    check(call(() => this.#attempt.calls.addReadConflictRange(range.begin, range.end)));
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
    check(call(() => this.#attempt.calls.addReadConflictRange(begin, keyAfter(begin))));
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
    check(call(() => this.#attempt.calls.addWriteConflictRange(range.begin, range.end)));
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
    check(call(() => this.#attempt.calls.addWriteConflictRange(begin, keyAfter(begin))));
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
    const answer = call(() => this.#attempt.calls.readVersion()) as number | Promise<number>;
    const version = await (typeof answer === 'number' ? turnGate.answer(answer, undefined) : settle(answer));
    if (version < 0) throw lastError(-version);
    return this.#attempt.own(versionBytes(version));
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
    check(call(() => this.#attempt.calls.setReadVersion(number)));
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
    return this.#attempt.own(versionBytes(this.#attempt.committedVersion));
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
    const size = await call(() => this.#attempt.calls.approximateSize());
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
    const answer = call(() => this.#attempt.calls.estimatedRangeBytes(range.begin, range.end));
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
      this.#attempt.calls.rangeSplitPoints(subspace.keyBytes(start), subspace.keyBytes(end), chunkSize),
    );
    const chunk = this.#attempt.own(await settle(answer as Promise<Uint8Array>));
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
  getRangeNative(
    begin: KeySelector<BytesLike>,
    end: KeySelector<BytesLike> | null,
    limit: number,
    targetBytes: number,
    mode: number,
    iteration: number,
    reverse: boolean,
  ): Promise<RangeBatch> {
    const request = { begin, end, limit, targetBytes, mode, iteration, reverse };
    return readBatch(this.#attempt, this.isSnapshot, request);
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
    const request = { ...range, limit, targetBytes, mode, iteration, reverse };
    const { results, more } = await readBatch(this.#attempt, this.isSnapshot, request);
    return { results: unpackRows(this.subspace, results), more };
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

  /** Commits; the answer, if there is one, puts the versionstamp where it is waited for. @internal */
  commitAttempt(): Promise<(() => void) | undefined> {
    return this.#attempt.commit();
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
  rawOnError(code: number): Promise<void> {
    return this.#attempt.onError(code);
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
    this.#attempt.reset();
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
    call(() => this.#attempt.calls.cancel());
  }

  /** Lets go of the engine's side: uses from now on fail with `transaction_cancelled`. @internal */
  free(): void {
    this.#attempt.free();
  }

  /** Does with the engine's side what is built on transactions. @internal */
  withHandle<T>(operation: (handle: TransactionHandle) => Promise<T>): Promise<T> {
    return this.#attempt.withHandle(operation);
  }

  /** A view of this transaction, of the class that it has. */
  #view<KI, KO, VI, VO>(
    subspace: Subspace<KI, KO, VI, VO>,
    isSnapshot: boolean,
  ): Transaction<KI, KO, VI, VO> {
    const view = this.constructor as new (...parameters: unknown[]) => Transaction<KI, KO, VI, VO>;
    return new view(this.#attempt, subspace, isSnapshot);
  }

  #value(bytes: Uint8Array | undefined): ValOut | undefined {
    return bytes === undefined ? undefined : this.subspace.unpackValue(this.#attempt.own(bytes));
  }

  #walk(range: SelectorRange, options: RangeOptions | undefined, usualMode: number): BatchWalk {
    return new BatchWalk(this.#attempt, this.isSnapshot, range, options, usualMode);
  }
}

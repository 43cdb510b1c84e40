import { type BytesLike, keyAfter, toBytes } from './bytes.js';
import { call, check, lastError, settle, type TransactionHandle } from './engine.js';
import { errorCodes } from './error-codes.js';
import { fdbError } from './fdb-error.js';
import { type KeySelector, keySelector, toSelector } from './key-selector.js';
import { MutationType, StreamingMode } from './numbers.js';
import {
  type NativeTransactionOptions,
  TransactionOptionCode,
  transactionOptionTable,
} from './option-codes.js';
import { type OptionValue, optionBytes, setOptions } from './options.js';
import {
  KEY_SPACE_END,
  type KeyRange,
  prefixRange,
  type RangeBatch,
  type RangeOptions,
  type Row,
  type SelectorRange,
  selectorsOf,
  toRange,
  toSelectorRange,
  unpackBatch,
} from './range.js';
import { orAborted, type ReadOptions } from './signal.js';
import { toBigInt, versionBytes } from './version.js';
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

/**
 * A transaction: reads of one snapshot of the database, with the transaction's own writes on top, and
 * a commit that succeeds only if what was read is still true.
 *
 * Made by {@link Database.doTransaction}, which also commits and retries.
 */
export class Transaction {
  /** Whether reads are snapshot reads: they don't make the transaction conflict. */
  readonly isSnapshot: boolean;
  readonly #state: { handle: TransactionHandle | undefined; committedVersion: number };

  /** @internal */
  constructor(state: TransactionHandle | Transaction, isSnapshot = false) {
    this.#state = state instanceof Transaction ? state.#state : { handle: state, committedVersion: -1 };
    this.isSnapshot = isSnapshot;
  }

  /** The value of a key, `undefined` if there is no such key. */
  get(key: BytesLike, options?: ReadOptions): Promise<Uint8Array | undefined> {
    try {
      if (options?.signal) return orAborted(this.get(key), options.signal);
      const answer = call(() => this.#handle.get(toBytes(key), this.isSnapshot));
      if (answer === undefined || answer instanceof Uint8Array) return Promise.resolve(answer);
      if (typeof answer === 'number') return Promise.reject(lastError(answer));
      return settle(answer);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Whether the key is there. */
  async exists(key: BytesLike, options?: ReadOptions): Promise<boolean> {
    return (await this.get(key, options)) !== undefined;
  }

  /**
   * The key that a selector selects among the keys that the transaction sees; a plain key means the first
   * key at or after it. `undefined` if the selector runs off the start; the key `ff` if it runs off the
   * end.
   */
  async getKey(selector: BytesLike | KeySelector, options?: ReadOptions): Promise<Uint8Array | undefined> {
    const { key, orEqual, offset } = toSelector(selector);
    const answer: unknown = call(() => this.#handle.getKey(toBytes(key), orEqual, offset, this.isSnapshot));
    if (typeof answer === 'number') throw lastError(answer);
    const found =
      answer instanceof Uint8Array
        ? answer
        : await orAborted(settle(answer as Promise<Uint8Array>), options?.signal);
    return found.length === 0 ? undefined : found;
  }

  /** Sets a key. */
  set(key: BytesLike, value: BytesLike): void {
    check(call(() => this.#handle.set(toBytes(key), toBytes(value))));
  }

  /** Clears a key. */
  clear(key: BytesLike): void {
    check(call(() => this.#handle.clear(toBytes(key))));
  }

  /** Clears a key. The same as {@link Transaction.clear}. */
  delete(key: BytesLike): void {
    this.clear(key);
  }

  /**
   * Has the database carry out an operation on a key's value at the commit, without reading it: such
   * writes never conflict with each other. The number of the operation is one of {@link MutationType}.
   */
  atomicOp(type: number, key: BytesLike, operand: BytesLike): void {
    check(call(() => this.#handle.atomic(type, toBytes(key), toBytes(operand))));
  }

  /** Adds little-endian numbers, modulo the operand's length. */
  add(key: BytesLike, operand: BytesLike): void {
    this.atomicOp(MutationType.Add, key, operand);
  }

  /** Keeps the larger of two little-endian numbers. */
  max(key: BytesLike, operand: BytesLike): void {
    this.atomicOp(MutationType.Max, key, operand);
  }

  /** Keeps the smaller of two little-endian numbers. */
  min(key: BytesLike, operand: BytesLike): void {
    this.atomicOp(MutationType.Min, key, operand);
  }

  /** Bitwise and. */
  bitAnd(key: BytesLike, operand: BytesLike): void {
    this.atomicOp(MutationType.BitAnd, key, operand);
  }

  /** Bitwise or. */
  bitOr(key: BytesLike, operand: BytesLike): void {
    this.atomicOp(MutationType.BitOr, key, operand);
  }

  /** Bitwise exclusive or. */
  bitXor(key: BytesLike, operand: BytesLike): void {
    this.atomicOp(MutationType.BitXor, key, operand);
  }

  /** Keeps the lexicographically smaller value. */
  byteMin(key: BytesLike, operand: BytesLike): void {
    this.atomicOp(MutationType.ByteMin, key, operand);
  }

  /** Keeps the lexicographically larger value. */
  byteMax(key: BytesLike, operand: BytesLike): void {
    this.atomicOp(MutationType.ByteMax, key, operand);
  }

  /**
   * Sets a key part of which is the commit's versionstamp: the last four bytes of `template`, a
   * little-endian number, say where its ten bytes go, and are removed.
   */
  setVersionstampedKeyRaw(template: Uint8Array, value: BytesLike): void {
    check(call(() => this.#handle.setVersionstampedKey(template, toBytes(value))));
  }

  /** As {@link Transaction.setVersionstampedKeyRaw}, with the stamp in the value. */
  setVersionstampedValueRaw(key: BytesLike, template: Uint8Array): void {
    check(call(() => this.#handle.setVersionstampedValue(toBytes(key), template)));
  }

  /**
   * The ten bytes of the versionstamp that the commit uses, as a promise in an object, so that returning
   * it from the body does not wait for the commit inside the commit. To be called before the commit.
   * Rejects with `no_commit_version` if nothing was written; a rejection that nobody handles is not
   * reported as unhandled.
   */
  getVersionstamp(): { promise: Promise<Uint8Array> } {
    const promise = settle(call(() => this.#handle.versionstamp()) as Promise<Uint8Array>);
    promise.catch(() => undefined);
    return { promise };
  }

  /**
   * Sets an option by its number, one of {@link TransactionOptionCode}. A retry forgets all but
   * `timeout`, `retry_limit` and `max_retry_delay`.
   */
  setOption(code: number, value?: OptionValue): void {
    check(call(() => this.#handle.setOption(code, optionBytes(value))));
  }

  /** Sets options by their names. */
  setOptions(options: NativeTransactionOptions): void {
    setOptions(options, transactionOptionTable, ['durability', 'signal'], (code, value) =>
      check(call(() => this.#handle.setOption(code, value))),
    );
  }

  /** Lets the next call that writes add no write conflict range. */
  nextWriteNoWriteConflictRange(): void {
    this.setOption(TransactionOptionCode.NextWriteNoWriteConflictRange);
  }

  /** Clears every key with `start <= key < end`; without `end`, every key that begins with `start`. */
  clearRange(start: BytesLike, end?: BytesLike): void {
    this.#clearRange(toRange(start, end));
  }

  /** Clears every key that begins with `prefix`. */
  clearRangeStartsWith(prefix: BytesLike): void {
    this.#clearRange(prefixRange(prefix));
  }

  /**
   * The rows with `start <= key < end`, in the order of the keys' bytes; without `end`, those whose
   * keys begin with `start`. Both can be key selectors.
   *
   * @example
   * ```ts
   * for await (const [key, value] of tn.getRange('user/', 'user0', { limit: 10 })) {
   *   console.log(new TextDecoder().decode(key), value.length);
   * }
   * ```
   */
  async *getRange(
    start: BytesLike | KeySelector,
    end?: BytesLike | KeySelector,
    options?: RangeOptions,
  ): AsyncGenerator<Row, void> {
    for await (const batch of this.getRangeBatch(start, end, options)) yield* batch;
  }

  /**
   * As {@link Transaction.getRange}, in batches of growing size. An empty range gives one empty batch.
   */
  async *getRangeBatch(
    start: BytesLike | KeySelector,
    end?: BytesLike | KeySelector,
    options?: RangeOptions,
  ): AsyncGenerator<Row[], void> {
    yield* this.#batches(toSelectorRange(start, end), options, StreamingMode.Iterator);
  }

  /** All rows of a range at once. See {@link Transaction.getRange}. */
  async getRangeAll(
    start: BytesLike | KeySelector,
    end?: BytesLike | KeySelector,
    options?: RangeOptions,
  ): Promise<Row[]> {
    return this.#all(toSelectorRange(start, end), options);
  }

  /** All rows whose keys begin with `prefix`. */
  async getRangeAllStartsWith(prefix: BytesLike, options?: RangeOptions): Promise<Row[]> {
    return this.#all(selectorsOf(prefixRange(prefix)), options);
  }

  /**
   * Watches a key: tells once when its value differs from the one that this transaction sees. Starts
   * with the commit; until then only this transaction's own writes count. Reads the key, with the
   * conflict of a read. The watch outlives the transaction.
   */
  watch(key: BytesLike, options?: WatchOptions): Watch {
    return wrapWatch(
      call(() => this.#handle.watch(toBytes(key))),
      options,
    );
  }

  /** The same transaction with snapshot reads: they see the same data but don't conflict. */
  snapshot(): Transaction {
    return new Transaction(this, true);
  }

  /** Makes the transaction fail if another one writes into the range, as if it had read it. */
  addReadConflictRange(start: BytesLike, end: BytesLike): void {
    check(call(() => this.#handle.addReadConflictRange(toBytes(start), toBytes(end))));
  }

  /** Makes the transaction fail if another one writes the key, as if it had read it. */
  addReadConflictKey(key: BytesLike): void {
    const begin = toBytes(key);
    this.addReadConflictRange(begin, keyAfter(begin));
  }

  /** Makes other transactions that read in the range fail, as if this one wrote there. */
  addWriteConflictRange(start: BytesLike, end: BytesLike): void {
    check(call(() => this.#handle.addWriteConflictRange(toBytes(start), toBytes(end))));
  }

  /** Makes other transactions that read the key fail, as if this one wrote it. */
  addWriteConflictKey(key: BytesLike): void {
    const begin = toBytes(key);
    this.addWriteConflictRange(begin, keyAfter(begin));
  }

  /**
   * The version that this transaction reads: all commits up to it are visible, none after it. Eight bytes,
   * big-endian; {@link versionNumber} makes a number of them.
   */
  async getReadVersion(): Promise<Uint8Array> {
    const answer = call(() => this.#handle.readVersion()) as number | Promise<number>;
    const version = typeof answer === 'number' ? answer : await settle(answer);
    if (version < 0) throw lastError(-version);
    return versionBytes(version);
  }

  /**
   * Has this transaction read at a version that another one read or committed. Fails with
   * `read_version_already_set` once it has read. Reads fail with `transaction_too_old` if the version is
   * older than about five seconds, with `future_version` if it is not there within a second.
   */
  setReadVersion(version: Uint8Array): void {
    const number = toBigInt(version);
    check(call(() => this.#handle.setReadVersion(number)));
  }

  /**
   * The version at which this transaction took effect, as eight bytes, big-endian; all ff, which is -1,
   * before that and if it wrote nothing.
   */
  getCommittedVersion(): Uint8Array {
    const { handle, committedVersion } = this.#state;
    return versionBytes(handle ? call(() => handle.committedVersion()) : committedVersion);
  }

  /**
   * An estimate of the size so far in bytes, as counted towards the limit of 10,000,000. It grows with
   * every write and every conflict range.
   */
  async getApproximateSize(): Promise<number> {
    const size = call(() => this.#handle.approximateSize());
    if (size < 0) throw lastError(-size);
    return size;
  }

  /** Bytes of the keys and values of a range, without this transaction's own writes. No conflict. */
  async getEstimatedRangeSizeBytes(start: BytesLike, end: BytesLike): Promise<number> {
    const answer = call(() => this.#handle.estimatedRangeBytes(toBytes(start), toBytes(end)));
    return settle(answer as Promise<number>);
  }

  /**
   * Keys that cut a range into pieces of about `chunkSize` bytes, `start` and `end` included. No
   * conflict.
   */
  async getRangeSplitPoints(start: BytesLike, end: BytesLike, chunkSize: number): Promise<Uint8Array[]> {
    const answer = call(() => this.#handle.rangeSplitPoints(toBytes(start), toBytes(end), chunkSize));
    return unpackBatch(await settle(answer as Promise<Uint8Array>)).rows.map(([key]) => key);
  }

  /** Where a key is stored: in this browser, whatever the key. */
  async getAddressesForKey(_key: BytesLike): Promise<string[]> {
    return ['localhost'];
  }

  /**
   * One batch of a range, as FoundationDB's C API gives it: the rows, and whether a limit kept it from
   * giving more. {@link Transaction.getRange} asks for batch after batch.
   *
   * @param limit At most so many rows; 0 for no limit.
   * @param targetBytes Stop after the row that reaches so many bytes; 0 for no limit.
   * @param mode One of {@link StreamingMode}.
   * @param iteration Counts the batches of one iteration, from 1.
   */
  async getRangeNative(
    begin: KeySelector,
    end: KeySelector | null,
    limit: number,
    targetBytes: number,
    mode: number,
    iteration: number,
    reverse: boolean,
  ): Promise<RangeBatch> {
    const last = end ?? keySelector.firstGreaterOrEqual(KEY_SPACE_END);
    const answer: unknown = call(() =>
      this.#handle.getRange(
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
    if (answer instanceof Uint8Array) return unpackBatch(answer);
    if (typeof answer === 'number') throw lastError(answer);
    return unpackBatch(await settle(answer as Promise<Uint8Array>));
  }

  /** Commits once, without a retry. {@link Database.doTransaction} does it for you. */
  async rawCommit(): Promise<void> {
    await settle(call(() => this.#handle.commit()));
  }

  /**
   * Prepares the next attempt after a failure with this code: waits, then makes the transaction as good
   * as new. Rejects with the error if it can't be retried.
   */
  async rawOnError(code: number): Promise<void> {
    await settle(call(() => this.#handle.onError(code)));
  }

  /** Makes the transaction as good as new. */
  rawReset(): void {
    call(() => this.#handle.reset());
  }

  /** Ends every use of the transaction with `transaction_cancelled`. */
  rawCancel(): void {
    call(() => this.#handle.cancel());
  }

  /** Lets go of the engine's side: uses from now on fail with `transaction_cancelled`. @internal */
  free(): void {
    const { handle } = this.#state;
    if (!handle) return;
    this.#state.committedVersion = call(() => handle.committedVersion());
    this.#state.handle = undefined;
    handle.free();
  }

  /** The engine's side, for what is built on transactions. @internal */
  get engineHandle(): TransactionHandle {
    return this.#handle;
  }

  get #handle(): TransactionHandle {
    const { handle } = this.#state;
    if (!handle) {
      const message = 'this transaction has ended; a transaction can be used until its doTransaction returns';
      throw fdbError(errorCodes.transaction_cancelled, message);
    }
    return handle;
  }

  #clearRange(range: KeyRange): void {
    check(call(() => this.#handle.clearRange(range.begin, range.end)));
  }

  async #all(range: SelectorRange, options: RangeOptions | undefined): Promise<Row[]> {
    const all: Row[][] = [];
    for await (const batch of this.#batches(range, options, StreamingMode.WantAll)) all.push(batch);
    const [first] = all;
    return all.length === 1 && first ? first : all.flat();
  }

  async *#batches(
    range: SelectorRange,
    options: RangeOptions | undefined,
    usualMode: number,
  ): AsyncGenerator<Row[], void> {
    const reverse = options?.reverse ?? false;
    const limit = checkedLimit(options?.limit);
    const mode = options?.streamingMode ?? usualMode;
    const targetBytes = checkedLimit(options?.targetBytes);
    let { begin, end } = range;
    let left = limit;
    for (let iteration = 1; ; iteration++) {
      const { rows, more } = await orAborted(
        this.getRangeNative(begin, end, left, targetBytes, mode, iteration, reverse),
        options?.signal,
      );
      if (rows.length > 0 || iteration === 1) yield rows;
      const last = rows.at(-1);
      if (limit > 0) left -= rows.length;
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

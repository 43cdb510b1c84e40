import { type BytesLike, keyAfter, toBytes } from './bytes.js';
import { call, check, lastError, settle, type TransactionHandle } from './engine.js';
import { errorCodes } from './error-codes.js';
import { fdbError } from './fdb-error.js';
import {
  iteratorBatchBytes,
  type KeyRange,
  prefixRange,
  type RangeBatch,
  type RangeOptions,
  type Row,
  toRange,
  unpackBatch,
  WANT_ALL_BATCH_BYTES,
} from './range.js';
import { type Watch, type WatchOptions, wrapWatch } from './watch.js';

/** Options of a transaction. They override those of the database. */
export interface TransactionOptions {
  /** `strict` acknowledges a commit when it is on the disk, `relaxed` when the system has it. */
  durability?: 'strict' | 'relaxed' | undefined;
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
  get(key: BytesLike): Promise<Uint8Array | undefined> {
    try {
      const answer = call(() => this.#handle.get(toBytes(key), this.isSnapshot));
      if (answer === undefined || answer instanceof Uint8Array) return Promise.resolve(answer);
      if (typeof answer === 'number') return Promise.reject(lastError(answer));
      return settle(answer);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Whether the key is there. */
  async exists(key: BytesLike): Promise<boolean> {
    return (await this.get(key)) !== undefined;
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
   * keys begin with `start`.
   *
   * @example
   * ```ts
   * for await (const [key, value] of tn.getRange('user/', 'user0', { limit: 10 })) {
   *   console.log(new TextDecoder().decode(key), value.length);
   * }
   * ```
   */
  async *getRange(start: BytesLike, end?: BytesLike, options?: RangeOptions): AsyncGenerator<Row, void> {
    for await (const batch of this.getRangeBatch(start, end, options)) yield* batch;
  }

  /**
   * As {@link Transaction.getRange}, in batches of growing size. An empty range gives one empty batch.
   */
  async *getRangeBatch(
    start: BytesLike,
    end?: BytesLike,
    options?: RangeOptions,
  ): AsyncGenerator<Row[], void> {
    yield* this.#batches(toRange(start, end), options, iteratorBatchBytes);
  }

  /** All rows of a range at once. See {@link Transaction.getRange}. */
  async getRangeAll(start: BytesLike, end?: BytesLike, options?: RangeOptions): Promise<Row[]> {
    return this.#all(toRange(start, end), options);
  }

  /** All rows whose keys begin with `prefix`. */
  async getRangeAllStartsWith(prefix: BytesLike, options?: RangeOptions): Promise<Row[]> {
    return this.#all(prefixRange(prefix), options);
  }

  /**
   * Watches a key: tells once when its value differs from the one that this transaction sees. Starts
   * with the commit; until then only this transaction's own writes count. Reads the key, with the
   * conflict of a read.
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

  /** The version that this transaction reads: all commits up to it are visible, none after it. */
  async getReadVersion(): Promise<number> {
    const answer = call(() => this.#handle.readVersion()) as number | Promise<number>;
    if (typeof answer !== 'number') return settle(answer);
    if (answer < 0) throw lastError(-answer);
    return answer;
  }

  /** The version at which this transaction took effect; -1 before, and if it wrote nothing. */
  getCommittedVersion(): number {
    const { handle, committedVersion } = this.#state;
    return handle ? call(() => handle.committedVersion()) : committedVersion;
  }

  /** The size so far in bytes, as counted towards the limit of 10,000,000. */
  async getApproximateSize(): Promise<number> {
    return call(() => this.#handle.approximateSize());
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

  async #all(range: KeyRange, options: RangeOptions | undefined): Promise<Row[]> {
    const all: Row[][] = [];
    for await (const batch of this.#batches(range, options, () => WANT_ALL_BATCH_BYTES)) all.push(batch);
    const [first] = all;
    return all.length === 1 && first ? first : all.flat();
  }

  async *#batches(
    range: KeyRange,
    options: RangeOptions | undefined,
    batchBytes: (iteration: number) => number,
  ): AsyncGenerator<Row[], void> {
    const reverse = options?.reverse ?? false;
    const limit = checkedLimit(options?.limit);
    let { begin, end } = range;
    let left = limit;
    for (let iteration = 1; ; iteration++) {
      const { rows, more } = await this.#batch(begin, end, left, batchBytes(iteration), reverse);
      if (rows.length > 0 || iteration === 1) yield rows;
      const last = rows.at(-1);
      left -= rows.length;
      if (!more || !last || (limit > 0 && left <= 0)) return;
      if (reverse) end = last[0];
      else begin = keyAfter(last[0]);
    }
  }

  async #batch(
    begin: Uint8Array,
    end: Uint8Array,
    limit: number,
    bytes: number,
    reverse: boolean,
  ): Promise<RangeBatch> {
    const answer: unknown = call(() => this.#handle.getRange(begin, end, limit, bytes, reverse, this.isSnapshot));
    if (answer instanceof Uint8Array) return unpackBatch(answer);
    if (typeof answer === 'number') throw lastError(answer);
    return unpackBatch(await settle(answer as Promise<Uint8Array>));
  }
}

function checkedLimit(limit = 0): number {
  if (Number.isInteger(limit) && limit >= 0) return Math.min(limit, 0xffffffff);
  throw fdbError(errorCodes.range_limits_invalid, `a limit of 0 or more was expected, found ${limit}`);
}

/**
 * A transaction of a database that is being opened: it takes calls as the engine's does, keeps them, and makes
 * them in their order when the engine's is there.
 *
 * Writes answer with success: where errors are deferred, as they are here, they would anyway.
 */
import { copyOf } from '../bytes.js';
import { lastError, type TransactionCalls, type TransactionHandle, type WatchCalls } from '../engine.js';
import { errorCodes } from '../error-codes.js';
import { fdbError } from '../fdb-error.js';
import { TransactionOptionCode } from '../option-codes.js';

const OPTION_CODES: ReadonlySet<number> = /* @__PURE__ */ new Set(Object.values(TransactionOptionCode));

/** A call that waits: made, or refused if the database can't be opened. */
interface Waiting {
  make(handle: TransactionHandle): void;
  refuse(reason: unknown): void;
}

export class PendingTransaction implements TransactionCalls {
  #handle: TransactionHandle | undefined;
  #waiting: Waiting[] = [];
  #failure: { reason: unknown } | undefined;
  /** The first error of a call that answered with success before it was made. */
  #deferred: unknown;

  constructor(opening: Promise<TransactionHandle>) {
    opening.then(
      (handle) => {
        this.#handle = handle;
        for (const { make } of this.#taken()) make(handle);
      },
      (reason: unknown) => {
        this.#failure = { reason };
        for (const { refuse } of this.#taken()) refuse(reason);
      },
    );
  }

  get(key: Uint8Array, snapshot: boolean): unknown {
    const [kept] = this.#kept(key);
    return this.#read((handle) => handle.get(kept, snapshot));
  }

  getKey(key: Uint8Array, orEqual: boolean, offset: number, snapshot: boolean): unknown {
    const [kept] = this.#kept(key);
    return this.#read((handle) => handle.getKey(kept, orEqual, offset, snapshot));
  }

  getRange(
    begin: Uint8Array,
    beginOrEqual: boolean,
    beginOffset: number,
    end: Uint8Array,
    endOrEqual: boolean,
    endOffset: number,
    ...rest: [number, number, number, number, boolean, boolean]
  ): unknown {
    const [from, to] = this.#kept(begin, end);
    return this.#read((handle) =>
      handle.getRange(from, beginOrEqual, beginOffset, to, endOrEqual, endOffset, ...rest),
    );
  }

  set(key: Uint8Array, value: Uint8Array): number {
    const [keptKey, keptValue] = this.#kept(key, value);
    return this.#write((handle) => handle.set(keptKey, keptValue));
  }

  clear(key: Uint8Array): number {
    const [kept] = this.#kept(key);
    return this.#write((handle) => handle.clear(kept));
  }

  clearRange(begin: Uint8Array, end: Uint8Array): number {
    const [from, to] = this.#kept(begin, end);
    return this.#write((handle) => handle.clearRange(from, to));
  }

  atomic(op: number, key: Uint8Array, operand: Uint8Array): number {
    const [keptKey, keptOperand] = this.#kept(key, operand);
    return this.#write((handle) => handle.atomic(op, keptKey, keptOperand));
  }

  setVersionstampedKey(template: Uint8Array, value: Uint8Array): number {
    const [keptTemplate, keptValue] = this.#kept(template, value);
    return this.#write((handle) => handle.setVersionstampedKey(keptTemplate, keptValue));
  }

  setVersionstampedValue(key: Uint8Array, template: Uint8Array): number {
    const [keptKey, keptTemplate] = this.#kept(key, template);
    return this.#write((handle) => handle.setVersionstampedValue(keptKey, keptTemplate));
  }

  addReadConflictRange(begin: Uint8Array, end: Uint8Array): number {
    checkOrder(begin, end);
    const [from, to] = this.#kept(begin, end);
    return this.#write((handle) => handle.addReadConflictRange(from, to));
  }

  addWriteConflictRange(begin: Uint8Array, end: Uint8Array): number {
    checkOrder(begin, end);
    const [from, to] = this.#kept(begin, end);
    return this.#write((handle) => handle.addWriteConflictRange(from, to));
  }

  setOption(number: number, value: Uint8Array): number {
    if (!OPTION_CODES.has(number)) {
      const message = `the number of an option of a transaction was expected, found ${number}`;
      throw fdbError(errorCodes.invalid_option, message);
    }
    const [kept] = this.#kept(value);
    return this.#write((handle) => handle.setOption(number, kept));
  }

  setReadVersion(version: bigint): number {
    return this.#write((handle) => handle.setReadVersion(version));
  }

  readVersion(): unknown {
    return this.#read((handle) => positive(handle.readVersion()), false);
  }

  approximateSize(): number | Promise<number> {
    return this.#read((handle) => positive(handle.approximateSize()) as number, false);
  }

  estimatedRangeBytes(begin: Uint8Array, end: Uint8Array): unknown {
    const [from, to] = this.#kept(begin, end);
    return this.#read((handle) => handle.estimatedRangeBytes(from, to));
  }

  rangeSplitPoints(begin: Uint8Array, end: Uint8Array, chunkBytes: number): unknown {
    const [from, to] = this.#kept(begin, end);
    return this.#read((handle) => handle.rangeSplitPoints(from, to, chunkBytes));
  }

  watch(key: Uint8Array): WatchCalls {
    if (this.#handle) return this.#handle.watch(key);
    const kept = copyOf(key);
    let watch: WatchCalls | undefined;
    let isCancelled = false;
    const promise = this.whenOpen((handle) => {
      watch = handle.watch(kept);
      if (isCancelled) watch.cancel();
      return watch.promise;
    });
    const cancel = () => {
      isCancelled = true;
      watch?.cancel();
    };
    return { promise, cancel, free: () => watch?.free() };
  }

  versionstamp(): Promise<unknown> {
    return this.whenOpen((handle) => handle.versionstamp());
  }

  commit(): Promise<unknown> {
    return this.whenOpen((handle) => {
      if (this.#deferred !== undefined) throw this.#deferred;
      return handle.commit();
    });
  }

  onError(code: number): Promise<unknown> {
    return this.whenOpen((handle) => {
      this.#deferred = undefined;
      return handle.onError(code);
    });
  }

  reset(): void {
    this.#write((handle) => {
      this.#deferred = undefined;
      handle.reset();
      return errorCodes.success;
    });
  }

  cancel(): void {
    this.#write((handle) => {
      handle.cancel();
      return errorCodes.success;
    });
  }

  committedVersion(): number {
    return this.#handle ? this.#handle.committedVersion() : -1;
  }

  free(): void {
    this.#write((handle) => {
      handle.free();
      return errorCodes.success;
    });
  }

  /** Does something with the engine's transaction when it is there. */
  whenOpen<T>(operation: (handle: TransactionHandle) => Promise<T>): Promise<T> {
    if (this.#failure) return Promise.reject(this.#failure.reason);
    return new Promise<T>((resolve, reject) => {
      const make = (handle: TransactionHandle) => {
        try {
          operation(handle).then(resolve, reject);
        } catch (error) {
          reject(error);
        }
      };
      if (this.#handle) make(this.#handle);
      else this.#waiting.push({ make, refuse: reject });
    });
  }

  #write(change: (handle: TransactionHandle) => number): number {
    if (this.#handle) return change(this.#handle);
    if (this.#failure) return errorCodes.success;
    const make = (handle: TransactionHandle) => {
      const code = change(handle);
      if (code !== errorCodes.success) this.#deferred ??= lastError(code);
    };
    this.#waiting.push({ make, refuse: () => undefined });
    return errorCodes.success;
  }

  /** A read's answer: the engine's, or a promise of it, in which the number of a failure is one. */
  #read<T>(ask: (handle: TransactionHandle) => T, isNumberCode = true): T | Promise<T> {
    if (this.#handle) return ask(this.#handle);
    return this.whenOpen(async (handle) => {
      const answer = ask(handle);
      if (isNumberCode && typeof answer === 'number') throw lastError(answer);
      return answer;
    });
  }

  /** The bytes themselves if they are used at once, else copies: a caller may change them. */
  #kept<T extends Uint8Array[]>(...bytes: T): T {
    return this.#handle ? bytes : (bytes.map(copyOf) as T);
  }

  #taken(): Waiting[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}

/** A number that is not negative, or a promise of one; a negative one is the code of a failure. */
function positive(answer: unknown): unknown {
  if (typeof answer === 'number' && answer < 0) throw lastError(-answer);
  return answer;
}

/** Fails for a range whose end is before its begin: that, unlike other errors, is told at once. */
function checkOrder(begin: Uint8Array, end: Uint8Array): void {
  const length = Math.min(begin.length, end.length);
  let index = 0;
  while (index < length && begin[index] === end[index]) index++;
  const isInverted =
    index < length ? (begin[index] as number) > (end[index] as number) : index < begin.length;
  if (isInverted) throw fdbError(errorCodes.inverted_range);
}

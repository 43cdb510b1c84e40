/** Transactions with Buffers and callbacks. */
import type { Attempt } from '../attempt.js';
import { concat2, toBytes } from '../bytes.js';
import type { KeySelector } from '../key-selector.js';
import type { RangeBatch } from '../range.js';
import type { ReadOptions } from '../signal.js';
import type { Subspace as PlainSubspace } from '../subspace.js';
import { Transaction as PlainTransaction } from '../transaction.js';
import type { StampedValue } from '../versionstamped.js';
import { apiVersion } from './api-version.js';
import type { Bytes, NativeValue } from './bytes.js';
import { type Callback, tell } from './callback.js';
import { MutationType } from './enums.js';
import type { GetSubspace, Subspace } from './subspace.js';

/** From this version on templates of versionstamps say where the stamp goes in four bytes. */
const FOUR_BYTE_POSITIONS = 520;

/** Changes the types of what a transaction gives back: Buffers, and transactions of this entry. */
interface BufferTransaction<KeyIn, KeyOut, ValIn, ValOut>
  extends PlainTransaction<KeyIn, KeyOut, ValIn, ValOut> {
  readonly subspace: Subspace<KeyIn, KeyOut, ValIn, ValOut>;
  getSubspace(): Subspace<KeyIn, KeyOut, ValIn, ValOut>;
  snapshot(): Transaction<KeyIn, KeyOut, ValIn, ValOut>;
  at<CKI, CKO, CVI, CVO>(hasSubspace: GetSubspace<CKI, CKO, CVI, CVO>): Transaction<CKI, CKO, CVI, CVO>;
  scopedTo<CKI, CKO, CVI, CVO>(hasSubspace: GetSubspace<CKI, CKO, CVI, CVO>): Transaction<CKI, CKO, CVI, CVO>;
  get(key: KeyIn, options?: ReadOptions): Promise<ValOut | undefined>;
  /** @deprecated Use the promise. */
  get(key: KeyIn, callback: Callback<ValOut | undefined>): void;
  getReadVersion(): Promise<Bytes>;
  /** @deprecated Use the promise. */
  getReadVersion(callback: Callback<Bytes>): void;
  getVersionstamp(): { promise: Promise<Bytes> };
  /** @deprecated Use the promise. */
  getVersionstamp(callback: Callback<Bytes>): void;
  rawCommit(): Promise<void>;
  /** @deprecated Use the promise. */
  rawCommit(callback: Callback<void>): void;
  rawOnError(code: number): Promise<void>;
  /** @deprecated Use the promise. */
  rawOnError(code: number, callback: Callback<void>): void;
  getCommittedVersion(): Bytes;
  getVersionstampPrefixedValue(key: KeyIn): Promise<BufferStampedValue<ValOut> | null>;
  getRangeNative(
    begin: KeySelector<NativeValue>,
    end: KeySelector<NativeValue> | null,
    limit: number,
    targetBytes: number,
    mode: number,
    iteration: number,
    reverse: boolean,
  ): Promise<RangeBatch<Bytes, Bytes>>;
}

/** A value that begins with a versionstamp. */
export interface BufferStampedValue<Value> extends StampedValue<Value> {
  stamp: Bytes;
}

/** A transaction, as the npm package `foundationdb` has it. */
export type Transaction<
  KeyIn = NativeValue,
  KeyOut = Bytes,
  ValIn = NativeValue,
  ValOut = Bytes,
> = BufferTransaction<KeyIn, KeyOut, ValIn, ValOut>;

interface TransactionClass {
  new (
    attempt: Attempt,
    subspace: PlainSubspace<never, unknown, never, unknown>,
    isSnapshot: boolean,
  ): Transaction<never, unknown, never, unknown>;
  readonly prototype: Transaction<never, unknown, never, unknown>;
}

class CallbackTransaction<KeyIn, KeyOut, ValIn, ValOut> extends PlainTransaction<
  KeyIn,
  KeyOut,
  ValIn,
  ValOut
> {
  override get(key: KeyIn, options?: ReadOptions | Callback<ValOut | undefined>) {
    if (typeof options !== 'function') return super.get(key, options);
    return told(super.get(key), options);
  }

  override getReadVersion(callback?: Callback<Uint8Array>) {
    return told(super.getReadVersion(), callback);
  }

  override getVersionstamp(callback?: Callback<Uint8Array>) {
    const stamp = super.getVersionstamp();
    if (callback) tell(stamp.promise, callback);
    return stamp;
  }

  override rawCommit(callback?: Callback<void>) {
    return told(super.rawCommit(), callback);
  }

  override rawOnError(code: number, callback?: Callback<void>) {
    return told(super.rawOnError(code), callback);
  }

  override atomicOpNative(type: number, key: NativeValue, operand: NativeValue): void {
    if (type === MutationType.SetVersionstampedKey) key = keyTemplate(key);
    if (type === MutationType.SetVersionstampedValue) operand = valueTemplate(operand);
    super.atomicOpNative(type, key, operand);
  }

  override setVersionstampedKeyRaw(template: Uint8Array, value: ValIn): void {
    super.setVersionstampedKeyRaw(keyTemplate(template), value);
  }

  override setVersionstampedValueRaw(key: KeyIn, template: Uint8Array): void {
    super.setVersionstampedValueRaw(key, valueTemplate(template));
  }
}

/** Transactions. */
export const Transaction = CallbackTransaction as unknown as TransactionClass;

/** Tells the callback, if there is one, instead of giving the promise back. */
function told<T>(promise: Promise<T>, callback: Callback<T> | undefined): Promise<T> {
  if (!callback) return promise;
  tell(promise, callback);
  return undefined as never;
}

/** The template of a key as the engine takes it: old ones have a position of two bytes. */
function keyTemplate(template: NativeValue): Uint8Array {
  const bytes = toBytes(template);
  return isOld() ? concat2(bytes, new Uint8Array(2)) : bytes;
}

/** The template of a value as the engine takes it: old ones have no position, the stamp comes first. */
function valueTemplate(template: NativeValue): Uint8Array {
  const bytes = toBytes(template);
  return isOld() ? concat2(bytes, new Uint8Array(4)) : bytes;
}

function isOld(): boolean {
  return (apiVersion() ?? FOUR_BYTE_POSITIONS) < FOUR_BYTE_POSITIONS;
}

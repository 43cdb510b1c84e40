/** Subspaces that hand out Buffers. */
import type { KeyRange } from '../range.js';
import { type GetSubspace as AnySubspaceOf, Subspace as PlainSubspace } from '../subspace.js';
import type { Transformer as PlainTransformer } from '../transformer.js';
import type { UnboundStamp as PlainStamp } from '../tuple/item.js';
import { type Bytes, type NativeValue, toBuffer } from './bytes.js';

/** A packed key or value with room for a versionstamp. */
export interface UnboundStamp extends PlainStamp {
  data: Bytes;
}

/** Turns keys or values into bytes and back. */
export interface Transformer<In, Out> extends PlainTransformer<In, Out> {
  unpack(bytes: Bytes): Out;
  bakeVersionstamp?(value: In, stamp: Bytes, code: Bytes | null): void;
}

/** The bytes between two keys. */
export interface BufferRange extends KeyRange {
  begin: Bytes;
  end: Bytes;
}

/** Something that has a subspace. */
export type GetSubspace<KeyIn, KeyOut, ValIn, ValOut> = AnySubspaceOf<KeyIn, KeyOut, ValIn, ValOut>;

/** A subspace as the package has it everywhere, with Buffers. */
export interface Subspace<KeyIn = NativeValue, KeyOut = Bytes, ValIn = NativeValue, ValOut = Bytes>
  extends PlainSubspace<KeyIn, KeyOut, ValIn, ValOut> {
  readonly prefix: Bytes;
  at(prefix: KeyIn | null): Subspace<KeyIn, KeyOut, ValIn, ValOut>;
  at<CKI, CKO>(prefix: KeyIn | null, keyXf: Transformer<CKI, CKO>): Subspace<CKI, CKO, ValIn, ValOut>;
  at<CVI, CVO>(
    prefix: KeyIn | null,
    keyXf: undefined,
    valueXf: Transformer<CVI, CVO>,
  ): Subspace<KeyIn, KeyOut, CVI, CVO>;
  at<CKI, CKO, CVI, CVO>(
    prefix: KeyIn | null,
    keyXf: Transformer<CKI, CKO>,
    valueXf: Transformer<CVI, CVO>,
  ): Subspace<CKI, CKO, CVI, CVO>;
  atRaw(prefix: NativeValue): Subspace<KeyIn, KeyOut, ValIn, ValOut>;
  withKeyEncoding(): Subspace<NativeValue, Bytes, ValIn, ValOut>;
  withKeyEncoding<CKI, CKO>(keyXf: Transformer<CKI, CKO>): Subspace<CKI, CKO, ValIn, ValOut>;
  withValueEncoding(): Subspace<KeyIn, KeyOut, NativeValue, Bytes>;
  withValueEncoding<CVI, CVO>(valueXf: Transformer<CVI, CVO>): Subspace<KeyIn, KeyOut, CVI, CVO>;
  packKey(key: KeyIn): Bytes;
  packValue(value: ValIn): Bytes;
  packRange(prefix: KeyIn): BufferRange;
  packRangeStartsWith(prefix: KeyIn): BufferRange;
  packRangeFrom(start?: KeyIn): BufferRange;
}

interface SubspaceClass {
  new <KeyIn = NativeValue, KeyOut = Bytes, ValIn = NativeValue, ValOut = Bytes>(
    rawPrefix?: NativeValue | null,
    keyXf?: Transformer<KeyIn, KeyOut>,
    valueXf?: Transformer<ValIn, ValOut>,
  ): Subspace<KeyIn, KeyOut, ValIn, ValOut>;
  readonly prototype: Subspace<unknown, unknown, unknown, unknown>;
}

class BufferSubspace<KeyIn, KeyOut, ValIn, ValOut> extends PlainSubspace<KeyIn, KeyOut, ValIn, ValOut> {
  override handOut(bytes: Uint8Array): Uint8Array {
    return toBuffer(bytes);
  }
}

/** Subspaces. */
export const Subspace = BufferSubspace as unknown as SubspaceClass;

/**
 * All keys, as bytes.
 *
 * @example
 * ```ts
 * const users = fdb.root.at('users/');
 * ```
 */
export const root: Subspace = /* @__PURE__ */ new Subspace(null);

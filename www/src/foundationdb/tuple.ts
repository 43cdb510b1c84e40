/** Tuples, as npm's `fdb-tuple` packs and unpacks them: with Buffers. */
import * as plain from '../tuple/index.js';
import { type Bytes, toBuffer } from './bytes.js';
import type { UnboundStamp } from './subspace.js';

export { name, type TupleIn, unboundVersionstamp } from '../tuple/index.js';

/** An element of a tuple, with Buffers for bytes. */
export type TupleItem =
  | null
  | boolean
  | number
  | bigint
  | string
  | Bytes
  | TupleItem[]
  | { type: 'float' | 'double'; value: number; rawEncoding?: Bytes | undefined }
  | { type: 'uuid' | 'versionstamp' | 'versionstamp80'; value: Bytes }
  | { type: 'unbound versionstamp'; code?: number | undefined };

/**
 * The bytes of a tuple, which sort as its elements do.
 *
 * @example
 * ```ts
 * const key = fdb.tuple.pack(['user', 42, 'name']);
 * ```
 */
export function pack(items?: plain.TupleIn): Bytes {
  return toBuffer(plain.pack(items));
}

/**
 * The elements of a packed tuple.
 *
 * @example
 * ```ts
 * const [kind, id] = fdb.tuple.unpack(fdb.tuple.pack(['user', 42]));
 * ```
 */
export function unpack(bytes: Uint8Array, noCanonicalize?: boolean): TupleItem[] {
  return plain.unpack(bytes, noCanonicalize).map(withBuffers);
}

/**
 * The bytes of a tuple that has one unbound versionstamp in it, and where it is.
 *
 * @example
 * ```ts
 * const { data, stampPos } = fdb.tuple.packUnboundVersionstamp(['log', fdb.tuple.unboundVersionstamp()]);
 * ```
 */
export function packUnboundVersionstamp(items?: plain.TupleIn): UnboundStamp {
  const stamped = plain.packUnboundVersionstamp(items);
  return { ...stamped, data: toBuffer(stamped.data) };
}

/**
 * All tuples that begin with these elements and have more of them.
 *
 * @example
 * ```ts
 * const { begin, end } = fdb.tuple.range(['user', 42]);
 * ```
 */
export function range(items?: plain.TupleIn): { begin: Bytes; end: Bytes } {
  const { begin, end } = plain.range(items);
  return { begin: toBuffer(begin), end: toBuffer(end) };
}

/** What begins and ends the extensions of a tuple, after its bytes. */
export const rawRange: { readonly begin: Bytes; readonly end: Bytes } = {
  get begin() {
    return toBuffer(plain.rawRange.begin);
  },
  get end() {
    return toBuffer(plain.rawRange.end);
  },
};

/**
 * Replaces unbound versionstamps, in place, by the one that a commit used.
 *
 * @example
 * ```ts
 * const key = ['log', fdb.tuple.unboundVersionstamp(0)];
 * fdb.tuple.bakeVersionstamp(key, new Uint8Array(10), null);
 * ```
 */
export function bakeVersionstamp(items: plain.TupleIn, stamp: Uint8Array, code: Uint8Array | null): void {
  if (!Array.isArray(items)) return;
  plain.bakeVersionstamp(items, stamp, code);
  for (const [index, item] of items.entries()) items[index] = withBuffers(item);
}

/**
 * Two pieces of bytes as one.
 *
 * @example
 * ```ts
 * const key = fdb.tuple.concat2(fdb.tuple.pack('a'), fdb.tuple.pack('b'));
 * ```
 */
export function concat2(first: Uint8Array, second: Uint8Array): Bytes {
  return toBuffer(plain.concat2(first, second));
}

/** The same element with Buffers, made in place where it is an object: what is baked stays the caller's. */
function withBuffers(item: plain.TupleItem): TupleItem {
  if (typeof item !== 'object' || item === null) return item;
  if (item instanceof Uint8Array) return toBuffer(item);
  if (Array.isArray(item)) {
    for (const [index, inner] of item.entries()) item[index] = withBuffers(inner);
  } else if ('rawEncoding' in item && item.rawEncoding !== undefined) {
    item.rawEncoding = toBuffer(item.rawEncoding);
  } else if ('value' in item && typeof item.value !== 'number') {
    item.value = toBuffer(item.value);
  }
  return item as TupleItem;
}

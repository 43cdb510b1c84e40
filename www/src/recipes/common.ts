import {
  type BytesLike,
  packVersionstamp,
  Subspace,
  type Transformer,
  type TupleItem,
  tuple,
} from '../exports.js';

/** Where a recipe keeps its keys: a subspace, such as the content of a directory. Its prefix is what counts. */
export interface Place {
  readonly prefix: Uint8Array;
}

/** How values become bytes and values again: one of `encoders`, or two functions. */
export type Encoding<V> = Transformer<V, V>;

/** A subspace whose keys are tuples. */
export type TupleSpace = Subspace<readonly TupleItem[], TupleItem[], BytesLike, Uint8Array>;

/** The keys of a place as tuples. */
export function tupleSpace(place: Place): TupleSpace {
  return new Subspace(place.prefix, tuple);
}

let ordinals = 0;

/**
 * A number larger than all before it in this tab. Keys of one transaction have the same versionstamp, or
 * were made in the same millisecond: this tells them apart and keeps their order, also if several objects
 * have the same place.
 */
export function nextOrdinal(): number {
  return ordinals++;
}

/** The template of a key that ends with the commit's versionstamp and an ordinal. */
export function stampedKey(space: TupleSpace, start: readonly TupleItem[] = []): Uint8Array {
  const items = [...start, tuple.unboundVersionstamp(0), nextOrdinal()];
  return packVersionstamp(space.packKeyUnboundVersionstamp(items));
}

/** Sixteen bytes that nobody else has. */
export function randomId(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(16));
}

/** A number as the atomic operations take it: 64 bits, little-endian. */
export function int64(number: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(number), true);
  return bytes;
}

/** The number of {@link int64}; 0 for a key that is not there. */
export function fromInt64(bytes: Uint8Array | undefined): number {
  if (bytes === undefined) return 0;
  return Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigInt64(0, true));
}

/** The order of the bytes of keys: below 0, 0 or above. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const difference = (a[index] as number) - (b[index] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Whether these are the same bytes. */
export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return compare(a, b) === 0;
}

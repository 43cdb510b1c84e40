/** A versionstamp that a commit has given out: ten bytes of the transaction, two of the user's choice. */
export interface VersionstampItem {
  type: 'versionstamp';
  value: Uint8Array;
}

/**
 * A versionstamp that the commit is to fill in. Without a code, which tells the stamps of one transaction
 * apart, the transaction numbers them.
 */
export interface UnboundVersionstampItem {
  type: 'unbound versionstamp';
  code?: number | undefined;
}

/** A float, where a plain number would be packed as something else or would lose its bits. */
export interface FloatItem {
  type: 'float' | 'double';
  value: number;
  /** The IEEE 754 bytes, big-endian; they count, if they are given: a NaN keeps its payload in them. */
  rawEncoding?: Uint8Array | undefined;
}

/** Sixteen bytes in network order. */
export interface UuidItem {
  type: 'uuid';
  value: Uint8Array;
}

/** The ten bytes of a transaction's versionstamp, which no other binding writes. */
export interface Versionstamp80Item {
  type: 'versionstamp80';
  value: Uint8Array;
}

/** An element that is no basic type. */
export type TypedItem =
  | FloatItem
  | UuidItem
  | VersionstampItem
  | UnboundVersionstampItem
  | Versionstamp80Item;

/**
 * An element of a tuple.
 *
 * A number that is a safe integer, and not -0, is an integer; any other number is a double. A bigint is an
 * integer of up to 255 bytes. What a string has of lone surrogates becomes U+FFFD.
 */
export type TupleItem = null | boolean | number | bigint | string | Uint8Array | TupleItem[] | TypedItem;

/** What `pack` takes: the elements, or a single one; `undefined` for none. */
export type TupleIn = TupleItem | readonly TupleItem[] | undefined;

/** A packed key or value with room for a versionstamp. */
export interface UnboundStamp {
  data: Uint8Array;
  /** Where the ten bytes of the stamp go. */
  stampPos: number;
  /** Where the two bytes of its code go; undefined if the code was given. */
  codePos?: number | undefined;
}

/**
 * A versionstamp that the commit is to fill in.
 *
 * @example
 * ```ts
 * const key = ['log', tuple.unboundVersionstamp()];
 * ```
 */
export function unboundVersionstamp(code?: number): UnboundVersionstampItem {
  return { type: 'unbound versionstamp', code };
}

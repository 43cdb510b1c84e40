import { type BytesLike, concat2, startsWith, toBytes } from './bytes.js';
import { display } from './display.js';
import { errorCodes } from './error-codes.js';
import { fdbError } from './fdb-error.js';
import { type KeyRange, prefixRange } from './range.js';
import type { UnboundStamp } from './tuple/item.js';

/**
 * Turns keys or values into bytes and back. `pack` and `unpack` are all that it needs.
 *
 * @example
 * ```ts
 * const date: Transformer<Date, Date> = {
 *   pack: (value) => tuple.pack(value.getTime()),
 *   unpack: (bytes) => new Date(Number(tuple.unpack(bytes)[0])),
 * };
 * ```
 */
export interface Transformer<In, Out> {
  /** Shown in messages. */
  readonly name?: string | undefined;
  /** The bytes of a value. */
  pack(value: In): BytesLike;
  /** The value of bytes. */
  unpack(bytes: Uint8Array): Out;
  /**
   * The bytes of a value that has a versionstamp in it which the commit is to fill in.
   *
   * @example
   * ```ts
   * const { data, stampPos } = tuple.packUnboundVersionstamp(['log', tuple.unboundVersionstamp()]);
   * ```
   */
  packUnboundVersionstamp?(value: In): UnboundStamp;
  /**
   * Puts the versionstamp that the commit used into the value. `code` is the one that the transaction
   * gave it, null if the value has its own.
   *
   * @example
   * ```ts
   * const key = ['log', tuple.unboundVersionstamp()];
   * tuple.bakeVersionstamp(key, new Uint8Array(10), new Uint8Array(2));
   * ```
   */
  bakeVersionstamp?(value: In, stamp: Uint8Array, code: Uint8Array | null): void;
  /**
   * The keys below this one. Without it, those whose bytes begin with its bytes.
   *
   * @example
   * ```ts
   * const { begin, end } = tuple.range(['users']);
   * ```
   */
  range?(prefix: In): { begin: BytesLike; end: BytesLike };
}

/**
 * Bytes as they are; strings stand for their UTF-8 bytes.
 *
 * @example
 * ```ts
 * defaultTransformer.pack('text'); // 'text'
 * ```
 */
export const defaultTransformer: Transformer<BytesLike, Uint8Array> = {
  pack: (value) => value,
  unpack: (bytes) => bytes,
};

/**
 * The keys whose bytes begin with those of `prefix`.
 *
 * @example
 * ```ts
 * const { begin, end } = defaultGetRange(['a'], tuple);
 * ```
 */
export function defaultGetRange<In>(prefix: In, transformer: Transformer<In, unknown>): KeyRange {
  return prefixRange(transformer.pack(prefix));
}

/**
 * The same transformer with `prefix` before its bytes.
 *
 * @example
 * ```ts
 * const users = db.withKeyEncoding(prefixTransformer('users/', tuple));
 * ```
 */
export function prefixTransformer<In, Out>(
  prefix: BytesLike,
  inner: Transformer<In, Out>,
): Transformer<In, Out> {
  const bytes = toBytes(prefix);
  const withPrefix = (rest: BytesLike) => concat2(bytes, toBytes(rest));
  const transformer: Transformer<In, Out> = {
    name: inner.name === undefined ? 'prefixed' : `prefixed ${inner.name}`,
    pack: (value) => withPrefix(inner.pack(value)),
    unpack: (key) => inner.unpack(withoutPrefix(key, bytes)),
    range(start) {
      const { begin, end } = inner.range?.(start) ?? defaultGetRange(start, transformer);
      return inner.range ? { begin: withPrefix(begin), end: withPrefix(end) } : { begin, end };
    },
  };
  if (inner.packUnboundVersionstamp) {
    transformer.packUnboundVersionstamp = (value) => packUnboundAfter(bytes, inner, value);
  }
  if (inner.bakeVersionstamp) {
    transformer.bakeVersionstamp = (value, stamp, code) => inner.bakeVersionstamp?.(value, stamp, code);
  }
  return transformer;
}

/** What follows the prefix of a key. */
export function withoutPrefix(key: Uint8Array, prefix: Uint8Array): Uint8Array {
  if (startsWith(key, prefix)) return key.subarray(prefix.length);
  const message = `Cannot unpack key outside of prefix range: a key that begins with ${display(prefix)} was expected, found ${display(key)}`;
  throw fdbError(errorCodes.key_not_in_subspace, message);
}

/** A value with a versionstamp that the commit is to fill in, after the prefix. */
export function packUnboundAfter<In>(
  prefix: Uint8Array,
  transformer: Transformer<In, unknown>,
  value: In,
): UnboundStamp {
  if (!transformer.packUnboundVersionstamp) {
    const name = transformer.name ?? 'this';
    throw new TypeError(`an encoding that supports unbound versionstamps was expected, found ${name}`);
  }
  const { data, stampPos, codePos } = transformer.packUnboundVersionstamp(value);
  const moved = { data: concat2(prefix, data), stampPos: prefix.length + stampPos };
  return codePos === undefined ? moved : { ...moved, codePos: prefix.length + codePos };
}

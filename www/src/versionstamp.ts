import { type BytesLike, toBytes } from './bytes.js';
import type { UnboundStamp } from './tuple/index.js';
import { TRANSACTION_VERSIONSTAMP_BYTES } from './tuple/type-codes.js';

/** Bytes that say where the stamp goes, at the end of a template. */
const POSITION_BYTES = 4;
const EMPTY = /* @__PURE__ */ new Uint8Array(0);

/**
 * The template of a versionstamped key or value: the bytes, then where in them the ten bytes of the stamp
 * go, as four bytes, little-endian. The same for keys and values.
 *
 * @example
 * ```ts
 * const template = packVersionstamp(tuple.packUnboundVersionstamp(['log', tuple.unboundVersionstamp()]));
 * tn.setVersionstampedKeyRaw(template, 'entry');
 * ```
 */
export function packVersionstamp({ data, stampPos }: UnboundStamp, _isKey?: boolean): Uint8Array {
  return template([data], stampPos);
}

/**
 * As {@link packVersionstamp}, with a prefix.
 *
 * @example
 * ```ts
 * const stamped = tuple.packUnboundVersionstamp([tuple.unboundVersionstamp()]);
 * tn.setVersionstampedKeyRaw(packPrefixedVersionstamp(tuple.pack('log'), stamped), 'entry');
 * ```
 */
export function packPrefixedVersionstamp(
  prefix: Uint8Array,
  { data, stampPos }: UnboundStamp,
  _isKey?: boolean,
): Uint8Array {
  return template([prefix, data], prefix.length + stampPos);
}

/**
 * The template of a prefix, a versionstamp and a suffix.
 *
 * @example
 * ```ts
 * tn.setVersionstampedKeyRaw(packVersionstampPrefixSuffix('log/', '/end'), 'entry');
 * ```
 */
export function packVersionstampPrefixSuffix(
  prefix: BytesLike = EMPTY,
  suffix: BytesLike = EMPTY,
  _isKey?: boolean,
): Uint8Array {
  const [before, after] = [toBytes(prefix), toBytes(suffix)];
  return template([before, new Uint8Array(TRANSACTION_VERSIONSTAMP_BYTES), after], before.length);
}

function template(pieces: readonly Uint8Array[], stampPos: number): Uint8Array {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const bytes = new Uint8Array(length + POSITION_BYTES);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  new DataView(bytes.buffer).setUint32(length, stampPos, true);
  return bytes;
}

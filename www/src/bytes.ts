import { errorCodes } from './error-codes.js';
import { fdbError } from './fdb-error.js';

/** What keys and values are given as: bytes, or a string that stands for its UTF-8 bytes. */
export type BytesLike = string | Uint8Array;

const textEncoder = /* @__PURE__ */ new TextEncoder();

/** `TextEncoder` costs microseconds a call; short ASCII strings, which most keys are, don't need it. */
const SHORT_STRING_LENGTH = 64;

/** The bytes of a key or value. Lone surrogates become U+FFFD, as `TextEncoder` does it. */
export function toBytes(value: BytesLike): Uint8Array {
  if (typeof value === 'string') return encodeUtf8(value);
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`a string or a Uint8Array was expected, found ${describe(value)}`);
}

function encodeUtf8(text: string): Uint8Array {
  const length = text.length;
  if (length > SHORT_STRING_LENGTH) return textEncoder.encode(text);
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return textEncoder.encode(text);
    bytes[index] = unit;
  }
  return bytes;
}

/**
 * The first key that does not begin with `prefix`: trailing ff bytes dropped, then the last byte plus
 * one. Fails with `client_invalid_operation` if nothing is left.
 *
 * @example
 * ```ts
 * strInc('user/'); // the bytes of 'user0'
 * ```
 */
export function strInc(prefix: BytesLike): Uint8Array {
  const bytes = toBytes(prefix);
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0xff) length--;
  const last = bytes[length - 1];
  if (last === undefined) {
    const message = `a prefix with at least one byte below ff was expected, found ${bytes.length} bytes of ff`;
    throw fdbError(errorCodes.client_invalid_operation, message);
  }
  // Not `slice`, which for a Buffer is a view of the caller's bytes.
  const end = new Uint8Array(bytes.subarray(0, length));
  end[length - 1] = last + 1;
  return end;
}

/** A copy of the bytes that nobody else has: `slice` of a Buffer is a view. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** The immediate successor of a key: the key with one 00 byte appended. */
export function keyAfter(key: Uint8Array): Uint8Array {
  const after = new Uint8Array(key.length + 1);
  after.set(key);
  return after;
}

/**
 * Two pieces of bytes as one.
 *
 * @example
 * ```ts
 * const key = concat2(tuple.pack('a'), tuple.pack('b'));
 * ```
 */
export function concat2(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/**
 * Whether the bytes begin with the prefix.
 *
 * @example
 * ```ts
 * startsWith(tuple.pack(['a', 1]), tuple.pack(['a'])); // true
 * ```
 */
export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (prefix.length > bytes.length) return false;
  for (let index = 0; index < prefix.length; index++) {
    if (bytes[index] !== prefix[index]) return false;
  }
  return true;
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value === 'object' ? value.constructor.name : typeof value;
}

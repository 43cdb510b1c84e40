import { errorCodes } from '../error-codes.js';
import { type FDBError, fdbError } from '../fdb-error.js';
import type { TupleItem } from './item.js';
import {
  BYTES,
  ESCAPE,
  FALSE,
  FLOAT32,
  FLOAT64,
  INTEGER_ZERO,
  NEGATIVE_INTEGER,
  NESTED,
  NESTING_DEPTH_MAX,
  NULL,
  POSITIVE_INTEGER,
  TRANSACTION_VERSIONSTAMP_BYTES,
  TRUE,
  TUPLE_VERSIONSTAMP_BYTES,
  UNICODE,
  UUID,
  UUID_BYTES,
  VERSIONSTAMP,
  VERSIONSTAMP80,
} from './type-codes.js';

/** Above it, `TextDecoder` is worth its fixed cost. */
const LOOPED_STRING_LENGTH_MAX = 12;
/** Below it, a loop is faster than `set`. */
const LOOPED_BYTES_MAX = 32;

/** Strict, and with a byte order mark being a character like any other. */
const textDecoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const floatView = /* @__PURE__ */ new DataView(new ArrayBuffer(8));

/** Reads bytes that nobody checked. */
class Unpacker {
  readonly #bytes: Uint8Array;
  readonly #noCanonicalize: boolean;
  #at = 0;
  /** Where the element that is being read begins. */
  #elementAt = 0;

  constructor(bytes: Uint8Array, noCanonicalize: boolean) {
    this.#bytes = bytes;
    this.#noCanonicalize = noCanonicalize;
  }

  tuple(): TupleItem[] {
    const items: TupleItem[] = [];
    while (this.#at < this.#bytes.length) items.push(this.#item(0));
    return items;
  }

  #item(depth: number): TupleItem {
    this.#elementAt = this.#at;
    const code = this.#bytes[this.#at++] as number;
    switch (code) {
      case NULL:
        return null;
      case BYTES:
        return this.#byteString();
      case UNICODE:
        return this.#string();
      case NESTED:
        return this.#nested(depth + 1);
      case FALSE:
        return false;
      case TRUE:
        return true;
      case FLOAT32:
        return this.#float(4);
      case FLOAT64:
        return this.#float(8);
      case UUID:
        return {
          type: 'uuid',
          value: this.#copy(this.#take(UUID_BYTES, 'UUID', errorCodes.invalid_uuid_size)),
        };
      case VERSIONSTAMP:
        return this.#versionstamp();
      case VERSIONSTAMP80: {
        const count = TRANSACTION_VERSIONSTAMP_BYTES;
        const from = this.#take(count, 'versionstamp', errorCodes.invalid_versionstamp_size);
        return { type: 'versionstamp80', value: this.#copy(from) };
      }
      default:
        if (code >= NEGATIVE_INTEGER && code <= POSITIVE_INTEGER) return this.#integer(code);
        throw this.#malformed(`a type code was expected, found ${code.toString(16).padStart(2, '0')}`);
    }
  }

  #nested(depth: number): TupleItem[] {
    if (depth > NESTING_DEPTH_MAX) {
      throw this.#malformed(`tuples nested at most ${NESTING_DEPTH_MAX} deep were expected, found one more`);
    }
    const bytes = this.#bytes;
    const items: TupleItem[] = [];
    while (this.#at < bytes.length) {
      if (bytes[this.#at] !== 0) {
        items.push(this.#item(depth));
      } else if (bytes[this.#at + 1] === ESCAPE) {
        this.#elementAt = this.#at;
        this.#at += 2;
        items.push(null);
      } else {
        this.#elementAt = this.#at;
        this.#at++;
        return items;
      }
    }
    throw this.#malformed('the 00 that ends a nested tuple was expected, found the end of the bytes');
  }

  #byteString(): Uint8Array {
    const from = this.#at;
    const escapes = this.#findEnd('byte string');
    return escapes === 0 ? this.#copy(from, this.#at - 1) : this.#unescaped(from, escapes);
  }

  #string(): string {
    const bytes = this.#bytes;
    const from = this.#at;
    const longest = Math.min(bytes.length, from + LOOPED_STRING_LENGTH_MAX);
    let text = '';
    for (let at = from; at < longest; at++) {
      const byte = bytes[at] as number;
      if (byte >= 0x80) break;
      if (byte === 0) {
        if (bytes[at + 1] === ESCAPE) break;
        this.#at = at + 1;
        return text;
      }
      text += String.fromCharCode(byte);
    }
    const escapes = this.#findEnd('string');
    const utf8 = escapes === 0 ? bytes.subarray(from, this.#at - 1) : this.#unescaped(from, escapes);
    try {
      return textDecoder.decode(utf8);
    } catch {
      throw this.#malformed('UTF-8 was expected, found other bytes');
    }
  }

  /** Goes past the 00 that no escape follows; how many escapes there are before it. */
  #findEnd(what: string): number {
    const bytes = this.#bytes;
    let escapes = 0;
    for (let at = this.#at; ; at += 2, escapes++) {
      at = bytes.indexOf(0, at);
      if (at < 0) {
        throw this.#malformed(`the 00 that ends a ${what} was expected, found the end of the bytes`);
      }
      if (bytes[at + 1] !== ESCAPE) {
        this.#at = at + 1;
        return escapes;
      }
    }
  }

  /** The bytes from `from` to the end that was found, without the escapes. */
  #unescaped(from: number, escapes: number): Uint8Array {
    const bytes = this.#bytes;
    const content = new Uint8Array(this.#at - 1 - from - escapes);
    for (let at = from, index = 0; index < content.length; at++, index++) {
      const byte = bytes[at] as number;
      content[index] = byte;
      if (byte === 0) at++;
    }
    return content;
  }

  #integer(code: number): number | bigint {
    const bytes = this.#bytes;
    const isNegative = code < INTEGER_ZERO;
    const flip = isNegative ? 0xff : 0;
    let count = Math.abs(code - INTEGER_ZERO);
    if (count > 8) {
      const at = this.#take(1, "integer's length", errorCodes.invalid_tuple_data_type);
      count = (bytes[at] as number) ^ flip;
    }
    let at = this.#take(count, 'integer', errorCodes.invalid_tuple_data_type);
    const end = at + count;
    while (at < end && bytes[at] === flip) at++;
    if (end - at <= 7) {
      let magnitude = 0;
      for (let place = at; place < end; place++) {
        magnitude = magnitude * 0x100 + ((bytes[place] as number) ^ flip);
      }
      // What is rounded is not safe.
      if (Number.isSafeInteger(magnitude)) return isNegative && magnitude > 0 ? -magnitude : magnitude;
    }
    let magnitude = 0n;
    for (let wordEnd = at + ((end - at) % 4 || 4); at < end; wordEnd += 4) {
      let word = 0;
      for (; at < wordEnd; at++) word = word * 0x100 + ((bytes[at] as number) ^ flip);
      magnitude = (magnitude << 32n) | BigInt(word);
    }
    return isNegative ? -magnitude : magnitude;
  }

  #float(count: 4 | 8): TupleItem {
    const bytes = this.#bytes;
    const at = this.#take(count, count === 4 ? 'float' : 'double', errorCodes.invalid_tuple_data_type);
    const flip = (bytes[at] as number) < 0x80 ? 0xff : 0;
    floatView.setUint8(0, (bytes[at] as number) ^ (flip || 0x80));
    for (let index = 1; index < count; index++) {
      floatView.setUint8(index, (bytes[at + index] as number) ^ flip);
    }
    const value = count === 4 ? floatView.getFloat32(0) : floatView.getFloat64(0);
    if (!this.#noCanonicalize) return value;
    const rawEncoding = new Uint8Array(floatView.buffer.slice(0, count));
    return { type: count === 4 ? 'float' : 'double', value, rawEncoding };
  }

  #versionstamp(): TupleItem {
    const bytes = this.#bytes;
    const count = TUPLE_VERSIONSTAMP_BYTES;
    const from = this.#take(count, 'versionstamp', errorCodes.invalid_versionstamp_size);
    const codeAt = from + TRANSACTION_VERSIONSTAMP_BYTES;
    for (let at = from; at < codeAt; at++) {
      if (bytes[at] !== 0xff) return { type: 'versionstamp', value: this.#copy(from) };
    }
    const code = (bytes[codeAt] as number) * 0x100 + (bytes[codeAt + 1] as number);
    return { type: 'unbound versionstamp', code };
  }

  /** Goes past so many bytes, if they are there; where they begin. */
  #take(count: number, what: string, error: number): number {
    const from = this.#at;
    const left = this.#bytes.length - from;
    if (left < count) {
      throw this.#malformed(`${what} of ${count} bytes was expected, found ${left}`, error);
    }
    this.#at = from + count;
    return from;
  }

  /** A copy: bytes of a range read are views of a buffer that holds a whole batch. */
  #copy(from: number, end = this.#at): Uint8Array {
    const bytes = this.#bytes;
    const copy = new Uint8Array(end - from);
    if (copy.length > LOOPED_BYTES_MAX) copy.set(bytes.subarray(from, end));
    else for (let index = 0; index < copy.length; index++) copy[index] = bytes[from + index] as number;
    return copy;
  }

  #malformed(detail: string, code: number = errorCodes.invalid_tuple_data_type): FDBError {
    return fdbError(code, `tuple element at byte ${this.#elementAt}: ${detail}`);
  }
}

/**
 * The elements of a packed tuple. Integers outside of the safe range are bigints; floats and doubles are
 * numbers, or with `noCanonicalize` objects that pack to the same bytes again.
 *
 * Throws `invalid_tuple_data_type`, `invalid_uuid_size` or `invalid_versionstamp_size`, saying where, for
 * bytes that are no tuple.
 *
 * @example
 * ```ts
 * const [kind, id] = tuple.unpack(tuple.pack(['user', 42]));
 * ```
 */
export function unpack(bytes: Uint8Array, noCanonicalize = false): TupleItem[] {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`a Uint8Array was expected, found ${typeof bytes}`);
  }
  return new Unpacker(bytes, noCanonicalize).tuple();
}

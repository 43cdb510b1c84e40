import { errorCodes } from '../error-codes.js';
import { fdbError } from '../fdb-error.js';
import type {
  FloatItem,
  TupleIn,
  TupleItem,
  TypedItem,
  UnboundStamp,
  UnboundVersionstampItem,
} from './item.js';
import {
  BYTES,
  ESCAPE,
  FALSE,
  FLOAT32,
  FLOAT64,
  INTEGER_BYTES_MAX,
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

/** Above it, `TextEncoder` is worth its fixed cost. */
const LOOPED_STRING_LENGTH_MAX = 256;
/** Below it, a loop is faster than `set`. */
const LOOPED_BYTES_MAX = 32;

const textEncoder = /* @__PURE__ */ new TextEncoder();

/**
 * A buffer that grows, and where in it the versionstamp is. Its buffer is kept for the next tuple: most
 * are short, and a short copy is much cheaper than a new buffer that then is too long.
 */
class Packer {
  #buffer = new Uint8Array(256);
  #view = new DataView(this.#buffer.buffer);
  #used = 0;
  #depth = 0;
  #stampPos = -1;
  #codePos = -1;

  begin(): void {
    this.#used = 0;
    this.#depth = 0;
    this.#stampPos = -1;
    this.#codePos = -1;
  }

  get stampPos(): number {
    return this.#stampPos;
  }

  get codePos(): number {
    return this.#codePos;
  }

  /** The bytes, followed by `room` zeros. */
  bytes(room = 0): Uint8Array {
    const used = this.#used;
    const bytes = new Uint8Array(used + room);
    if (used > LOOPED_BYTES_MAX) {
      bytes.set(this.#buffer.subarray(0, used));
    } else {
      const buffer = this.#buffer;
      for (let index = 0; index < used; index++) bytes[index] = buffer[index] as number;
    }
    return bytes;
  }

  tuple(items: TupleIn): void {
    if (items === undefined) return;
    if (Array.isArray(items)) {
      for (let index = 0; index < items.length; index++) this.#item(items[index]);
    } else {
      this.#item(items as TupleItem);
    }
  }

  #item(item: TupleItem | undefined): void {
    switch (typeof item) {
      case 'string':
        this.#string(item);
        break;
      case 'number':
        if (Number.isSafeInteger(item) && !Object.is(item, -0)) this.#integer(item);
        else this.#double(item);
        break;
      case 'boolean':
        this.#byte(item ? TRUE : FALSE);
        break;
      case 'bigint':
        this.#bigint(item);
        break;
      case 'undefined':
        throw new TypeError('Packed element cannot be undefined');
      default:
        this.#object(item as Exclude<TupleItem, boolean | number | bigint | string>);
    }
  }

  #object(item: Exclude<TupleItem, boolean | number | bigint | string>): void {
    if (item === null) this.#null();
    else if (item instanceof Uint8Array) this.#escaped(BYTES, item);
    else if (Array.isArray(item)) this.#nested(item);
    else this.#typed(item);
  }

  #typed(item: TypedItem): void {
    switch (item.type) {
      case 'float':
      case 'double':
        this.#float(item);
        break;
      case 'uuid':
        this.#sized(UUID, item.value, UUID_BYTES, 'UUID', errorCodes.invalid_uuid_size);
        break;
      case 'versionstamp':
        this.#versionstamp(VERSIONSTAMP, item.value, TUPLE_VERSIONSTAMP_BYTES);
        break;
      case 'versionstamp80':
        this.#versionstamp(VERSIONSTAMP80, item.value, TRANSACTION_VERSIONSTAMP_BYTES);
        break;
      case 'unbound versionstamp':
        this.#unboundVersionstamp(item);
        break;
      default:
        throw new TypeError('Packed items must be basic types or lists');
    }
  }

  #null(): void {
    this.#byte(NULL);
    if (this.#depth > 0) this.#byte(ESCAPE);
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#buffer[this.#used++] = byte;
  }

  #nested(items: readonly TupleItem[]): void {
    if (this.#depth >= NESTING_DEPTH_MAX) {
      const message = `tuples nested at most ${NESTING_DEPTH_MAX} deep were expected`;
      throw fdbError(errorCodes.invalid_tuple_data_type, message);
    }
    this.#byte(NESTED);
    this.#depth++;
    for (let index = 0; index < items.length; index++) this.#item(items[index]);
    this.#depth--;
    this.#byte(0);
  }

  #string(text: string): void {
    if (text.length > LOOPED_STRING_LENGTH_MAX) {
      this.#escaped(UNICODE, textEncoder.encode(text));
      return;
    }
    // Three bytes a unit at most: a pair of surrogates has four.
    this.#reserve(text.length * 3 + 2);
    const buffer = this.#buffer;
    let at = this.#used;
    buffer[at++] = UNICODE;
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit < 0x80) {
        buffer[at++] = unit;
        if (unit === 0) buffer[at++] = ESCAPE;
      } else if (unit < 0x800) {
        buffer[at++] = 0xc0 | (unit >> 6);
        buffer[at++] = 0x80 | (unit & 0x3f);
      } else {
        const point = codePointAt(text, index, unit);
        if (point > 0xffff) {
          index++;
          buffer[at++] = 0xf0 | (point >> 18);
          buffer[at++] = 0x80 | ((point >> 12) & 0x3f);
        } else {
          buffer[at++] = 0xe0 | (point >> 12);
        }
        buffer[at++] = 0x80 | ((point >> 6) & 0x3f);
        buffer[at++] = 0x80 | (point & 0x3f);
      }
    }
    buffer[at++] = 0;
    this.#used = at;
  }

  #escaped(code: number, bytes: Uint8Array): void {
    this.#reserve(bytes.length * 2 + 2);
    const buffer = this.#buffer;
    let at = this.#used;
    buffer[at++] = code;
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index] as number;
      buffer[at++] = byte;
      if (byte === 0) buffer[at++] = ESCAPE;
    }
    buffer[at++] = 0;
    this.#used = at;
  }

  #integer(value: number): void {
    const magnitude = Math.abs(value);
    const low = magnitude >>> 0;
    const high = (magnitude - low) / 0x1_0000_0000;
    const lowBytes = high === 0 ? bytesOf(low) : 4;
    const count = lowBytes + bytesOf(high);
    const flip = value < 0 ? 0xff : 0;
    this.#reserve(count + 1);
    const buffer = this.#buffer;
    let at = this.#used;
    buffer[at++] = value < 0 ? INTEGER_ZERO - count : INTEGER_ZERO + count;
    for (let left = count - lowBytes; left > 0; left--) buffer[at++] = (high >>> (left * 8 - 8)) ^ flip;
    for (let left = lowBytes; left > 0; left--) buffer[at++] = (low >>> (left * 8 - 8)) ^ flip;
    this.#used = at;
  }

  #bigint(value: bigint): void {
    if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) {
      this.#integer(Number(value));
      return;
    }
    const isNegative = value < 0n;
    let magnitude = isNegative ? -value : value;
    const count = (magnitude.toString(16).length + 1) >> 1;
    if (count > INTEGER_BYTES_MAX) {
      const message = `an integer of at most ${INTEGER_BYTES_MAX} bytes was expected, found ${count} bytes`;
      throw fdbError(errorCodes.invalid_tuple_data_type, message);
    }
    const flip = isNegative ? 0xff : 0;
    this.#reserve(count + 2);
    const buffer = this.#buffer;
    let at = this.#used;
    if (count <= 8) {
      buffer[at++] = isNegative ? INTEGER_ZERO - count : INTEGER_ZERO + count;
    } else {
      buffer[at++] = isNegative ? NEGATIVE_INTEGER : POSITIVE_INTEGER;
      buffer[at++] = count ^ flip;
    }
    for (let end = at + count; end > at; magnitude >>= 32n) {
      let word = Number(BigInt.asUintN(32, magnitude));
      for (let left = 4; left > 0 && end > at; left--, word >>>= 8) buffer[--end] = word ^ flip;
    }
    this.#used = at + count;
  }

  #double(value: number): void {
    this.#reserve(9);
    const at = this.#used;
    this.#buffer[at] = FLOAT64;
    // Which NaN a NaN is, is up to the JavaScript engine; this one is everybody's.
    if (Number.isNaN(value)) this.#view.setBigUint64(at + 1, 0x7ff8n << 48n);
    else this.#view.setFloat64(at + 1, value);
    this.#used = at + 9;
    this.#orderFloat(at + 1);
  }

  #float(item: FloatItem): void {
    if (item.rawEncoding !== undefined) {
      const [code, count] = item.type === 'float' ? [FLOAT32, 4] : [FLOAT64, 8];
      const at = this.#used;
      this.#sized(code, item.rawEncoding, count, item.type, errorCodes.invalid_tuple_data_type);
      this.#orderFloat(at + 1);
    } else if (item.type === 'double') {
      this.#double(item.value);
    } else {
      this.#reserve(5);
      const at = this.#used;
      this.#buffer[at] = FLOAT32;
      if (Number.isNaN(item.value)) this.#view.setUint32(at + 1, 0x7fc0_0000);
      else this.#view.setFloat32(at + 1, item.value);
      this.#used = at + 5;
      this.#orderFloat(at + 1);
    }
  }

  /** Turns the float from `begin` to here into bytes that sort as floats do. */
  #orderFloat(begin: number): void {
    const buffer = this.#buffer;
    const first = buffer[begin] as number;
    if (first < 0x80) {
      buffer[begin] = first ^ 0x80;
      return;
    }
    for (let at = begin; at < this.#used; at++) buffer[at] = (buffer[at] as number) ^ 0xff;
  }

  #versionstamp(code: number, bytes: Uint8Array, count: number): void {
    this.#sized(code, bytes, count, 'versionstamp', errorCodes.invalid_versionstamp_size);
  }

  #sized(code: number, bytes: Uint8Array, count: number, what: string, error: number): void {
    if (!(bytes instanceof Uint8Array) || bytes.length !== count) {
      const found = bytes instanceof Uint8Array ? `${bytes.length} bytes` : typeof bytes;
      throw fdbError(error, `a ${what} of ${count} bytes was expected, found ${found}`);
    }
    this.#reserve(count + 1);
    this.#buffer[this.#used++] = code;
    this.#buffer.set(bytes, this.#used);
    this.#used += count;
  }

  #unboundVersionstamp({ code }: UnboundVersionstampItem): void {
    if (this.#stampPos >= 0) throw new TypeError('Tuples may only contain 1 unset versionstamp');
    this.#reserve(1 + TUPLE_VERSIONSTAMP_BYTES);
    const stampPos = this.#used + 1;
    const codePos = stampPos + TRANSACTION_VERSIONSTAMP_BYTES;
    this.#buffer[this.#used] = VERSIONSTAMP;
    this.#buffer.fill(0xff, stampPos, codePos);
    // It is null, too, that the foundationdb package takes for no code.
    if (code === undefined || code === null) {
      this.#codePos = codePos;
    } else if (!Number.isInteger(code) || code < 0 || code > 0xffff) {
      throw new RangeError(`a versionstamp's code from 0 to 65535 was expected, found ${code}`);
    }
    this.#view.setUint16(codePos, code ?? 0);
    this.#stampPos = stampPos;
    this.#used = codePos + 2;
  }

  #reserve(count: number): void {
    const needed = this.#used + count;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** The code point that begins at `index`, where the unit is; U+FFFD for half of a pair. */
function codePointAt(text: string, index: number, unit: number): number {
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  const point = text.codePointAt(index) as number;
  return point > 0xffff ? point : 0xfffd;
}

/** How many bytes a number below 2^32 has; none for 0. */
function bytesOf(value: number): number {
  return (39 - Math.clz32(value)) >> 3;
}

/** Kept for the next tuple, except while it is at work: an element may be an object whose getter packs. */
let idle: Packer | undefined;
/** A long tuple's buffer is not kept. */
const KEPT_BYTES_MAX = 16_384;

function run(items: TupleIn): Packer {
  const packer = idle ?? new Packer();
  idle = undefined;
  packer.begin();
  packer.tuple(items);
  return packer;
}

function done(packer: Packer, bytes: Uint8Array): void {
  if (bytes.length <= KEPT_BYTES_MAX) idle = packer;
}

/**
 * The bytes of a tuple, which sort as its elements do. `pack(x)` for something that is no array is
 * `pack([x])`; `pack(undefined)` is empty.
 *
 * @example
 * ```ts
 * const key = tuple.pack(['user', 42, 'name']);
 * ```
 */
export function pack(items?: TupleIn): Uint8Array {
  const packer = run(items);
  if (packer.stampPos >= 0) throw new TypeError('Incomplete versionstamp included in vanilla tuple pack');
  const bytes = packer.bytes();
  done(packer, bytes);
  return bytes;
}

/**
 * The bytes of a tuple that has exactly one unbound versionstamp in it, and where it is.
 *
 * @example
 * ```ts
 * const { data, stampPos } = tuple.packUnboundVersionstamp(['log', tuple.unboundVersionstamp()]);
 * ```
 */
export function packUnboundVersionstamp(items?: TupleIn): UnboundStamp {
  const packer = run(items);
  const { stampPos, codePos } = packer;
  if (stampPos < 0) {
    throw new TypeError('No incomplete versionstamp included in tuple pack with versionstamp');
  }
  const data = packer.bytes();
  done(packer, data);
  return codePos < 0 ? { data, stampPos } : { data, stampPos, codePos };
}

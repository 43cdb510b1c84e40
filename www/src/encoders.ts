import { type BytesLike, toBytes } from './bytes.js';
import { defaultTransformer, type Transformer } from './transformer.js';
import * as tuple from './tuple/index.js';

/** Lenient, as FoundationDB's users know it: what is no UTF-8 becomes U+FFFD. */
const textDecoder = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true });

const int32BE: Transformer<number, number> = {
  name: 'int32BE',
  pack(value) {
    if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 31) {
      throw new RangeError(`an integer from -2147483648 to 2147483647 was expected, found ${value}`);
    }
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, value);
    return bytes;
  },
  unpack: (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(0),
};

/** What JSON can say. What comes back may be anything: only who wrote it knows. */
// biome-ignore lint/suspicious/noExplicitAny: the type of JSON.parse, which programs rely on
const json: Transformer<unknown, any> = {
  name: 'json',
  pack(value) {
    const text: string | undefined = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`what JSON can say was expected, found ${typeof value}`);
    return text;
  },
  unpack: (bytes) => JSON.parse(textDecoder.decode(bytes)),
};

const string: Transformer<string, string> = {
  name: 'string',
  pack: (value) => value,
  unpack: (bytes) => textDecoder.decode(bytes),
};

const buf: Transformer<BytesLike, Uint8Array> = {
  ...defaultTransformer,
  name: 'buf',
  pack: (value) => toBytes(value),
};

/**
 * Encodings of keys and values.
 *
 * @example
 * ```ts
 * const settings = db.at('settings/', encoders.string, encoders.json);
 * await settings.set('theme', { dark: true });
 * ```
 */
export const encoders = {
  /** Integers of 32 bits, big-endian: they sort as numbers do, those below zero after the others. */
  int32BE,
  /** JSON. As keys, these don't sort in any useful order. */
  json,
  /** Strings as UTF-8. */
  string,
  /** Bytes as they are. */
  buf,
  /** Tuples. */
  tuple,
} as const;

/** Encodings of keys and values, with Buffers. */
import { encoders as plain } from '../encoders.js';
import type { Transformer as PlainTransformer } from '../transformer.js';
import type { TupleIn } from '../tuple/index.js';
import { type Bytes, type NativeValue, toBuffer } from './bytes.js';
import type { Transformer } from './subspace.js';
import * as tuple from './tuple.js';

function withBuffers<In, Out>(inner: PlainTransformer<In, Out>): Transformer<In, Out> {
  return { ...inner, pack: (value) => handOut(inner.pack(value)) };
}

function handOut(packed: NativeValue): NativeValue {
  return typeof packed === 'string' ? packed : toBuffer(packed);
}

const buf: Transformer<NativeValue, Bytes> = {
  name: plain.buf.name,
  pack: (value) => handOut(plain.buf.pack(value)),
  unpack: toBuffer,
};

/** The types, written out: those that the compiler finds name Buffers, which not every program has. */
interface Encoders {
  readonly int32BE: Transformer<number, number>;
  // biome-ignore lint/suspicious/noExplicitAny: the type of JSON.parse, which programs rely on
  readonly json: Transformer<unknown, any>;
  readonly string: Transformer<string, string>;
  readonly buf: Transformer<NativeValue, Bytes>;
  readonly tuple: Transformer<TupleIn, tuple.TupleItem[]>;
}

/**
 * Encodings of keys and values.
 *
 * @example
 * ```ts
 * const books = fdb.open().withKeyEncoding(fdb.encoders.tuple).withValueEncoding(fdb.encoders.json);
 * await books.set(['book', 1], { title: 'Emma' });
 * ```
 */
export const encoders: Encoders = {
  int32BE: withBuffers(plain.int32BE),
  json: plain.json,
  string: withBuffers(plain.string),
  buf,
  tuple,
};

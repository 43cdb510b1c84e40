import { type BytesLike, strInc, toBytes } from './bytes.js';

/** One key-value pair of a range read. */
export type Row<Key = Uint8Array, Value = Uint8Array> = [key: Key, value: Value];

/** How much of a range to read, and from which end. */
export interface RangeOptions {
  /** At most this many rows. 0 or undefined: no limit. */
  limit?: number | undefined;
  /** Descending, from the end of the range. */
  reverse?: boolean | undefined;
  /** How large the batches are: one of {@link StreamingMode}. */
  streamingMode?: number | undefined;
  /**
   * Stop a batch after the row that reaches so many bytes, a row counting the lengths of its key and
   * value, and 8. 0 or undefined: no limit but that of the streaming mode.
   */
  targetBytes?: number | undefined;
  /** Makes the read reject with the signal's reason when it aborts. The transaction goes on. */
  signal?: AbortSignal | undefined;
}

/** The keys with `begin <= key < end`. */
export interface KeyRange {
  begin: Uint8Array;
  end: Uint8Array;
}

/** The exclusive top of the key space. */
export const KEY_SPACE_END = /* @__PURE__ */ Uint8Array.of(0xff);

/** The keys that begin with a prefix; the empty prefix begins them all. */
export function prefixRange(prefix: BytesLike): KeyRange {
  const begin = toBytes(prefix);
  return { begin, end: begin.length === 0 ? KEY_SPACE_END : strInc(begin) };
}

/** One batch of rows. */
export interface RangeBatch<Key = Uint8Array, Value = Uint8Array> {
  results: Row<Key, Value>[];
  /** False guarantees that nothing is left. */
  more: boolean;
}

/**
 * Slices a batch: its rows are views of one buffer.
 *
 * Layout: row count, more (4 bytes each); per row key length, value length (4 bytes each); then the
 * bytes of keys and values, row by row.
 */
export function unpackBatch(chunk: Uint8Array): RangeBatch {
  const header = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const count = header.getUint32(0, true);
  const rows = new Array<Row>(count);
  const slice = slicerOf(chunk);
  let offset = 8 + count * 8;
  for (let index = 0, place = 8; index < count; index++, place += 8) {
    const keyEnd = offset + header.getUint32(place, true);
    const valueEnd = keyEnd + header.getUint32(place + 4, true);
    rows[index] = [slice(offset, keyEnd), slice(keyEnd, valueEnd)];
    offset = valueEnd;
  }
  return { results: rows, more: header.getUint32(4, true) !== 0 };
}

/** What cuts pieces from bytes: of their own class, which `subarray` looks up each time, at the cost of a row. */
function slicerOf(chunk: Uint8Array): (begin: number, end: number) => Uint8Array {
  if (chunk.constructor !== Uint8Array) return (begin, end) => chunk.subarray(begin, end);
  const { buffer, byteOffset } = chunk;
  return (begin, end) => new Uint8Array(buffer, byteOffset + begin, end - begin);
}

/** Reads of ranges: one batch, or batch after batch. */
import type { Attempt } from './attempt.js';
import { type BytesLike, toBytes } from './bytes.js';
import type { SelectorRange } from './encoded-range.js';
import { call } from './engine.js';
import { errorCodes } from './error-codes.js';
import { fdbError } from './fdb-error.js';
import { type KeySelector, keySelector } from './key-selector.js';
import { prefixRange, type RangeBatch, type RangeOptions, type Row, unpackBatch } from './range.js';
import { orAborted } from './signal.js';
import type { Subspace } from './subspace.js';

/** What one batch is asked for; FoundationDB's C API has the same parameters. */
interface BatchRequest {
  begin: KeySelector<BytesLike>;
  /** Null for the keys that begin with the key of `begin`. */
  end: KeySelector<BytesLike> | null;
  limit: number;
  targetBytes: number;
  mode: number;
  iteration: number;
  reverse: boolean;
}

/** One batch of bytes. */
export async function readBatch(
  attempt: Attempt,
  isSnapshot: boolean,
  { begin, end, limit, targetBytes, mode, iteration, reverse }: BatchRequest,
): Promise<RangeBatch> {
  const last = end ?? keySelector.firstGreaterOrEqual<BytesLike>(prefixRange(begin.key).end);
  const answer: unknown = call(() =>
    attempt.calls.getRange(
      toBytes(begin.key),
      begin.orEqual,
      begin.offset,
      toBytes(last.key),
      last.orEqual,
      last.offset,
      checkedLimit(limit),
      checkedLimit(targetBytes),
      mode,
      iteration,
      reverse,
      isSnapshot,
    ),
  );
  return unpackBatch(attempt.own((await attempt.bytesOf(answer, undefined)) as Uint8Array));
}

/** The rows of a range, batch after batch. An empty range gives one empty batch. */
export async function* readBatches<KeyIn, KeyOut, ValOut>(
  attempt: Attempt,
  subspace: Subspace<KeyIn, KeyOut, never, ValOut>,
  isSnapshot: boolean,
  range: SelectorRange,
  options: RangeOptions | undefined,
  usualMode: number,
): AsyncGenerator<Row<KeyOut, ValOut>[], void> {
  const reverse = options?.reverse ?? false;
  const limit = checkedLimit(options?.limit);
  const mode = options?.streamingMode ?? usualMode;
  const targetBytes = checkedLimit(options?.targetBytes);
  let { begin, end } = range;
  let left = limit;
  for (let iteration = 1; ; iteration++) {
    const { results, more } = await orAborted(
      readBatch(attempt, isSnapshot, { begin, end, limit: left, targetBytes, mode, iteration, reverse }),
      options?.signal,
    );
    if (results.length > 0 || iteration === 1) yield unpackRows(subspace, results);
    const last = results.at(-1);
    if (limit > 0) left -= results.length;
    if (!more || !last || (limit > 0 && left <= 0)) return;
    if (reverse) end = keySelector.firstGreaterOrEqual(last[0]);
    else begin = keySelector.firstGreaterThan(last[0]);
  }
}

/** Rows of bytes as a subspace encodes them. */
export function unpackRows<KeyOut, ValOut>(
  subspace: Subspace<never, KeyOut, never, ValOut>,
  rows: Row[],
): Row<KeyOut, ValOut>[] {
  if (subspace.isRaw) return rows as unknown as Row<KeyOut, ValOut>[];
  return rows.map(([key, value]) => [subspace.unpackKey(key), subspace.unpackValue(value)]);
}

/** A limit of rows or bytes; 0 and -1 are no limit. */
function checkedLimit(limit = 0): number {
  if (limit === -1) return 0;
  if (Number.isInteger(limit) && limit >= 0) return Math.min(limit, 0xffffffff);
  throw fdbError(errorCodes.range_limits_invalid, `a limit of 0 or more was expected, found ${limit}`);
}

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

/** Reads the rows of a range, batch after batch. */
export class BatchWalk {
  readonly #attempt: Attempt;
  readonly #isSnapshot: boolean;
  readonly #signal: AbortSignal | undefined;
  /** The next batch; undefined after the last one. */
  #request: BatchRequest | undefined;

  constructor(
    attempt: Attempt,
    isSnapshot: boolean,
    { begin, end }: SelectorRange,
    options: RangeOptions | undefined,
    usualMode: number,
  ) {
    this.#attempt = attempt;
    this.#isSnapshot = isSnapshot;
    this.#signal = options?.signal;
    this.#request = {
      begin,
      end,
      limit: checkedLimit(options?.limit),
      targetBytes: checkedLimit(options?.targetBytes),
      mode: options?.streamingMode ?? usualMode,
      iteration: 1,
      reverse: options?.reverse ?? false,
    };
  }

  get isDone(): boolean {
    return this.#request === undefined;
  }

  async next(): Promise<Row[]> {
    const request = this.#request;
    if (!request) return [];
    const { results, more } = await orAborted(
      readBatch(this.#attempt, this.#isSnapshot, request),
      this.#signal,
    );
    const last = results.at(-1);
    const limit = request.limit > 0 ? request.limit - results.length : 0;
    this.#request = undefined;
    if (!more || !last || (request.limit > 0 && limit <= 0)) return results;
    const [key] = last;
    const rest = request.reverse
      ? { end: keySelector.firstGreaterOrEqual(key) }
      : { begin: keySelector.firstGreaterThan(key) };
    this.#request = { ...request, ...rest, limit, iteration: request.iteration + 1 };
    return results;
  }
}

/** The rows of a range, batch after batch. An empty range gives one empty batch. */
export async function* readBatches<KeyOut, ValOut>(
  walk: BatchWalk,
  subspace: Subspace<never, KeyOut, never, ValOut>,
): AsyncGenerator<Row<KeyOut, ValOut>[], void> {
  for (let isFirst = true; !walk.isDone; isFirst = false) {
    const rows = await walk.next();
    if (rows.length > 0 || isFirst) yield unpackRows(subspace, rows);
  }
}

/** The rows of a range, all together. */
export async function readAll<KeyOut, ValOut>(
  walk: BatchWalk,
  subspace: Subspace<never, KeyOut, never, ValOut>,
): Promise<Row<KeyOut, ValOut>[]> {
  const rows = await walk.next();
  while (!walk.isDone) for (const row of await walk.next()) rows.push(row);
  return unpackRows(subspace, rows);
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

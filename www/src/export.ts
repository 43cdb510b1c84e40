import { type BytesLike, toBytes } from './bytes.js';
import { call, type ExportHandle, type ImportHandle, settle } from './engine.js';
import { errorCodes } from './error-codes.js';
import { fdbError } from './fdb-error.js';
import { type KeyRange, prefixRange } from './range.js';
import { orAborted } from './signal.js';

/** How far an export or import is. */
export interface TransferProgress {
  /** Bytes of the export so far: given out, or committed by an import. */
  bytes: number;
  /** Rows in them. One that changed while the export was made counts again. */
  rows: number;
}

/** How far an export is. */
export interface ExportProgress extends TransferProgress {
  /**
   * Keys, and ranges of keys, that were left out because a page is damaged. Above 0 only in a database that was
   * opened with `salvage`; in any other, damage makes the export fail.
   */
  skipped: number;
}

/** Options of {@link Database.export}. */
export interface ExportOptions {
  /** The first key; the lowest one if it is left out. */
  begin?: BytesLike | undefined;
  /** The key after the last one; the end of the key space if it is left out. */
  end?: BytesLike | undefined;
  /** Makes the stream fail with the signal's reason when it aborts. */
  signal?: AbortSignal | undefined;
  /** Called after each piece of the stream. */
  onProgress?: ((progress: ExportProgress) => void) | undefined;
}

/** Options of {@link Database.importFrom}. */
export interface ImportOptions {
  /**
   * What becomes of the keys that are there, in the range that was exported. `empty` (the default): there
   * must be none. `replace`: they are cleared first. `merge`: they stay, unless the export has them; keys
   * that were cleared while the export was made are cleared here too.
   */
  into?: 'empty' | 'replace' | 'merge' | undefined;
  /** Ends the import with the signal's reason when it aborts. What was committed stays. */
  signal?: AbortSignal | undefined;
  /** Called after each piece of the stream. */
  onProgress?: ((progress: TransferProgress) => void) | undefined;
}

/** What {@link Database.importFrom} reads: a stream, or anything that gives bytes in order. */
export type ByteSource = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** The range that an export is about. */
export function exportedRange(prefix: Uint8Array, options: ExportOptions | undefined): KeyRange {
  const { begin, end } = prefixRange(prefix);
  return {
    begin: options?.begin === undefined ? begin : toBytes(options.begin),
    end: options?.end === undefined ? end : toBytes(options.end),
  };
}

/** An export's frames as a stream, each made when it is asked for. */
export function exportStream(
  exporting: ExportHandle | Promise<ExportHandle>,
  options: ExportOptions | undefined,
): ReadableStream<Uint8Array> & AsyncIterable<Uint8Array> {
  const { signal, onProgress } = options ?? {};
  // It is told to whoever reads the stream.
  if (exporting instanceof Promise) exporting.catch(() => undefined);
  let bytes = 0;
  let isFreed = false;
  let abort = () => {};
  const free = () => {
    if (isFreed) return;
    isFreed = true;
    signal?.removeEventListener('abort', abort);
    Promise.resolve(exporting).then(
      (handle) => handle.free(),
      () => undefined,
    );
  };
  const source: UnderlyingDefaultSource<Uint8Array> = {
    start(controller) {
      abort = () => {
        controller.error(signal?.reason);
        free();
      };
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted) abort();
    },
    async pull(controller) {
      try {
        const handle = await exporting;
        if (isFreed) return;
        const frame = (await settle(call(() => handle.next()))) as Uint8Array | undefined;
        if (isFreed) return;
        if (frame === undefined) {
          free();
          controller.close();
          return;
        }
        bytes += frame.length;
        onProgress?.({ bytes, rows: handle.rowCount(), skipped: handle.skippedCount() });
        controller.enqueue(frame);
      } catch (error) {
        // After an abort the stream has failed already, with the signal's reason.
        if (isFreed) return;
        free();
        throw error;
      }
    },
    cancel: free,
  };
  // One frame is made at a time, when somebody waits for it.
  const stream = new ReadableStream(source, { highWaterMark: 0 });
  return iterable(stream);
}

/** The stream with `for await`, also where streams do not have it. */
function iterable(
  stream: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> & AsyncIterable<Uint8Array> {
  if (!(Symbol.asyncIterator in stream)) {
    Object.defineProperty(stream, Symbol.asyncIterator, { value: () => piecesOf(stream) });
  }
  return stream as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>;
}

const IMPORT_MODES = ['empty', 'replace', 'merge'] as const;

/** The engine's number of an import mode. */
export function importMode(options: ImportOptions | undefined): number {
  const mode = IMPORT_MODES.indexOf(options?.into ?? 'empty');
  if (mode >= 0) return mode;
  const expected = IMPORT_MODES.map((name) => `'${name}'`).join(', ');
  const message = `into: one of ${expected} was expected, found ${String(options?.into)}`;
  throw fdbError(errorCodes.invalid_option_value, message);
}

/** Bytes that cross into the engine at once: a source may give a whole file as one piece. */
const PIECE_BYTES_MAX = 65_536;

/** Imports everything that a source gives. */
export async function importAll(
  handle: ImportHandle,
  source: ByteSource,
  options: ImportOptions | undefined,
): Promise<TransferProgress> {
  const { signal, onProgress } = options ?? {};
  let last = -1;
  const tell = (told: unknown): TransferProgress => {
    const [bytes, rows] = told as [number, number];
    if (bytes > last) onProgress?.({ bytes, rows });
    last = bytes;
    return { bytes, rows };
  };
  const pieces = piecesOf(source);
  let isReading = false;
  try {
    for (;;) {
      signal?.throwIfAborted();
      isReading = true;
      const { value, done } = await orAborted(Promise.resolve(pieces.next()), signal);
      isReading = false;
      if (done) break;
      if (!(value instanceof Uint8Array)) throw new TypeError('a source of Uint8Arrays was expected');
      for (let at = 0; at < value.length; at += PIECE_BYTES_MAX) {
        signal?.throwIfAborted();
        const piece = value.subarray(at, at + PIECE_BYTES_MAX);
        tell(await settle(call(() => handle.write(piece))));
      }
    }
    return tell(await settle(call(() => handle.finish())));
  } catch (error) {
    // A source that is waited for answers when it can: nobody waits for that.
    const ended = Promise.resolve(pieces.return?.(undefined)).catch(() => undefined);
    if (!isReading) await ended;
    throw error;
  } finally {
    handle.free();
  }
}

/** The pieces of a source; `return` cancels a stream. */
function piecesOf(source: ByteSource): AsyncIterator<Uint8Array> | Iterator<Uint8Array> {
  if (source && typeof (source as ReadableStream<Uint8Array>).getReader === 'function') {
    return readerOf(source as ReadableStream<Uint8Array>);
  }
  if (source && Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  if (source && Symbol.iterator in source && !(source instanceof Uint8Array))
    return source[Symbol.iterator]();
  throw new TypeError('a stream or an iterable of Uint8Arrays was expected');
}

/** A stream as an iterator whose `return` also ends a read that is under way. */
function readerOf(stream: ReadableStream<Uint8Array>): AsyncIterableIterator<Uint8Array> {
  const reader = stream.getReader();
  return {
    async next() {
      const { value, done } = await reader.read();
      return done ? { value: undefined, done: true } : { value, done: false };
    },
    async return() {
      await reader.cancel();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

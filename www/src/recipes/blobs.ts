import { type Database, keySelector, type Transaction, type TupleItem, tuple } from '../exports.js';
import { isEqual, type Place, randomId, type TupleSpace, tupleSpace } from './common.js';

/** What a blob is written from. A `Response`'s `body` and a `File` are among it. */
export type BlobSource =
  | Uint8Array
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>;

/** Options of {@link Blobs}. */
export interface BlobsOptions {
  /** Milliseconds that readers have to finish after what they read was replaced; a minute is the default. */
  graceMs?: number | undefined;
}

/** Which bytes to read: `begin <= position < end`. */
export interface BlobRange {
  begin?: number | undefined;
  end?: number | undefined;
}

/** Bytes of a value. */
const CHUNK_BYTES = 50_000;
/** Bytes of a transaction of those that stream: far below the limit, so that it is quick. */
const BATCH_BYTES = 20 * CHUNK_BYTES;

/** The id of no content. */
const BEFORE = /* @__PURE__ */ new Uint8Array(0);

/** Where the bytes of a blob are. */
interface Content {
  id: Uint8Array;
  size: number;
}

/**
 * Bytes of any size under names. A name points at a content, which is stored in chunks; a new content is written
 * beside the old one, in many transactions, and a last one moves the name to it. So everybody finds
 * the old blob whole or the new one whole, and a blob whose writer died is not found at all.
 *
 * Contents that no name points at, old ones and unfinished ones, are condemned: the next `write` or `sweep`
 * deletes those that were condemned longer than the grace ago. Until then readers under way can read on.
 *
 * @example
 * ```ts
 * const photos = new Blobs<string>(new Subspace('photos'));
 * const response = await fetch('/photo.jpg');
 * await photos.write(db, 'photo', response.body ?? []);
 * const stream = await photos.stream(db, 'photo');
 * const image = stream && (await new Response(stream).blob());
 * ```
 */
export class Blobs<K extends TupleItem> {
  readonly #names: TupleSpace;
  readonly #chunks: TupleSpace;
  readonly #condemned: TupleSpace;
  readonly #graceMs: number;

  constructor(place: Place, { graceMs = 60_000 }: BlobsOptions = {}) {
    const space = tupleSpace(place);
    this.#names = space.at([0]);
    this.#chunks = space.at([1]);
    this.#condemned = space.at([2]);
    this.#graceMs = graceMs;
  }

  /**
   * Bytes of a blob, `undefined` if there is none of this name.
   *
   * @example
   * ```ts
   * const bytes = await photos.size(tn, 'photo');
   * ```
   */
  async size(tn: Transaction, name: K): Promise<number | undefined> {
    return (await this.#content(tn, name))?.size;
  }

  /**
   * The names and sizes of all blobs.
   *
   * @example
   * ```ts
   * for await (const [name, size] of photos.list(tn)) console.log(name, size);
   * ```
   */
  async *list(tn: Transaction): AsyncGenerator<[name: K, size: number], void> {
    const { begin, end } = this.#names.packRange([]);
    for await (const [key, value] of tn.getRange(begin, end)) {
      yield [this.#names.unpackKey(key)[0] as K, contentOf(value).size];
    }
  }

  /**
   * A whole blob, or bytes of it, at once. For those that fit into a transaction's five seconds.
   *
   * @example
   * ```ts
   * const firstBytes = await photos.get(tn, 'photo', { end: 100 });
   * ```
   */
  async get(tn: Transaction, name: K, range: BlobRange = {}): Promise<Uint8Array | undefined> {
    const content = await this.#content(tn, name);
    if (content === undefined) return undefined;
    const { begin, end } = clamped(content.size, range);
    const bytes = new Uint8Array(end - begin);
    for (let at = begin; at < end; ) {
      for (const piece of await this.#pieces(tn, content, at, end)) {
        bytes.set(piece, at - begin);
        at += piece.length;
      }
    }
    return bytes;
  }

  /**
   * Stores a blob with whatever else the transaction does. Its limit of 10,000,000 bytes counts.
   *
   * @example
   * ```ts
   * await photos.set(tn, 'icon', new Uint8Array([1, 2, 3]));
   * ```
   */
  async set(tn: Transaction, name: K, bytes: Uint8Array): Promise<void> {
    const content = { id: randomId(), size: bytes.length };
    this.#store(tn, content.id, 0, bytes);
    await this.#point(tn, name, content);
  }

  /**
   * Removes a blob: whether it was there.
   *
   * @example
   * ```ts
   * const wasThere = await photos.delete(tn, 'photo');
   * ```
   */
  async delete(tn: Transaction, name: K): Promise<boolean> {
    const content = await this.#content(tn, name);
    if (content === undefined) return false;
    tn.clear(this.#names.packKey([name]));
    this.#condemn(tn, content.id);
    return true;
  }

  /**
   * Stores a blob of any size, and answers its size. It is there all at once when this resolves. If the
   * source fails, the error is passed on and nothing has changed.
   */
  async write(db: Database, name: K, source: BlobSource): Promise<number> {
    await this.sweep(db);
    const content = { id: randomId(), size: 0 };
    try {
      for await (const batch of batches(iterable(source))) {
        const at = content.size;
        await db.doTransaction(async (tn) => {
          if (at > 0) await this.#checkUnswept(tn, content.id);
          this.#condemn(tn, content.id);
          this.#store(tn, content.id, at, batch);
        });
        content.size += batch.length;
      }
      await db.doTransaction(async (tn) => {
        // An attempt whose answer was lost has done it.
        const current = await this.#content(tn, name);
        if (current !== undefined && isEqual(current.id, content.id)) return;
        await this.#checkUnswept(tn, content.id);
        tn.clear(this.#condemned.packKey([content.id]));
        await this.#point(tn, name, content);
      });
    } catch (error) {
      await this.#abandon(db, content.id);
      throw error;
    }
    return content.size;
  }

  /**
   * Reads a blob of any size piece by piece, as it is now, also if it is replaced meanwhile; `undefined` if
   * there is none of this name. Fails if that takes longer than the grace.
   *
   * @example
   * ```ts
   * for await (const chunk of (await photos.read(db, 'photo')) ?? []) console.log(chunk.length);
   * ```
   */
  async read(db: Database, name: K, range: BlobRange = {}): Promise<AsyncGenerator<Uint8Array> | undefined> {
    const content = await db.doTransaction((tn) => this.#content(tn, name));
    return content && this.#stream(db, content, range);
  }

  /** The same as a stream, such as `new Response` takes it. */
  async stream(
    db: Database,
    name: K,
    range: BlobRange = {},
  ): Promise<ReadableStream<Uint8Array> | undefined> {
    const pieces = await this.read(db, name, range);
    if (pieces === undefined) return undefined;
    return new ReadableStream({
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await pieces.return(undefined);
      },
    });
  }

  /**
   * Deletes what has been condemned for longer than the grace, and answers how many contents that were.
   *
   * @example
   * ```ts
   * const deleted = await photos.sweep(db);
   * ```
   */
  async sweep(db: Database): Promise<number> {
    return db.doTransaction(async (tn) => {
      const { begin, end } = this.#condemned.packRange([]);
      let count = 0;
      for (const [key, since] of await tn.snapshot().getRangeAll(begin, end)) {
        if (Date.now() - (tuple.unpack(since)[0] as number) < this.#graceMs) continue;
        // Its writer may be about to make something of it.
        tn.addReadConflictKey(key);
        this.#erase(tn, this.#condemned.unpackKey(key)[0] as Uint8Array);
        count++;
      }
      return count;
    });
  }

  async #content(tn: Transaction, name: K): Promise<Content | undefined> {
    const bytes = await tn.get(this.#names.packKey([name]));
    return bytes && contentOf(bytes);
  }

  /** Has the name point at a content, and condemns what it pointed at. */
  async #point(tn: Transaction, name: K, { id, size }: Content): Promise<void> {
    const old = await this.#content(tn, name);
    if (old !== undefined) this.#condemn(tn, old.id);
    tn.set(this.#names.packKey([name]), tuple.pack([id, size]));
  }

  #condemn(tn: Transaction, id: Uint8Array): void {
    tn.set(this.#condemned.packKey([id]), tuple.pack([Date.now()]));
  }

  async #checkUnswept(tn: Transaction, id: Uint8Array): Promise<void> {
    if (await tn.exists(this.#condemned.packKey([id]))) return;
    throw new Error(`a piece within ${this.#graceMs} ms was expected from the source of a blob`);
  }

  #erase(tn: Transaction, id: Uint8Array): void {
    const { begin, end } = this.#chunks.packRange([id]);
    tn.clearRange(begin, end);
    tn.clear(this.#condemned.packKey([id]));
  }

  /** Deletes what was written so far. If that fails as well, it is still condemned. */
  async #abandon(db: Database, id: Uint8Array): Promise<void> {
    const abandoned = db.doTransaction(async (tn) => {
      if (await tn.exists(this.#condemned.packKey([id]))) this.#erase(tn, id);
    });
    await abandoned.catch(() => undefined);
  }

  #store(tn: Transaction, id: Uint8Array, position: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      tn.set(this.#chunks.packKey([id, position + at]), bytes.subarray(at, at + CHUNK_BYTES));
    }
  }

  async *#stream(db: Database, content: Content, range: BlobRange): AsyncGenerator<Uint8Array, void> {
    const { begin, end } = clamped(content.size, range);
    for (let at = begin; at < end; ) {
      const pieces = await db.doTransaction((tn) => this.#pieces(tn, content, at, end));
      for (const piece of pieces) {
        yield piece;
        at += piece.length;
      }
    }
  }

  /** The bytes from a position on, up to an end or the size of a batch. At least one chunk of them. */
  async #pieces(tn: Transaction, { id }: Content, at: number, end: number): Promise<Uint8Array[]> {
    const first = keySelector.lastLessOrEqual(this.#chunks.packKey([id, at]));
    // Chunks never change, so there is nothing to conflict about.
    const rows = await tn.snapshot().getRangeAll(first, this.#chunks.packKey([id, end]), {
      limit: BATCH_BYTES / CHUNK_BYTES,
    });
    const pieces = rows.map(([key, chunk]) => {
      const position = this.#chunks.contains(key) ? this.#chunks.unpackKey(key) : [BEFORE];
      if (!isEqual(position[0] as Uint8Array, id)) throw new Error('a blob was replaced while it was read');
      const begin = position[1] as number;
      return chunk.subarray(Math.max(0, at - begin), end - begin);
    });
    if (pieces.length === 0) throw new Error('a blob was replaced while it was read');
    return pieces;
  }
}

function contentOf(bytes: Uint8Array): Content {
  const [id, size] = tuple.unpack(bytes) as [Uint8Array, number];
  return { id, size };
}

function clamped(size: number, { begin = 0, end = size }: BlobRange): { begin: number; end: number } {
  const last = Math.min(Math.max(end, 0), size);
  return { begin: Math.min(Math.max(begin, 0), last), end: last };
}

/** Bytes in batches, all but the last of one size; one that is empty if there are none. */
async function* batches(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
  let batch = new Uint8Array(BATCH_BYTES);
  let used = 0;
  let count = 0;
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + BATCH_BYTES - used);
      batch.set(piece, used);
      used += piece.length;
      at += piece.length;
      if (used < BATCH_BYTES) continue;
      yield batch;
      batch = new Uint8Array(BATCH_BYTES);
      used = 0;
      count++;
    }
  }
  if (used > 0 || count === 0) yield batch.subarray(0, used);
}

function iterable(source: BlobSource): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  if (source instanceof Uint8Array) return [source];
  if (source instanceof Blob) return iterable(source.stream());
  return source instanceof ReadableStream && !(Symbol.asyncIterator in source) ? chunksOf(source) : source;
}

/** For browsers whose streams can't be iterated. */
async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}

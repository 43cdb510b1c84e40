import { type BytesLike, keyAfter, toBytes } from './bytes.js';
import { type SubscriptionHandle, settle } from './engine.js';
import { errorCodes } from './error-codes.js';
import { FDBError } from './fdb-error.js';
import { type KeyRange, prefixRange } from './range.js';
import { versionBytes } from './version.js';

/** What {@link Database.subscribe} follows: a key, the keys that begin with a prefix, or a range. */
export type Subject = BytesLike | { prefix: BytesLike } | { begin: BytesLike; end: BytesLike };

/**
 * What has changed up to a version. Whoever keeps a copy drops its keys inside `replaced` and then does
 * `changes`.
 */
export interface Changes {
  /** The version at which the values were read: eight bytes, big-endian. */
  version: Uint8Array;
  /** Changed keys in ascending order with their values, `undefined` for one that is gone. */
  changes: [key: Uint8Array, value: Uint8Array | undefined][];
  /** Ranges whose keys are gone unless `changes` has them: everything at first, later what was cleared. */
  replaced: KeyRange[];
}

/** Options of {@link Database.subscribe}. */
export interface SubscribeOptions {
  /** Ends the subscription when it aborts. */
  signal?: AbortSignal | undefined;
}

/** A running subscription. */
export interface Subscription {
  /** Resolves when it has ended: closed, aborted, or the database closed. Rejects when it failed. */
  readonly ended: Promise<void>;
  /** Ends it. Harmless when it has ended. */
  close(): void;
}

/** The range of a subject. */
export function subjectRange(subject: Subject): KeyRange {
  if (typeof subject === 'string' || subject instanceof Uint8Array) {
    const begin = toBytes(subject);
    return { begin, end: keyAfter(begin) };
  }
  if ('prefix' in subject) return prefixRange(subject.prefix);
  return { begin: toBytes(subject.begin), end: toBytes(subject.end) };
}

const GONE = 0xffffffff;

/** Decodes what the engine packed: the replaced ranges as rows, then the changed keys. */
function unpackChanges(version: number, chunk: Uint8Array): Changes {
  const header = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const count = header.getUint32(0, true);
  const ranges = header.getUint32(4, true);
  const changes: Changes = { version: versionBytes(version), changes: [], replaced: [] };
  let offset = 8 + count * 8;
  for (let index = 0, place = 8; index < count; index++, place += 8) {
    const keyEnd = offset + header.getUint32(place, true);
    const length = header.getUint32(place + 4, true);
    const valueEnd = length === GONE ? keyEnd : keyEnd + length;
    const key = chunk.subarray(offset, keyEnd);
    const value = length === GONE ? undefined : chunk.subarray(keyEnd, valueEnd);
    if (index < ranges) changes.replaced.push({ begin: key, end: value ?? key });
    else changes.changes.push([key, value]);
    offset = valueEnd;
  }
  return changes;
}

/** The changes one after another, until the subscription is cancelled or the database closed. */
export async function* follow(
  handle: SubscriptionHandle,
  signal: AbortSignal | undefined,
): AsyncGenerator<Changes, void> {
  const cancel = () => handle.cancel();
  signal?.addEventListener('abort', cancel);
  try {
    while (!signal?.aborted) {
      const [version, chunk] = await settle(handle.next() as Promise<[number, Uint8Array]>);
      if (!signal?.aborted) yield unpackChanges(version, chunk);
    }
  } catch (error) {
    if (!(error instanceof FDBError) || error.code !== errorCodes.operation_cancelled) throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
    handle.free();
  }
}

/** Calls back with the changes, one call after another. What a callback throws is reported. */
export function callBack(
  handle: SubscriptionHandle,
  callback: (changes: Changes) => unknown,
  signal: AbortSignal | undefined,
): Subscription {
  const closing = new AbortController();
  const close = () => closing.abort();
  if (signal?.aborted) close();
  signal?.addEventListener('abort', close);
  const deliver = async () => {
    for await (const changes of follow(handle, closing.signal)) {
      try {
        await callback(changes);
      } catch (error) {
        report(error);
      }
    }
  };
  const ended = deliver().finally(() => signal?.removeEventListener('abort', close));
  ended.catch(() => undefined);
  return { ended, close };
}

/** Tells an error as one that nobody caught, without ending anything. */
function report(error: unknown): void {
  if (typeof reportError === 'function') reportError(error);
  else console.error(error);
}

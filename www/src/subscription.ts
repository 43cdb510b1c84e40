import { type BytesLike, keyAfter } from './bytes.js';
import { keyRange } from './encoded-range.js';
import { call, type SubscriptionHandle, settle } from './engine.js';
import { errorCodes } from './error-codes.js';
import { FDBError } from './fdb-error.js';
import type { KeyRange } from './range.js';
import type { Subspace } from './subspace.js';
import { versionBytes } from './version.js';

/** What {@link Database.subscribe} follows: a key, the keys that begin with a prefix, or a range. */
export type Subject<KeyIn = BytesLike> = KeyIn | { prefix: KeyIn } | { begin: KeyIn; end: KeyIn };

/**
 * What has changed up to a version. Whoever keeps a copy drops its keys that are replaced and then does
 * `changes`.
 */
export interface Changes<KeyIn = BytesLike, KeyOut = Uint8Array, Value = Uint8Array> {
  /** The version at which the values were read: eight bytes, big-endian. */
  version: Uint8Array;
  /** Changed keys in ascending order of their bytes with their values, `undefined` for one that is gone. */
  changes: [key: KeyOut, value: Value | undefined][];
  /**
   * Ranges whose keys are gone unless `changes` has them: everything at first, later what was cleared. Bytes
   * with the prefix of the subspace, since the ends of ranges need not be keys of an encoding.
   */
  replaced: KeyRange[];
  /**
   * Whether a key is in one of these ranges.
   *
   * @example
   * ```ts
   * const copy = new Map<string, string>();
   * db.at('todo/', encoders.string, encoders.string).subscribe({ prefix: '' }, ({ isReplaced }) => {
   *   for (const key of copy.keys()) if (isReplaced(key)) copy.delete(key);
   * });
   * ```
   */
  isReplaced(key: KeyIn): boolean;
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
  /**
   * Ends it. Harmless when it has ended.
   *
   * @example
   * ```ts
   * const subscription = db.subscribe('inbox', () => console.log('changed'));
   * subscription.close();
   * ```
   */
  close(): void;
}

/** The range of a subject. */
export function subjectRange<KeyIn>(subspace: Keys<KeyIn>, subject: Subject<KeyIn>): KeyRange {
  if (isRange(subject)) {
    if ('prefix' in subject) return subspace.packRange(subject.prefix as KeyIn);
    return keyRange(subspace, subject.begin as KeyIn, subject.end as KeyIn);
  }
  const begin = subspace.keyBytes(subject as KeyIn);
  return { begin, end: keyAfter(begin) };
}

type Keys<KeyIn> = Subspace<KeyIn, unknown, never, unknown>;

function isRange(subject: unknown): subject is { prefix: unknown } | { begin: unknown; end: unknown } {
  if (typeof subject !== 'object' || subject === null) return false;
  return (
    Object.hasOwn(subject, 'prefix') || (Object.hasOwn(subject, 'begin') && Object.hasOwn(subject, 'end'))
  );
}

const GONE = 0xffffffff;

/** Makes changes of what the engine packed. */
export type ChangesDecoder<KeyIn, KeyOut, Value> = (
  version: number,
  chunk: Uint8Array,
) => Changes<KeyIn, KeyOut, Value>;

/** Decodes what the engine packed, the replaced ranges as rows, then the changed keys, for a subspace. */
export function changesDecoder<KeyIn, KeyOut, Value>(
  subspace: Subspace<KeyIn, KeyOut, never, Value>,
  own: (bytes: Uint8Array) => Uint8Array,
): ChangesDecoder<KeyIn, KeyOut, Value> {
  return (version, packed) => {
    const chunk = own(packed);
    const header = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const count = header.getUint32(0, true);
    const ranges = header.getUint32(4, true);
    const replaced: KeyRange[] = [];
    const changes: Changes<KeyIn, KeyOut, Value>['changes'] = [];
    let offset = 8 + count * 8;
    for (let index = 0, place = 8; index < count; index++, place += 8) {
      const keyEnd = offset + header.getUint32(place, true);
      const length = header.getUint32(place + 4, true);
      const valueEnd = length === GONE ? keyEnd : keyEnd + length;
      const key = chunk.subarray(offset, keyEnd);
      const value = length === GONE ? undefined : chunk.subarray(keyEnd, valueEnd);
      if (index < ranges) replaced.push({ begin: key, end: value ?? key });
      else changes.push([subspace.unpackKey(key), value && subspace.unpackValue(value)]);
      offset = valueEnd;
    }
    const isReplaced = (key: KeyIn) => {
      const bytes = subspace.keyBytes(key);
      return replaced.some(({ begin, end }) => compare(begin, bytes) <= 0 && compare(bytes, end) < 0);
    };
    return { version: own(versionBytes(version)), changes, replaced, isReplaced };
  };
}

/** Negative, zero or positive, as the first bytes sort before, are, or sort after the others. */
function compare(first: Uint8Array, second: Uint8Array): number {
  const length = Math.min(first.length, second.length);
  for (let index = 0; index < length; index++) {
    const difference = (first[index] as number) - (second[index] as number);
    if (difference !== 0) return difference;
  }
  return first.length - second.length;
}

/** The changes one after another, until the subscription is cancelled or the database closed. */
export async function* follow<KeyIn, KeyOut, Value>(
  opening: SubscriptionHandle | Promise<SubscriptionHandle>,
  decode: ChangesDecoder<KeyIn, KeyOut, Value>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Changes<KeyIn, KeyOut, Value>, void> {
  const handle = await opening;
  const cancel = () => handle.cancel();
  signal?.addEventListener('abort', cancel);
  try {
    while (!signal?.aborted) {
      const [version, chunk] = await settle(call(() => handle.next()) as Promise<[number, Uint8Array]>);
      if (!signal?.aborted) yield decode(version, chunk);
    }
  } catch (error) {
    if (!(error instanceof FDBError) || error.code !== errorCodes.operation_cancelled) throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
    handle.free();
  }
}

/** Calls back with the changes, one call after another. What a callback throws is reported. */
export function callBack<KeyIn, KeyOut, Value>(
  handle: SubscriptionHandle | Promise<SubscriptionHandle>,
  decode: ChangesDecoder<KeyIn, KeyOut, Value>,
  callback: (changes: Changes<KeyIn, KeyOut, Value>) => unknown,
  signal: AbortSignal | undefined,
): Subscription {
  const closing = new AbortController();
  const close = () => closing.abort();
  if (signal?.aborted) close();
  signal?.addEventListener('abort', close);
  const deliver = async () => {
    for await (const changes of follow(handle, decode, closing.signal)) {
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

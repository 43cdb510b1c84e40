import { type KeySelector, keySelector, toSelector } from './key-selector.js';
import type { KeyRange } from './range.js';
import type { Subspace } from './subspace.js';
import { type SubspaceEnd, subspaceEnd } from './subspace-end.js';

/** Where a range begins: at a key, or where a selector selects. */
export type RangeStart<KeyIn> = KeyIn | KeySelector<KeyIn>;

/** Where a range of keys ends, without what is there; nothing for the keys below its start. */
export type KeyRangeEnd<KeyIn> = KeyIn | SubspaceEnd | null | undefined;

/** The same of a range read, which may end where a selector selects. */
export type RangeEnd<KeyIn> = KeyIn | KeySelector<KeyIn> | SubspaceEnd | null | undefined;

/** A range between two selectors of bytes. */
export interface SelectorRange {
  begin: KeySelector<Uint8Array>;
  end: KeySelector<Uint8Array>;
}

type Keys<KeyIn> = Subspace<KeyIn, unknown, never, unknown>;

/** The bytes between two keys of a subspace; without an end, what the encoding says is below `start`. */
export function keyRange<KeyIn>(subspace: Keys<KeyIn>, start: KeyIn, end: KeyRangeEnd<KeyIn>): KeyRange {
  if (end === undefined || end === null) return subspace.packRange(start);
  if (end === subspaceEnd) return subspace.packRangeFrom(start);
  return { begin: subspace.keyBytes(start), end: subspace.keyBytes(end as KeyIn) };
}

/**
 * The selectors between two keys or selectors of a subspace. Without an end the range is that of the keys
 * below the start's key, and the start selects from where it begins.
 */
export function selectorRange<KeyIn>(
  subspace: Keys<KeyIn>,
  start: RangeStart<KeyIn>,
  end: RangeEnd<KeyIn>,
): SelectorRange {
  const from = toSelector(start);
  if (end === undefined || end === null) {
    const range = subspace.packRange(from.key);
    return {
      begin: keySelector(range.begin, from.orEqual, from.offset),
      end: keySelector.firstGreaterOrEqual(range.end),
    };
  }
  const begin = packSelector(subspace, from);
  if (end === subspaceEnd) {
    return { begin, end: keySelector.firstGreaterOrEqual(subspace.packRangeFrom().end) };
  }
  return { begin, end: packSelector(subspace, toSelector(end as KeyIn | KeySelector<KeyIn>)) };
}

/** The selector of a key's bytes. */
export function packSelector<KeyIn>(
  subspace: Keys<KeyIn>,
  { key, orEqual, offset }: KeySelector<KeyIn>,
): KeySelector<Uint8Array> {
  return keySelector(subspace.keyBytes(key), orEqual, offset);
}

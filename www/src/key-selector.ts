import type { BytesLike } from './bytes.js';
import type { Transformer } from './transformer.js';

/**
 * Selects, of the sorted keys, the one `offset` places after the last one that is less than `key` (or
 * less than or equal to it, with `orEqual`). Made by {@link keySelector}.
 */
export interface KeySelector<Key = BytesLike> {
  readonly key: Key;
  readonly orEqual: boolean;
  readonly offset: number;
  /** @internal */
  readonly _isKeySelector: true;
}

function make<Key = BytesLike>(key: Key, orEqual: boolean, offset: number): KeySelector<Key> {
  return { key, orEqual, offset, _isKeySelector: true };
}

/** The selector of a key: the first key at or after it. A selector stays what it is. */
export function toSelector<Key = BytesLike>(selector: Key | KeySelector<Key>): KeySelector<Key> {
  return isKeySelector<Key>(selector) ? selector : make(selector, false, 1);
}

function isKeySelector<Key = BytesLike>(value: unknown): value is KeySelector<Key> {
  return typeof value === 'object' && value !== null && '_isKeySelector' in value;
}

function add<Key>(selector: KeySelector<Key>, places: number): KeySelector<Key> {
  return make(selector.key, selector.orEqual, selector.offset + places);
}

/**
 * Makes key selectors: keys by their place among the keys that are there.
 *
 * @example
 * ```ts
 * const newest = await tn.getKey(keySelector.lastLessThan('event0'));
 * ```
 */
export const keySelector = /* @__PURE__ */ Object.assign(make, {
  /** The last key less than `key`. */
  lastLessThan: <Key = BytesLike>(key: Key) => make(key, false, 0),
  /** The last key less than or equal to `key`. */
  lastLessOrEqual: <Key = BytesLike>(key: Key) => make(key, true, 0),
  /** The first key greater than `key`. */
  firstGreaterThan: <Key = BytesLike>(key: Key) => make(key, true, 1),
  /** The first key greater than or equal to `key`. */
  firstGreaterOrEqual: <Key = BytesLike>(key: Key) => make(key, false, 1),
  /** The selector some places further on, or back. */
  add,
  /** The selector one place further on. */
  next: <Key>(selector: KeySelector<Key>) => add(selector, 1),
  /** The selector one place back. */
  prev: <Key>(selector: KeySelector<Key>) => add(selector, -1),
  /** Whether something is a key selector. */
  isKeySelector,
  /** The selector of a key; a selector stays what it is. */
  from: toSelector,
  /** The selector of a key's bytes. */
  toNative: <Key>(selector: KeySelector<Key>, transformer: Transformer<Key, unknown>) =>
    make(transformer.pack(selector.key), selector.orEqual, selector.offset),
});

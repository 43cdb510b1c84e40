import type { BytesLike } from './bytes.js';

/**
 * Selects, of the sorted keys, the one `offset` places after the last one that is less than `key` (or
 * less than or equal to it, with `orEqual`). Made by {@link keySelector}.
 */
export interface KeySelector {
  readonly key: BytesLike;
  readonly orEqual: boolean;
  readonly offset: number;
  /** @internal */
  readonly _isKeySelector: true;
}

function make(key: BytesLike, orEqual: boolean, offset: number): KeySelector {
  return { key, orEqual, offset, _isKeySelector: true };
}

/** The selector of a key: the first key at or after it. A selector stays what it is. */
export function toSelector(selector: BytesLike | KeySelector): KeySelector {
  return isKeySelector(selector) ? selector : make(selector, false, 1);
}

function isKeySelector(value: unknown): value is KeySelector {
  return typeof value === 'object' && value !== null && '_isKeySelector' in value;
}

function add(selector: KeySelector, places: number): KeySelector {
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
  lastLessThan: (key: BytesLike) => make(key, false, 0),
  /** The last key less than or equal to `key`. */
  lastLessOrEqual: (key: BytesLike) => make(key, true, 0),
  /** The first key greater than `key`. */
  firstGreaterThan: (key: BytesLike) => make(key, true, 1),
  /** The first key greater than or equal to `key`. */
  firstGreaterOrEqual: (key: BytesLike) => make(key, false, 1),
  /** The selector some places further on, or back. */
  add,
  /** The selector one place further on. */
  next: (selector: KeySelector) => add(selector, 1),
  /** The selector one place back. */
  prev: (selector: KeySelector) => add(selector, -1),
  /** Whether something is a key selector. */
  isKeySelector,
  /** The selector of a key; a selector stays what it is. */
  from: toSelector,
});

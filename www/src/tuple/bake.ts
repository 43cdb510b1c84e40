import { concat2 } from '../bytes.js';
import type { TupleItem } from './item.js';

/**
 * Replaces, in place and in the arrays inside, each unbound versionstamp by the one that the commit used.
 * `code` is for those without a code of their own.
 *
 * @example
 * ```ts
 * const key = ['log', tuple.unboundVersionstamp(0)];
 * tuple.bakeVersionstamp(key, new Uint8Array(10), null);
 * ```
 */
export function bakeVersionstamp(items: TupleItem[], stamp: Uint8Array, code: Uint8Array | null): void {
  for (const [index, item] of items.entries()) {
    if (Array.isArray(item)) {
      bakeVersionstamp(item, stamp, code);
    } else if (isUnbound(item)) {
      const codeBytes = item.code === undefined ? code : Uint8Array.of(item.code >> 8, item.code);
      if (!codeBytes) throw new TypeError('a code was expected for a versionstamp that has none of its own');
      items[index] = { type: 'versionstamp', value: concat2(stamp, codeBytes) };
    }
  }
}

function isUnbound(item: TupleItem): item is { type: 'unbound versionstamp'; code?: number | undefined } {
  return typeof item === 'object' && item !== null && 'type' in item && item.type === 'unbound versionstamp';
}

import type { Transaction, TupleItem } from '../exports.js';
import { fromInt64, int64, type Place, type TupleSpace, tupleSpace } from './common.js';

/**
 * A map with any number of values per key, each with how often it was added. Adding reads nothing, so any
 * number of transactions can add at the same time.
 *
 * A pair of key and value is one key of the database; its value is the count.
 *
 * @example
 * ```ts
 * const tags = new MultiMap<string, string>(new Subspace('tags'));
 * await db.doTransaction(async (tn) => {
 *   tags.add(tn, 'photo 1', 'sea');
 *   tags.add(tn, 'photo 1', 'sun');
 *   for await (const tag of tags.get(tn, 'photo 1')) console.log(tag);
 * });
 * ```
 */
export class MultiMap<K extends TupleItem, V extends TupleItem> {
  readonly #counts: TupleSpace;

  constructor(place: Place) {
    this.#counts = tupleSpace(place);
  }

  /** Adds a value to those of a key, or one to its count. */
  add(tn: Transaction, key: K, value: V): void {
    tn.add(this.#counts.packKey([key, value]), int64(1));
  }

  /**
   * Takes one from a value's count; at none it is gone. Nothing happens if it is not there.
   *
   * @example
   * ```ts
   * await tags.subtract(tn, 'photo 1', 'sea');
   * ```
   */
  async subtract(tn: Transaction, key: K, value: V): Promise<void> {
    const pair = this.#counts.packKey([key, value]);
    const count = fromInt64(await tn.get(pair));
    if (count > 1) tn.add(pair, int64(-1));
    else if (count === 1) tn.clear(pair);
  }

  /**
   * How often a value was added to a key.
   *
   * @example
   * ```ts
   * const times = await tags.count(tn, 'photo 1', 'sea');
   * ```
   */
  async count(tn: Transaction, key: K, value: V): Promise<number> {
    return fromInt64(await tn.get(this.#counts.packKey([key, value])));
  }

  /** Whether a key has the value. */
  has(tn: Transaction, key: K, value: V): Promise<boolean> {
    return tn.exists(this.#counts.packKey([key, value]));
  }

  /** The values of a key, each once, in order. */
  async *get(tn: Transaction, key: K): AsyncGenerator<V, void> {
    for await (const [value] of this.counts(tn, key)) yield value;
  }

  /** The values of a key with their counts. */
  async *counts(tn: Transaction, key: K): AsyncGenerator<[value: V, count: number], void> {
    const { begin, end } = this.#counts.packRange([key]);
    for await (const [pair, count] of tn.getRange(begin, end)) {
      yield [this.#counts.unpackKey(pair)[1] as V, fromInt64(count)];
    }
  }

  /**
   * Removes a value of a key, whatever its count; without a value, all of them.
   *
   * @example
   * ```ts
   * tags.delete(tn, 'photo 1');
   * ```
   */
  delete(tn: Transaction, key: K, value?: V): void {
    if (value !== undefined) {
      tn.clear(this.#counts.packKey([key, value]));
    } else {
      const { begin, end } = this.#counts.packRange([key]);
      tn.clearRange(begin, end);
    }
  }
}

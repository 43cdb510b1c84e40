import type { Transaction } from '../exports.js';
import { type Encoding, type Place, type TupleSpace, tupleSpace } from './common.js';

/**
 * An array whose elements are keys of their own, so that reading one reads no other. It is sparse: what was
 * never set reads as the default value and takes no room.
 *
 * The key of an element is its index. The last element is always stored, so the size is one more than the
 * last index.
 *
 * @example
 * ```ts
 * const scores = new Vector(new Subspace('scores'), encoders.int32BE, 0);
 * await db.doTransaction(async (tn) => {
 *   await scores.push(tn, 7);
 *   scores.set(tn, 1_000, 9);
 *   await scores.get(tn, 500); // -> 0
 *   await scores.size(tn); // -> 1001
 * });
 * ```
 */
export class Vector<V> {
  readonly #elements: TupleSpace;
  readonly #values: Encoding<V>;
  readonly #defaultValue: V;

  constructor(place: Place, values: Encoding<V>, defaultValue: V) {
    this.#elements = tupleSpace(place);
    this.#values = values;
    this.#defaultValue = defaultValue;
  }

  /** How many elements it has, those that were never set included. */
  async size(tn: Transaction): Promise<number> {
    const [last] = await this.#last(tn, 1);
    return last === undefined ? 0 : this.#index(last[0]) + 1;
  }

  /** An element; `undefined` at the end and behind it. */
  async get(tn: Transaction, index: number): Promise<V | undefined> {
    const { begin, end } = this.#elements.packRangeFrom([checked(index)]);
    const [row] = await tn.getRangeAll(begin, end, { limit: 1 });
    if (row === undefined) return undefined;
    return this.#index(row[0]) === index ? this.#values.unpack(row[1]) : this.#defaultValue;
  }

  /** Sets an element. One behind the end makes the vector that long. */
  set(tn: Transaction, index: number, value: V): void {
    tn.set(this.#elements.packKey([checked(index)]), this.#values.pack(value));
  }

  /** Sets the element behind the last one and answers its index. */
  async push(tn: Transaction, value: V): Promise<number> {
    const index = await this.size(tn);
    this.set(tn, index, value);
    return index;
  }

  /**
   * Takes the last element off; `undefined` if there is none.
   *
   * @example
   * ```ts
   * const last = await scores.pop(tn);
   * ```
   */
  async pop(tn: Transaction): Promise<V | undefined> {
    const [last, before] = await this.#last(tn, 2);
    if (last === undefined) return undefined;
    const index = this.#index(last[0]);
    tn.clear(last[0]);
    if (index > 0 && (before === undefined || this.#index(before[0]) < index - 1)) {
      this.set(tn, index - 1, this.#defaultValue);
    }
    return this.#values.unpack(last[1]);
  }

  /**
   * Cuts it off, or makes it longer.
   *
   * @example
   * ```ts
   * await scores.resize(tn, 10);
   * ```
   */
  async resize(tn: Transaction, size: number): Promise<void> {
    const { begin, end } = this.#elements.packRangeFrom([checked(size)]);
    tn.clearRange(begin, end);
    if (size === 0) return;
    const last = this.#elements.packKey([size - 1]);
    if (!(await tn.exists(last))) tn.set(last, this.#values.pack(this.#defaultValue));
  }

  /**
   * The elements with `begin <= index < end`, with their indices; without bounds, all of them.
   *
   * @example
   * ```ts
   * for await (const [index, score] of scores.range(tn, 0, 10)) console.log(index, score);
   * ```
   */
  async *range(tn: Transaction, begin = 0, end?: number): AsyncGenerator<[index: number, value: V], void> {
    const rest = this.#elements.packRangeFrom([checked(begin)]);
    const last = end === undefined ? rest.end : this.#elements.packKey([Math.max(begin, checked(end))]);
    let next = begin;
    for await (const [key, value] of tn.getRange(rest.begin, last)) {
      const index = this.#index(key);
      while (next < index) yield [next++, this.#defaultValue];
      yield [next++, this.#values.unpack(value)];
    }
    if (end === undefined || next >= end) return;
    // Default values up to `end`, unless the vector ends before it.
    const [behind] = await tn.getRangeAll(last, rest.end, { limit: 1 });
    while (behind !== undefined && next < end) yield [next++, this.#defaultValue];
  }

  #last(tn: Transaction, limit: number) {
    const { begin, end } = this.#elements.packRangeFrom();
    return tn.getRangeAll(begin, end, { limit, reverse: true });
  }

  #index(key: Uint8Array): number {
    return this.#elements.unpackKey(key)[0] as number;
  }
}

function checked(index: number): number {
  if (Number.isSafeInteger(index) && index >= 0) return index;
  throw new RangeError(`an index of 0 or more was expected, found ${index}`);
}

import type { Row, Transaction, TupleItem } from '../exports.js';
import { type Encoding, type Place, randomId, type TupleSpace, tupleSpace } from './common.js';

/**
 * A queue that gives the item of the smallest priority first, or of the largest; among those of one
 * priority the one that was pushed first. Pushing never conflicts with pushing: two that push at the same
 * time get the same number, and a random one tells them apart.
 *
 * @example
 * ```ts
 * const tasks = new PriorityQueue<number, string>(new Subspace('tasks'), encoders.string);
 * await db.doTransaction(async (tn) => {
 *   await tasks.push(tn, 2, 'later');
 *   await tasks.push(tn, 1, 'sooner');
 *   await tasks.pop(tn); // -> 'sooner'
 * });
 * ```
 */
export class PriorityQueue<P extends TupleItem, V> {
  readonly #items: TupleSpace;
  readonly #values: Encoding<V>;

  constructor(place: Place, values: Encoding<V>) {
    this.#items = tupleSpace(place);
    this.#values = values;
  }

  /** Puts in an item. */
  async push(tn: Transaction, priority: P, value: V): Promise<void> {
    const { begin, end } = this.#items.packRange([priority]);
    const [last] = await tn.snapshot().getRangeAll(begin, end, { limit: 1, reverse: true });
    const number = last === undefined ? 0 : (this.#items.unpackKey(last[0])[1] as number) + 1;
    tn.set(this.#items.packKey([priority, number, randomId()]), this.#values.pack(value));
  }

  /** Takes the item of the smallest priority, `undefined` if there is none. */
  async pop(tn: Transaction): Promise<V | undefined> {
    return this.#take(tn, await this.#first(tn));
  }

  /**
   * Takes the item of the largest priority.
   *
   * @example
   * ```ts
   * const last = await tasks.popLargest(tn);
   * ```
   */
  async popLargest(tn: Transaction): Promise<V | undefined> {
    return this.#take(tn, await this.#firstOfLargest(tn));
  }

  /**
   * The item of the smallest priority with it. It stays where it is.
   *
   * @example
   * ```ts
   * const [priority, task] = (await tasks.peek(tn)) ?? [];
   * ```
   */
  async peek(tn: Transaction): Promise<[priority: P, value: V] | undefined> {
    return this.#item(await this.#first(tn));
  }

  /**
   * The item of the largest priority with it.
   *
   * @example
   * ```ts
   * const [priority, task] = (await tasks.peekLargest(tn)) ?? [];
   * ```
   */
  async peekLargest(tn: Transaction): Promise<[priority: P, value: V] | undefined> {
    return this.#item(await this.#firstOfLargest(tn));
  }

  /**
   * Whether there is no item.
   *
   * @example
   * ```ts
   * const isDone = await tasks.isEmpty(tn);
   * ```
   */
  async isEmpty(tn: Transaction): Promise<boolean> {
    return (await this.#first(tn)) === undefined;
  }

  async #first(tn: Transaction): Promise<Row | undefined> {
    const { begin, end } = this.#items.packRange([]);
    const [row] = await tn.getRangeAll(begin, end, { limit: 1 });
    return row;
  }

  async #firstOfLargest(tn: Transaction): Promise<Row | undefined> {
    const all = this.#items.packRange([]);
    const [last] = await tn.getRangeAll(all.begin, all.end, { limit: 1, reverse: true });
    if (last === undefined) return undefined;
    const { begin, end } = this.#items.packRange(this.#items.unpackKey(last[0]).slice(0, 1));
    const [row] = await tn.getRangeAll(begin, end, { limit: 1 });
    return row;
  }

  #take(tn: Transaction, row: Row | undefined): V | undefined {
    if (row === undefined) return undefined;
    tn.clear(row[0]);
    return this.#values.unpack(row[1]);
  }

  #item(row: Row | undefined): [P, V] | undefined {
    return row && [this.#items.unpackKey(row[0])[0] as P, this.#values.unpack(row[1])];
  }
}

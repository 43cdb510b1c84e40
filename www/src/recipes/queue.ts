import type { Transaction } from '../exports.js';
import { type Encoding, type Place, stampedKey, type TupleSpace, tupleSpace } from './common.js';

/**
 * A queue: first in, first out, in the order of the commits. Pushing never conflicts, because the key is the
 * commit's versionstamp. Popping conflicts with popping, as two transactions want the same item; where many tabs
 * pop at once, see {@link HighContentionQueue}.
 *
 * Since what a transaction pushes has its place only when it commits, a transaction that has pushed can't
 * pop or look: it fails with `accessed_unreadable`. Popping first and pushing then is fine.
 *
 * @example
 * ```ts
 * const letters = new Queue(new Subspace('letters'), encoders.string);
 * await db.doTransaction((tn) => letters.push(tn, 'hello'));
 * const letter = await db.doTransaction((tn) => letters.pop(tn));
 * ```
 */
export class Queue<V> {
  readonly #items: TupleSpace;
  readonly #values: Encoding<V>;

  constructor(place: Place, values: Encoding<V>) {
    this.#items = tupleSpace(place);
    this.#values = values;
  }

  /** Puts an item at the end. */
  push(tn: Transaction, value: V): void {
    tn.setVersionstampedKeyRaw(stampedKey(this.#items), this.#values.pack(value));
  }

  /** Takes the first item, `undefined` if there is none. */
  async pop(tn: Transaction): Promise<V | undefined> {
    const first = await this.#first(tn);
    if (first === undefined) return undefined;
    tn.clear(first[0]);
    return this.#values.unpack(first[1]);
  }

  /**
   * The first item, which stays where it is.
   *
   * @example
   * ```ts
   * const oldest = await letters.peek(tn);
   * ```
   */
  async peek(tn: Transaction): Promise<V | undefined> {
    const first = await this.#first(tn);
    return first && this.#values.unpack(first[1]);
  }

  /**
   * Whether there is none.
   *
   * @example
   * ```ts
   * const isDone = await letters.isEmpty(tn);
   * ```
   */
  async isEmpty(tn: Transaction): Promise<boolean> {
    return (await this.#first(tn)) === undefined;
  }

  /**
   * Drops all items.
   *
   * @example
   * ```ts
   * letters.clear(tn);
   * ```
   */
  clear(tn: Transaction): void {
    const { begin, end } = this.#items.packRange([]);
    tn.clearRange(begin, end);
  }

  async #first(tn: Transaction) {
    const { begin, end } = this.#items.packRange([]);
    const [row] = await tn.getRangeAll(begin, end, { limit: 1 });
    return row;
  }
}

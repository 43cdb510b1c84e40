import type { Transaction } from '../exports.js';
import { fromInt64, int64, type Place, type TupleSpace, tupleSpace } from './common.js';

/** Options of a {@link Counter}. */
export interface CounterOptions {
  /** In how many pieces the number is kept; 16 is the default. */
  shards?: number | undefined;
}

/**
 * A number that many transactions change at once. It is the sum of several pieces, and adding goes to any of
 * them by an atomic operation, so it conflicts with nobody and no key is everybody's.
 *
 * @example
 * ```ts
 * const likes = new Counter(new Subspace('likes'));
 * await db.doTransaction((tn) => likes.add(tn, 1));
 * const count = await db.doTransaction((tn) => likes.estimate(tn));
 * ```
 */
export class Counter {
  readonly #shards: TupleSpace;
  readonly #count: number;

  constructor(place: Place, { shards = 16 }: CounterOptions = {}) {
    if (!Number.isInteger(shards) || shards < 1) {
      throw new RangeError(`a number of shards of 1 or more was expected, found ${shards}`);
    }
    this.#shards = tupleSpace(place);
    this.#count = shards;
  }

  /** Adds an integer, which may be negative. Conflicts with no other that adds. */
  add(tn: Transaction, delta: number): void {
    const shard = Math.floor(Math.random() * this.#count);
    tn.add(this.#shards.packKey([shard]), int64(delta));
  }

  /**
   * The number. A transaction that also writes conflicts with all that change it meanwhile.
   *
   * @example
   * ```ts
   * const exactly = await likes.get(tn);
   * ```
   */
  async get(tn: Transaction): Promise<number> {
    const { begin, end } = this.#shards.packRange([]);
    let sum = 0;
    for await (const [, piece] of tn.getRange(begin, end)) sum += fromInt64(piece);
    return sum;
  }

  /** The number as the transaction's snapshot has it. Conflicts with nobody. */
  estimate(tn: Transaction): Promise<number> {
    return this.get(tn.snapshot());
  }

  /**
   * Sets the number, whatever it is.
   *
   * @example
   * ```ts
   * likes.set(tn, 0);
   * ```
   */
  set(tn: Transaction, number: number): void {
    const { begin, end } = this.#shards.packRange([]);
    tn.clearRange(begin, end);
    tn.set(this.#shards.packKey([0]), int64(number));
  }
}

import type { Database, Transaction } from '../exports.js';
import { fromInt64, int64, type Place, tupleSpace } from './common.js';

/**
 * The numbers 1, 2, 3, … without a gap: a number whose transaction does not commit is given to the next one.
 * The price is that two transactions that take numbers at the same time conflict.
 *
 * @example
 * ```ts
 * const invoices = new Sequence(new Subspace('invoice number'));
 * await db.doTransaction(async (tn) => {
 *   const number = await invoices.next(tn);
 *   tn.set(`invoice/${number}`, '…');
 * });
 * ```
 */
export class Sequence {
  readonly #last: Uint8Array;

  constructor(place: Place) {
    this.#last = tupleSpace(place).packKey([]);
  }

  /** The next number. */
  async next(tn: Transaction): Promise<number> {
    const number = (await this.last(tn)) + 1;
    tn.set(this.#last, int64(number));
    return number;
  }

  /** The last number that was given out; 0 at first. */
  async last(tn: Transaction): Promise<number> {
    return fromInt64(await tn.get(this.#last));
  }
}

/** Options of a {@link BlockSequence}. */
export interface BlockSequenceOptions {
  /** How many numbers a tab takes at once; 100 is the default. */
  blockSize?: number | undefined;
}

/**
 * Numbers that nobody else gets, cheaply: a tab takes a block of them in one transaction and gives them out
 * from memory. What is left of a block when the tab closes is never given out, and numbers of different
 * tabs don't tell who was first.
 *
 * @example
 * ```ts
 * const ids = new BlockSequence(new Subspace('ids'), { blockSize: 1_000 });
 * const id = await ids.next(db);
 * ```
 */
export class BlockSequence {
  readonly #taken: Sequence;
  readonly #blockSize: number;
  #next = 0;
  #end = 0;
  #refill: Promise<void> | undefined;

  constructor(place: Place, { blockSize = 100 }: BlockSequenceOptions = {}) {
    if (!Number.isSafeInteger(blockSize) || blockSize < 1) {
      throw new RangeError(`a block size of 1 or more was expected, found ${blockSize}`);
    }
    this.#taken = new Sequence(place);
    this.#blockSize = blockSize;
  }

  /** A number from 1 on that was never given out. */
  async next(db: Database): Promise<number> {
    while (this.#next === this.#end) {
      this.#refill ??= this.#takeBlock(db).finally(() => {
        this.#refill = undefined;
      });
      await this.#refill;
    }
    return this.#next++;
  }

  async #takeBlock(db: Database): Promise<void> {
    const block = await db.doTransaction((tn) => this.#taken.next(tn));
    this.#next = (block - 1) * this.#blockSize + 1;
    this.#end = this.#next + this.#blockSize;
  }
}

/**
 * A number that grows with every commit, without a key and without a conflict: the transaction's
 * versionstamp. It is known after the commit, hence the promise, which is in an object so that returning it
 * from the body does not wait for the commit inside the commit.
 *
 * @example
 * ```ts
 * const { promise } = await db.doTransaction((tn) => {
 *   tn.set('key', 'value');
 *   return commitNumber(tn);
 * });
 * const number = await promise; // -> a bigint
 * ```
 */
export function commitNumber(tn: Transaction): { promise: Promise<bigint> } {
  const promise = tn.getVersionstamp().promise.then((stamp) => {
    const view = new DataView(stamp.buffer, stamp.byteOffset, stamp.byteLength);
    return (view.getBigUint64(0) << 16n) | BigInt(view.getUint16(8));
  });
  promise.catch(() => undefined);
  return { promise };
}

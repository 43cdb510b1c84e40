import { type Database, errorCodes, FDBError, type Transaction } from '../exports.js';
import {
  type Encoding,
  nextOrdinal,
  type Place,
  randomId,
  stampedKey,
  type TupleSpace,
  tupleSpace,
} from './common.js';

/** How many requests a transaction fulfils. */
const BATCH = 100;

/**
 * A queue, first in, first out, from which many pop at once. A pop that meets another one does not try
 * again and again: it registers a request, and whoever comes first hands out items to all that wait, in
 * the order of their requests.
 *
 * That is for many tabs: 200 pops at once from four tabs take half the time they take from a {@link Queue}.
 * In one tab those who want the same key wait in line anyway, and the simple queue is the faster one.
 *
 * Popping is a transaction of its own, or several. An item that was popped by a tab that dies then is gone
 * with it; for work that has to be done, see {@link Outbox}.
 *
 * @example
 * ```ts
 * const tickets = new HighContentionQueue(new Subspace('tickets'), encoders.json);
 * await db.doTransaction((tn) => tickets.push(tn, { seat: 7 }));
 * const ticket = await tickets.pop(db);
 * ```
 */
export class HighContentionQueue<V> {
  readonly #items: TupleSpace;
  readonly #requests: TupleSpace;
  readonly #results: TupleSpace;
  readonly #values: Encoding<V>;
  readonly #fulfilling = new WeakMap<Database, Promise<void>>();

  constructor(place: Place, values: Encoding<V>) {
    const space = tupleSpace(place);
    this.#items = space.at([0]);
    this.#requests = space.at([1]);
    this.#results = space.at([2]);
    this.#values = values;
  }

  /** Puts an item at the end. Conflicts with nothing. */
  push(tn: Transaction, value: V): void {
    tn.setVersionstampedKeyRaw(stampedKey(this.#items), this.#values.pack(value));
  }

  /** Takes the first item, `undefined` if there is none. */
  async pop(db: Database): Promise<V | undefined> {
    const atOnce = await once(db, (tn) => this.#popAtOnce(tn));
    if (atOnce !== undefined) return this.#unpacked(atOnce.item);
    const id = randomId();
    const request = await db.doTransaction((tn) => this.#register(tn, id));
    for (;;) {
      await this.#fulfilTogether(db);
      const done = await db.doTransaction((tn) => this.#collect(tn, request, id));
      if (done !== undefined) return this.#unpacked(done.item);
    }
  }

  /** The first item, if nobody waits; `undefined` if somebody does. */
  async #popAtOnce(tn: Transaction): Promise<{ item: Uint8Array | undefined } | undefined> {
    const [[waiting], [first]] = await Promise.all([
      firstOf(tn.snapshot(), this.#requests, 1),
      firstOf(tn, this.#items, 1),
    ]);
    if (waiting !== undefined) return undefined;
    if (first !== undefined) tn.clear(first[0]);
    return { item: first?.[1] };
  }

  /** Gets in line. Requests made at the same time may have the same number, and any order. */
  async #register(tn: Transaction, id: Uint8Array): Promise<Uint8Array> {
    const { begin, end } = this.#requests.packRange([]);
    const [last] = await tn.snapshot().getRangeAll(begin, end, { limit: 1, reverse: true });
    const number = last === undefined ? 0 : (this.#requests.unpackKey(last[0])[0] as number) + 1;
    const request = this.#requests.packKey([number, nextOrdinal(), id]);
    // If the answer to a first attempt was lost, it may have been fulfilled by now.
    if (!(await tn.exists(this.#results.packKey([id])))) tn.set(request, '');
    return request;
  }

  /** Those who wait here have one of them hand out for all: at the same time, all but one would fail. */
  #fulfilTogether(db: Database): Promise<void> {
    const underWay = this.#fulfilling.get(db);
    if (underWay !== undefined) return underWay;
    const fulfilling = once(db, (tn) => this.#fulfil(tn)).finally(() => this.#fulfilling.delete(db));
    this.#fulfilling.set(db, fulfilling);
    return fulfilling;
  }

  /** Hands out the first items to the first requests; those for which there is none get nothing. */
  async #fulfil(tn: Transaction): Promise<void> {
    const [requests, items] = await Promise.all([
      firstOf(tn.snapshot(), this.#requests, BATCH),
      firstOf(tn.snapshot(), this.#items, BATCH),
    ]);
    for (const [index, [request]] of requests.entries()) {
      tn.addReadConflictKey(request);
      tn.clear(request);
      const item = items[index];
      if (item === undefined) continue;
      const id = this.#requests.unpackKey(request)[2] as Uint8Array;
      tn.addReadConflictKey(item[0]);
      tn.clear(item[0]);
      tn.set(this.#results.packKey([id]), item[1]);
    }
  }

  /** What a request has got, if it was fulfilled. */
  async #collect(
    tn: Transaction,
    request: Uint8Array,
    id: Uint8Array,
  ): Promise<{ item: Uint8Array | undefined } | undefined> {
    const result = this.#results.packKey([id]);
    const [isWaiting, item] = await Promise.all([tn.exists(request), tn.get(result)]);
    if (isWaiting) return undefined;
    if (item !== undefined) tn.clear(result);
    return { item };
  }

  #unpacked(item: Uint8Array | undefined): V | undefined {
    return item && this.#values.unpack(item);
  }
}

function firstOf(tn: Transaction, space: TupleSpace, limit: number) {
  const { begin, end } = space.packRange([]);
  return tn.getRangeAll(begin, end, { limit });
}

/** One attempt; `undefined` if another transaction got in the way. */
async function once<T>(db: Database, body: (tn: Transaction) => Promise<T>): Promise<T | undefined> {
  try {
    return await db.doTransaction(body, { retry_limit: 0 });
  } catch (error) {
    if (error instanceof FDBError && error.code === errorCodes.not_committed) return undefined;
    throw error;
  }
}

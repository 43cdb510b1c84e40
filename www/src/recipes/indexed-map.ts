import type { Database, RangeOptions, Transaction, TupleItem } from '../exports.js';
import { type Encoding, type Place, type TupleSpace, tupleSpace } from './common.js';

/** What a value is found by in one index: any number of entries. A nested tuple is an entry of several parts. */
export type IndexEntries<K, V> = (value: V, key: K) => Iterable<TupleItem>;

/** Which part of an index to read: `from <= entry < to`, or without a bound all from there on. */
export interface IndexRange extends Pick<RangeOptions, 'limit' | 'reverse'> {
  from?: TupleItem | undefined;
  to?: TupleItem | undefined;
}

/** How many values a transaction of {@link IndexedMap.rebuild} reads. */
const REBUILD_BATCH = 500;

/**
 * A map whose values are also found by what they say: by value or by range of values, in the order of the
 * entries. Value and index entries change in one transaction, so they never disagree.
 *
 * @example
 * ```ts
 * const users = new IndexedMap(new Subspace('users'), encoders.json as Encoding<User>, {
 *   byCity: (user: User) => [user.city],
 *   byTag: (user: User) => user.tags,
 * });
 * await db.doTransaction(async (tn) => {
 *   await users.set(tn, 'ann', { city: 'Rome', tags: ['new'] });
 *   for await (const [id, user] of users.where(tn, 'byCity', 'Rome')) console.log(id, user);
 * });
 * ```
 */
export class IndexedMap<K extends TupleItem, V, Name extends string = string> {
  readonly #rows: TupleSpace;
  readonly #entries: TupleSpace;
  readonly #values: Encoding<V>;
  readonly #indexes: Readonly<Record<Name, IndexEntries<K, V>>>;

  constructor(place: Place, values: Encoding<V>, indexes: Readonly<Record<Name, IndexEntries<K, V>>>) {
    const space = tupleSpace(place);
    this.#rows = space.at([0]);
    this.#entries = space.at([1]);
    this.#values = values;
    this.#indexes = indexes;
  }

  /**
   * The value of a key.
   *
   * @example
   * ```ts
   * const ann = await users.get(tn, 'ann');
   * ```
   */
  async get(tn: Transaction, key: K): Promise<V | undefined> {
    const bytes = await tn.get(this.#rows.packKey([key]));
    return bytes && this.#values.unpack(bytes);
  }

  /** Sets a key, and takes its old value out of the indexes. */
  async set(tn: Transaction, key: K, value: V): Promise<void> {
    await this.delete(tn, key);
    tn.set(this.#rows.packKey([key]), this.#values.pack(value));
    for (const name of this.#names()) this.#enter(tn, name, key, value);
  }

  /**
   * Removes a key: whether it was there.
   *
   * @example
   * ```ts
   * const wasThere = await users.delete(tn, 'ann');
   * ```
   */
  async delete(tn: Transaction, key: K): Promise<boolean> {
    const old = await this.get(tn, key);
    if (old === undefined) return false;
    for (const name of this.#names()) {
      for (const entry of this.#indexes[name](old, key)) tn.clear(this.#entries.packKey([name, entry, key]));
    }
    tn.clear(this.#rows.packKey([key]));
    return true;
  }

  /** The keys and values that an index has under this entry, in the order of the keys. */
  async *where(tn: Transaction, index: Name, entry: TupleItem): AsyncGenerator<[key: K, value: V], void> {
    const { begin, end } = this.#entries.packRange([index, entry]);
    for await (const [found] of tn.getRange(begin, end)) yield this.#found(tn, found);
  }

  /**
   * The keys and values of a part of an index, in the order of the entries.
   *
   * @example
   * ```ts
   * for await (const [id] of users.between(tn, 'byCity', { from: 'A', to: 'N' })) console.log(id);
   * ```
   */
  async *between(
    tn: Transaction,
    index: Name,
    { from, to, limit, reverse }: IndexRange = {},
  ): AsyncGenerator<[key: K, value: V, entry: TupleItem], void> {
    const all = this.#entries.packRange([index]);
    const begin = from === undefined ? all.begin : this.#entries.packKey([index, from]);
    const end = to === undefined ? all.end : this.#entries.packKey([index, to]);
    for await (const [found] of tn.getRange(begin, end, { limit, reverse })) {
      const [key, value] = await this.#found(tn, found);
      yield [key, value, this.#entries.unpackKey(found)[1] as TupleItem];
    }
  }

  /**
   * All keys and values.
   *
   * @example
   * ```ts
   * for await (const [id, user] of users.all(tn)) console.log(id, user);
   * ```
   */
  async *all(tn: Transaction): AsyncGenerator<[key: K, value: V], void> {
    const { begin, end } = this.#rows.packRange([]);
    for await (const [key, value] of tn.getRange(begin, end)) yield this.#row(key, value);
  }

  /**
   * Makes an index anew, for values that were set before it was thought of. Others may write meanwhile;
   * who reads the index before this is done finds only a part.
   *
   * @example
   * ```ts
   * await users.rebuild(db, 'byCity');
   * ```
   */
  async rebuild(db: Database, index: Name): Promise<void> {
    const entries = this.#entries.packRange([index]);
    await db.clearRange(entries.begin, entries.end);
    const rows = this.#rows.packRange([]);
    let next: Uint8Array | undefined = rows.begin;
    while (next !== undefined) {
      const begin: Uint8Array = next;
      next = await db.doTransaction(async (tn) => {
        const batch = await tn.getRangeAll(begin, rows.end, { limit: REBUILD_BATCH + 1 });
        for (const row of batch.slice(0, REBUILD_BATCH)) this.#enter(tn, index, ...this.#row(...row));
        return batch[REBUILD_BATCH]?.[0];
      });
    }
  }

  #names(): Name[] {
    return Object.keys(this.#indexes) as Name[];
  }

  #enter(tn: Transaction, name: Name, key: K, value: V): void {
    for (const entry of this.#indexes[name](value, key)) {
      tn.set(this.#entries.packKey([name, entry, key]), '');
    }
  }

  #row(key: Uint8Array, value: Uint8Array): [K, V] {
    return [this.#rows.unpackKey(key)[0] as K, this.#values.unpack(value)];
  }

  async #found(tn: Transaction, found: Uint8Array): Promise<[K, V]> {
    const key = this.#entries.unpackKey(found)[2] as K;
    return [key, (await this.get(tn, key)) as V];
  }
}

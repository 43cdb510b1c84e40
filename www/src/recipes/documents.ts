import type { KeyRange, RangeOptions, Transaction, TupleItem } from '../exports.js';
import { type Place, type TupleSpace, tupleSpace } from './common.js';

/** What JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** The way to a part of a document: names of members, indices of elements. */
export type JsonPath = readonly (string | number)[];

/** A scalar, or an object or array without members, and the way to it. */
interface Leaf {
  path: JsonPath;
  value: Json;
}

const textDecoder = /* @__PURE__ */ new TextDecoder();

/**
 * JSON documents of which any part can be read and written on its own. Every scalar in a document is a key of
 * its own, its path, so that a part of a document is one range, and transactions conflict only over the
 * parts that they use.
 *
 * Members of an object come back in the order of their names. A document has at least one key, so
 * empty objects and arrays are stored too.
 *
 * @example
 * ```ts
 * const settings = new Documents<string>(new Subspace('settings'));
 * await db.doTransaction(async (tn) => {
 *   settings.set(tn, 'ann', { theme: 'dark', tabs: [{ name: 'home' }] });
 *   await settings.setAt(tn, 'ann', ['tabs', 0, 'name'], 'start');
 *   await settings.get(tn, 'ann', ['tabs']); // -> [{ name: 'start' }]
 * });
 * ```
 */
export class Documents<K extends TupleItem> {
  readonly #leaves: TupleSpace;

  constructor(place: Place) {
    this.#leaves = tupleSpace(place);
  }

  /** Stores a document in the place of what was there. */
  set(tn: Transaction, key: K, document: Json): void {
    this.#clear(tn, [key]);
    this.#write(tn, [key], document);
  }

  /** A document, or the part of it at a path; `undefined` if there is nothing. */
  async get(tn: Transaction, key: K, path: JsonPath = []): Promise<Json | undefined> {
    const leaves = await this.#read(tn, [key, ...path]);
    return leaves.length === 0 ? undefined : assembled(leaves, 0);
  }

  /**
   * Sets the part at a path. What is on the way there and missing is made: objects for names, arrays for
   * indices. Throws a `TypeError` if a scalar or something of the other kind is on the way, a
   * `RangeError` for an index that would leave a gap.
   */
  async setAt(tn: Transaction, key: K, path: JsonPath, value: Json): Promise<void> {
    const place = [key, ...path];
    // If there is something already, so is all on the way, and nobody else's parts need be looked at.
    if ((await this.#read(tn, place, { limit: 1 })).length === 0) {
      for (const [depth, step] of path.entries()) await this.#openFor(tn, place.slice(0, depth + 1), step);
    }
    this.#clear(tn, place);
    this.#write(tn, place, value);
  }

  /**
   * Removes a document, or a part of it: whether it was there. Elements behind a removed one move up; an
   * object or array whose last member goes stays, empty.
   *
   * @example
   * ```ts
   * const wasThere = await settings.delete(tn, 'ann', ['tabs', 0]);
   * ```
   */
  async delete(tn: Transaction, key: K, path: JsonPath = []): Promise<boolean> {
    const place = [key, ...path];
    if ((await this.#read(tn, place, { limit: 1 })).length === 0) return false;
    const parent = place.slice(0, -1);
    const step = path.at(-1);
    if (typeof step === 'number') {
      const elements = (await this.get(tn, key, path.slice(0, -1))) as Json[];
      elements.splice(step, 1);
      this.#clear(tn, parent);
      this.#write(tn, parent, elements);
    } else {
      this.#clear(tn, place);
      const isChild = step !== undefined;
      if (isChild && (await this.#read(tn, parent, { limit: 1 })).length === 0) this.#write(tn, parent, {});
    }
    return true;
  }

  /** Makes sure that what is at a place, if anything, can have a member of this name or index. */
  async #openFor(tn: Transaction, place: readonly TupleItem[], step: string | number): Promise<void> {
    const [first] = await this.#read(tn, place, { limit: 1 });
    const [last] = await this.#read(tn, place, { limit: 1, reverse: true });
    let length = 0;
    if (first !== undefined && last !== undefined) {
      const [member] = first.path;
      // Without a member it is a leaf: a scalar, or an object or array that has no member yet.
      const kind = member === undefined ? emptyKind(first.value) : typeof member;
      if (kind !== typeof step) {
        const wanted = typeof step === 'number' ? 'an array' : 'an object';
        throw new TypeError(`${wanted} was expected on the way to ${JSON.stringify(step)}`);
      }
      if (member === undefined) tn.clear(this.#leaves.packKey(place));
      else if (typeof step === 'number') length = (last.path[0] as number) + 1;
    }
    if (typeof step === 'number' && !(Number.isInteger(step) && step >= 0 && step <= length)) {
      throw new RangeError(`an index from 0 to ${length} was expected, found ${step}`);
    }
  }

  /** The leaves at and below a place, with their paths from there. */
  async #read(tn: Transaction, place: readonly TupleItem[], options?: RangeOptions): Promise<Leaf[]> {
    const { begin, end } = this.#range(place);
    const rows = await tn.getRangeAll(begin, end, options);
    return rows.map(([key, value]) => ({
      path: this.#leaves.unpackKey(key).slice(place.length) as (string | number)[],
      value: JSON.parse(textDecoder.decode(value)) as Json,
    }));
  }

  #write(tn: Transaction, place: readonly TupleItem[], value: Json): void {
    for (const leaf of leaves(value, [])) {
      tn.set(this.#leaves.packKey([...place, ...leaf.path]), JSON.stringify(leaf.value));
    }
  }

  #clear(tn: Transaction, place: readonly TupleItem[]): void {
    const { begin, end } = this.#range(place);
    tn.clearRange(begin, end);
  }

  /** The key of a place and those below it. */
  #range(place: readonly TupleItem[]): KeyRange {
    return { begin: this.#leaves.packKey(place), end: this.#leaves.packRange(place).end };
  }
}

function* leaves(value: Json, path: JsonPath): Generator<Leaf, void> {
  const members = typeof value === 'object' && value !== null ? membersOf(value) : [];
  if (members.length === 0) yield { path, value };
  for (const [member, inner] of members) yield* leaves(inner, [...path, member]);
}

function membersOf(value: Json[] | { [name: string]: Json }): [string | number, Json][] {
  return Array.isArray(value) ? [...value.entries()] : Object.entries(value);
}

/** Puts leaves in the order of their paths together again. */
function assembled(sorted: readonly Leaf[], depth: number): Json {
  const [first] = sorted as [Leaf, ...Leaf[]];
  if (first.path.length === depth) return first.value;
  const members = new Map<string | number, Leaf[]>();
  for (const leaf of sorted) {
    const member = leaf.path[depth] as string | number;
    const group = members.get(member);
    if (group) group.push(leaf);
    else members.set(member, [leaf]);
  }
  const values = [...members].map(([member, group]) => [member, assembled(group, depth + 1)] as const);
  return typeof first.path[depth] === 'number'
    ? values.map(([, value]) => value)
    : Object.fromEntries(values);
}

/** What the steps into an object or array without members are; undefined for a scalar. */
function emptyKind(value: Json): 'number' | 'string' | undefined {
  if (Array.isArray(value)) return 'number';
  return typeof value === 'object' && value !== null ? 'string' : undefined;
}

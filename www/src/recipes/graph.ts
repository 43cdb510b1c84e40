import type { Transaction, TupleItem } from '../exports.js';
import { type Encoding, type Place, type TupleSpace, tupleSpace } from './common.js';

/**
 * Nodes and the edges between them, each with a value. An edge is stored under both of its ends, so the
 * neighbours in either direction are one range read. A node is there as long as it has an edge.
 *
 * @example
 * ```ts
 * const follows = new Graph<string, string>(new Subspace('follows'), encoders.string);
 * await db.doTransaction(async (tn) => {
 *   follows.set(tn, 'ann', 'bob', 'since 2019');
 *   for await (const [who, since] of follows.from(tn, 'ann')) console.log(who, since);
 *   for await (const [who] of follows.to(tn, 'bob')) console.log(who); // -> ann
 * });
 * ```
 */
export class Graph<N extends TupleItem, E> {
  readonly #outgoing: TupleSpace;
  readonly #incoming: TupleSpace;
  readonly #values: Encoding<E>;

  constructor(place: Place, values: Encoding<E>) {
    const space = tupleSpace(place);
    this.#outgoing = space.at([0]);
    this.#incoming = space.at([1]);
    this.#values = values;
  }

  /** Sets the edge from one node to another. */
  set(tn: Transaction, from: N, to: N, value: E): void {
    const bytes = this.#values.pack(value);
    tn.set(this.#outgoing.packKey([from, to]), bytes);
    tn.set(this.#incoming.packKey([to, from]), bytes);
  }

  /**
   * The value of an edge, `undefined` if it is not there.
   *
   * @example
   * ```ts
   * const since = await follows.get(tn, 'ann', 'bob');
   * ```
   */
  async get(tn: Transaction, from: N, to: N): Promise<E | undefined> {
    const bytes = await tn.get(this.#outgoing.packKey([from, to]));
    return bytes && this.#values.unpack(bytes);
  }

  /**
   * Removes an edge.
   *
   * @example
   * ```ts
   * follows.delete(tn, 'ann', 'bob');
   * ```
   */
  delete(tn: Transaction, from: N, to: N): void {
    tn.clear(this.#outgoing.packKey([from, to]));
    tn.clear(this.#incoming.packKey([to, from]));
  }

  /** The nodes to which edges of this one lead, in order, and the edges' values. */
  from(tn: Transaction, node: N): AsyncGenerator<[to: N, value: E], void> {
    return this.#neighbours(tn, this.#outgoing, node);
  }

  /** The nodes from which edges lead to this one, in order, and the edges' values. */
  to(tn: Transaction, node: N): AsyncGenerator<[from: N, value: E], void> {
    return this.#neighbours(tn, this.#incoming, node);
  }

  /**
   * Removes a node: all edges from it and to it.
   *
   * @example
   * ```ts
   * await follows.deleteNode(tn, 'bob');
   * ```
   */
  async deleteNode(tn: Transaction, node: N): Promise<void> {
    for await (const [to] of this.from(tn, node)) this.delete(tn, node, to);
    for await (const [from] of this.to(tn, node)) this.delete(tn, from, node);
  }

  /**
   * The nodes that can be reached from this one over at most so many edges, the nearest first.
   *
   * @example
   * ```ts
   * for await (const who of follows.reachable(tn, 'ann', 2)) console.log(who);
   * ```
   */
  async *reachable(tn: Transaction, node: N, edges = Number.POSITIVE_INFINITY): AsyncGenerator<N, void> {
    const seen = new Set([String(this.#outgoing.packKey([node]))]);
    let ring = [node];
    for (let distance = 0; distance < edges && ring.length > 0; distance++) {
      const next: N[] = [];
      for (const from of ring) {
        for await (const [to] of this.from(tn, from)) {
          const key = String(this.#outgoing.packKey([to]));
          if (seen.has(key)) continue;
          seen.add(key);
          next.push(to);
        }
      }
      yield* next;
      ring = next;
    }
  }

  async *#neighbours(tn: Transaction, space: TupleSpace, node: N): AsyncGenerator<[N, E], void> {
    const { begin, end } = space.packRange([node]);
    for await (const [key, value] of tn.getRange(begin, end)) {
      yield [space.unpackKey(key)[1] as N, this.#values.unpack(value)];
    }
  }
}

/**
 * The board: cards in columns, each with a record, and an index by place.
 *
 * Whatever is done to a card reads it first, in the same transaction: a card that another tab has
 * deleted stays deleted, and one that two tabs move at once ends in one place.
 */

import { type Database, type Row, type Transaction, tuple } from 'plinthdb';
import type { TupleSpace } from './space';

export const COLUMNS = ['To do', 'Doing', 'Done'] as const;

export interface Card {
  readonly id: string;
  readonly column: number;
  readonly position: number;
  readonly text: string;
  /** The tab that changed it last. */
  readonly by: string;
}

const FIRST_CARDS: readonly (readonly [column: number, text: string])[] = [
  [0, 'Open this page in a second window'],
  [0, 'Drag a card there, and look here'],
  [1, 'Count from both windows at once'],
  [2, 'Find the demo'],
];

/** Cards in the order of the board. */
export function cardsOf(space: TupleSpace, rows: Iterable<Row>): Card[] {
  const cards: Card[] = [];
  for (const [key, value] of rows) {
    const [what, id] = space.unpackKey(key);
    if (what === 'card') cards.push(parseCard(String(id), value));
  }
  return cards.sort((a, b) => a.column - b.column || a.position - b.position || (a.id < b.id ? -1 : 1));
}

export class Board {
  readonly #db: Database;
  readonly #space: TupleSpace;
  readonly #tab: string;

  constructor(db: Database, space: TupleSpace, tab: string) {
    this.#db = db;
    this.#space = space;
    this.#tab = tab;
  }

  /** The first cards, once for all tabs. */
  async makeFirst(): Promise<void> {
    await this.#db.doTransaction(async (tn) => {
      const made = this.#space.packKey(['made']);
      if (await tn.exists(made)) return;
      tn.set(made, '');
      for (const [index, [column, text]] of FIRST_CARDS.entries()) {
        this.#write(tn, { id: crypto.randomUUID(), column, position: index, text, by: '' });
      }
    });
  }

  /** At the end of its column. */
  async add(column: number, text: string): Promise<void> {
    const id = crypto.randomUUID();
    await this.#db.doTransaction(async (tn) => {
      const position = await this.#place(tn, column, id, undefined);
      this.#write(tn, { id, column, position, text, by: this.#tab });
    });
  }

  async edit(id: string, text: string): Promise<void> {
    await this.#db.doTransaction(async (tn) => {
      const card = await this.#read(tn, id);
      if (card !== undefined) this.#write(tn, { ...card, text, by: this.#tab });
    });
  }

  async delete(id: string): Promise<void> {
    await this.#db.doTransaction(async (tn) => {
      const card = await this.#read(tn, id);
      if (card !== undefined) this.#clear(tn, card);
    });
  }

  /** To just before another card of the column, or to its end. */
  async move(id: string, column: number, before: string | undefined): Promise<void> {
    await this.#db.doTransaction(async (tn) => {
      const card = await this.#read(tn, id);
      if (card === undefined) return;
      this.#clear(tn, card);
      const position = await this.#place(tn, column, id, before);
      this.#write(tn, { ...card, column, position, by: this.#tab });
    });
  }

  /** A free position in a column: between two cards, or after the last one. */
  async #place(tn: Transaction, column: number, id: string, before: string | undefined): Promise<number> {
    const placed: { id: string; position: number }[] = [];
    for await (const [key] of tn.getRange(this.#space.packKey(['order', column]))) {
      const [, , position, other] = this.#space.unpackKey(key);
      if (other !== id) placed.push({ id: String(other), position: Number(position) });
    }
    const found = placed.findIndex((other) => other.id === before);
    const index = found < 0 ? placed.length : found;
    const low = placed[index - 1]?.position;
    const high = placed[index]?.position;
    if (low === undefined) return (high ?? 1) - 1;
    if (high === undefined) return low + 1;
    const middle = (low + high) / 2;
    if (middle > low && middle < high) return middle;
    // Doubles end somewhere: the column is numbered anew, with room at the index.
    for (const [rank, { id: other }] of placed.entries()) {
      const card = await this.#read(tn, other);
      if (card === undefined) continue;
      this.#clear(tn, card);
      this.#write(tn, { ...card, position: rank < index ? rank : rank + 1 });
    }
    return index;
  }

  async #read(tn: Transaction, id: string): Promise<Card | undefined> {
    const value = await tn.get(this.#space.packKey(['card', id]));
    return value === undefined ? undefined : parseCard(id, value);
  }

  #write(tn: Transaction, card: Card): void {
    const { id, column, position, text, by } = card;
    const double = { type: 'double', value: position } as const;
    tn.set(this.#space.packKey(['card', id]), tuple.pack([column, double, text, by]));
    tn.set(this.#space.packKey(['order', column, double, id]), '');
  }

  #clear(tn: Transaction, { id, column, position }: Card): void {
    tn.clear(this.#space.packKey(['card', id]));
    tn.clear(this.#space.packKey(['order', column, { type: 'double', value: position }, id]));
  }
}

function parseCard(id: string, value: Uint8Array): Card {
  const [column, position, text, by] = tuple.unpack(value);
  return { id, column: Number(column), position: Number(position), text: String(text), by: String(by) };
}

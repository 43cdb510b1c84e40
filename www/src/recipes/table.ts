import type { Transaction, TupleItem } from '../exports.js';
import { type Encoding, type Place, type TupleSpace, tupleSpace } from './common.js';

/**
 * Cells by row and column, most of which may be empty. Whole rows and whole columns are one range read each,
 * since every cell is stored twice: under its row and under its column.
 *
 * @example
 * ```ts
 * const prices = new Table<string, string, number>(new Subspace('prices'), encoders.int32BE);
 * await db.doTransaction(async (tn) => {
 *   prices.set(tn, 'apple', 'monday', 30);
 *   prices.set(tn, 'pear', 'monday', 40);
 *   for await (const [fruit, price] of prices.column(tn, 'monday')) console.log(fruit, price);
 * });
 * ```
 */
export class Table<R extends TupleItem, C extends TupleItem, V> {
  readonly #byRow: TupleSpace;
  readonly #byColumn: TupleSpace;
  readonly #values: Encoding<V>;

  constructor(place: Place, values: Encoding<V>) {
    const space = tupleSpace(place);
    this.#byRow = space.at([0]);
    this.#byColumn = space.at([1]);
    this.#values = values;
  }

  /** Sets a cell. */
  set(tn: Transaction, row: R, column: C, value: V): void {
    const bytes = this.#values.pack(value);
    tn.set(this.#byRow.packKey([row, column]), bytes);
    tn.set(this.#byColumn.packKey([column, row]), bytes);
  }

  /**
   * The value of a cell, `undefined` for an empty one.
   *
   * @example
   * ```ts
   * const price = await prices.get(tn, 'apple', 'monday');
   * ```
   */
  async get(tn: Transaction, row: R, column: C): Promise<V | undefined> {
    const bytes = await tn.get(this.#byRow.packKey([row, column]));
    return bytes && this.#values.unpack(bytes);
  }

  /**
   * Empties a cell.
   *
   * @example
   * ```ts
   * prices.delete(tn, 'apple', 'monday');
   * ```
   */
  delete(tn: Transaction, row: R, column: C): void {
    tn.clear(this.#byRow.packKey([row, column]));
    tn.clear(this.#byColumn.packKey([column, row]));
  }

  /** The cells of a row, in the order of their columns. */
  row(tn: Transaction, row: R): AsyncGenerator<[column: C, value: V], void> {
    return this.#line<C>(tn, this.#byRow, row);
  }

  /** The cells of a column, in the order of their rows. */
  column(tn: Transaction, column: C): AsyncGenerator<[row: R, value: V], void> {
    return this.#line<R>(tn, this.#byColumn, column);
  }

  /**
   * Gives a row these cells and no others.
   *
   * @example
   * ```ts
   * await prices.setRow(tn, 'apple', [['monday', 30], ['tuesday', 31]]);
   * ```
   */
  async setRow(tn: Transaction, row: R, cells: Iterable<readonly [column: C, value: V]>): Promise<void> {
    await this.deleteRow(tn, row);
    for (const [column, value] of cells) this.set(tn, row, column, value);
  }

  /**
   * Gives a column these cells and no others.
   *
   * @example
   * ```ts
   * await prices.setColumn(tn, 'monday', [['apple', 30], ['pear', 40]]);
   * ```
   */
  async setColumn(tn: Transaction, column: C, cells: Iterable<readonly [row: R, value: V]>): Promise<void> {
    await this.deleteColumn(tn, column);
    for (const [row, value] of cells) this.set(tn, row, column, value);
  }

  /**
   * Empties a row.
   *
   * @example
   * ```ts
   * await prices.deleteRow(tn, 'apple');
   * ```
   */
  async deleteRow(tn: Transaction, row: R): Promise<void> {
    for await (const [column] of this.row(tn, row)) tn.clear(this.#byColumn.packKey([column, row]));
    const { begin, end } = this.#byRow.packRange([row]);
    tn.clearRange(begin, end);
  }

  /**
   * Empties a column.
   *
   * @example
   * ```ts
   * await prices.deleteColumn(tn, 'monday');
   * ```
   */
  async deleteColumn(tn: Transaction, column: C): Promise<void> {
    for await (const [row] of this.column(tn, column)) tn.clear(this.#byRow.packKey([row, column]));
    const { begin, end } = this.#byColumn.packRange([column]);
    tn.clearRange(begin, end);
  }

  async *#line<Across>(
    tn: Transaction,
    space: TupleSpace,
    along: TupleItem,
  ): AsyncGenerator<[Across, V], void> {
    const { begin, end } = space.packRange([along]);
    for await (const [key, value] of tn.getRange(begin, end)) {
      yield [space.unpackKey(key)[1] as Across, this.#values.unpack(value)];
    }
  }
}

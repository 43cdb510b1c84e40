/** The model of the random programs: a sorted map of hex digits, as naive as can be. */
import { hex, type Row } from './bytes.ts';

export interface RangeOptions {
  limit: number;
  reverse: boolean;
}

export class SortedMap {
  #rows: Map<string, string>;

  constructor(rows: Iterable<readonly [string, string]> = []) {
    this.#rows = new Map(rows);
  }

  copy(): SortedMap {
    return new SortedMap(this.#rows);
  }

  get(key: string): string | undefined {
    return this.#rows.get(key);
  }

  set(key: string, value: string): void {
    this.#rows.set(key, value);
  }

  clear(key: string): void {
    this.#rows.delete(key);
  }

  /** Hex digits sort as the bytes they stand for. */
  clearRange(begin: string, end: string): void {
    for (const key of [...this.#rows.keys()]) {
      if (key >= begin && key < end) this.#rows.delete(key);
    }
  }

  range(begin: string, end: string, { limit, reverse }: RangeOptions): [string, string][] {
    const rows = [...this.#rows].filter(([key]) => key >= begin && key < end);
    rows.sort(([left], [right]) => (left < right ? -1 : 1));
    if (reverse) rows.reverse();
    return limit === 0 ? rows : rows.slice(0, limit);
  }

  all(): [string, string][] {
    return this.range('', 'ff', { limit: 0, reverse: false });
  }
}

export function hexRows(rows: readonly Row[]): [string, string][] {
  return rows.map(([key, value]) => [hex(key), hex(value)]);
}

/** Rows as two things that cross to a worker quickly: their keys, and one buffer of all values. */
import type { Pair } from '../contestant.ts';

export interface PackedRows {
  keys: string[];
  lengths: Uint32Array;
  values: Uint8Array<ArrayBuffer>;
}

export function packRows(rows: readonly (readonly [key: string, value: Uint8Array])[]): PackedRows {
  const lengths = Uint32Array.from(rows, ([, value]) => value.length);
  const values = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let place = 0;
  for (const [, value] of rows) {
    values.set(value, place);
    place += value.length;
  }
  return { keys: rows.map(([key]) => key), lengths, values };
}

export function unpackRows({ keys, lengths, values }: PackedRows): Pair[] {
  let place = 0;
  return keys.map((key, index) => {
    const begin = place;
    place += lengths[index] as number;
    return [key, values.subarray(begin, place)] as const;
  });
}

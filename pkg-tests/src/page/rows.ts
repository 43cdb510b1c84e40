/** Rows by their number: keys of 16 bytes in their order, values of 100 bytes that do not compress. */
import type { Database } from 'plinthdb';
import { Random } from '../suite/random.ts';

export const VALUE_BYTES = 100;

export function rowKey(row: number): string {
  return `row/${String(row).padStart(12, '0')}`;
}

export function rowValue(row: number): Uint8Array {
  const random = new Random(row);
  const value = new Uint8Array(VALUE_BYTES);
  const view = new DataView(value.buffer);
  for (let at = 0; at < VALUE_BYTES; at += 4) view.setUint32(at, random.below(0x1_0000_0000));
  return value;
}

/** Whether a value is that of the row: its first bytes and its length tell. */
export function isRowValue(row: number, value: Uint8Array | undefined): boolean {
  if (value?.length !== VALUE_BYTES) return false;
  const first = new DataView(value.buffer, value.byteOffset).getUint32(0);
  return first === new Random(row).below(0x1_0000_0000);
}

/**
 * Goes over all rows, in as many transactions as it takes, and compares each with what it must be. `numbers` gives the
 * numbers that must be there, ascending. Resolves with how many there were; throws at the first that is wrong.
 */
export async function scanRows(
  db: Database,
  numbers: Iterable<number>,
  reverse: boolean,
  retryCode: number,
): Promise<number> {
  const expected = reverse ? [...numbers].reverse() : [...numbers];
  let count = 0;
  for (;;) {
    const tn = db.rawCreateTransaction();
    try {
      const at = expected[count];
      if (at === undefined) break;
      const [begin, end] = reverse ? ['row/', `${rowKey(at)}\0`] : [rowKey(at), 'row0'];
      for await (const rows of tn.snapshot().getRangeBatch(begin, end, { reverse })) {
        for (const [key, value] of rows) {
          const row = expected[count] ?? -1;
          const found = new TextDecoder().decode(key);
          if (found !== rowKey(row) || !isRowValue(row, value)) throw new Error(`row ${row}: found ${found}`);
          count += 1;
        }
      }
      break;
    } catch (error) {
      // A transaction lives for five seconds; the next one goes on where it stopped.
      if ((error as { code?: number }).code !== retryCode) throw error;
    } finally {
      tn.free();
    }
  }
  if (count !== expected.length) throw new Error(`${count} of ${expected.length} rows were found`);
  return count;
}

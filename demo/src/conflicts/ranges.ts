/** Conflict ranges, as the engine tells them through its special keys. */

import type { Transaction } from 'plinthdb';
import { compareKeys, joinBytes, keyAfter, printable, toBytes } from '../bytes';

export interface Interval {
  begin: Uint8Array;
  end: Uint8Array;
}

export type RangeModule = 'read_conflict_range' | 'write_conflict_range' | 'conflicting_keys';

const SPECIAL = Uint8Array.of(0xff, 0xff);

/** A module has a row for every boundary: "1" where a range begins, "0" where it ends. */
export async function conflictRanges(tn: Transaction, module: RangeModule): Promise<Interval[]> {
  const prefix = joinBytes(SPECIAL, toBytes(`/transaction/${module}/`));
  const rows = await tn.getRangeAll(prefix, joinBytes(prefix, SPECIAL));
  const ranges: Interval[] = [];
  let begin: Uint8Array | undefined;
  for (const [key, value] of rows) {
    const boundary = key.slice(prefix.length);
    if (value[0] === 0x31) begin = boundary;
    else if (begin !== undefined) ranges.push({ begin, end: boundary });
  }
  return ranges;
}

export function overlaps(first: Interval, second: Interval): boolean {
  return compareKeys(first.begin, second.end) < 0 && compareKeys(second.begin, first.end) < 0;
}

/** A range of one key by its name, others as an interval. */
export function showRange({ begin, end }: Interval): string {
  return compareKeys(keyAfter(begin), end) === 0
    ? printable(begin)
    : `${printable(begin)} … ${printable(end)}`;
}

/** W4: one long scan, and many short ones after each other. */
import type { Pair, Scan } from '../contestant.ts';
import { isRowValue, Random, rowKey } from '../dataset.ts';
import { expectEqual, type Workload } from '../workload.ts';

const SHORT_SCAN_ROWS = 10;

export const rangeScans: Workload = {
  id: 'W4',
  database: 'loaded',
  isWriting: false,
  async run({ connection, sizes, seed, watch }) {
    if (connection.scanEach === undefined) throw new Error('it has no range reads');
    const random = new Random(seed);
    const long = scanAt(random.below(sizes.rows - sizes.reads), sizes.reads, sizes.rows);
    const short = Array.from({ length: sizes.scans }, () =>
      scanAt(random.below(sizes.rows - SHORT_SCAN_ROWS), SHORT_SCAN_ROWS, sizes.rows),
    );
    await connection.scanEach([long.scan]);
    await connection.scanEach(short.map(({ scan }) => scan));
    const found = [
      ...(await watch.time('W4 long scan', sizes.reads, () => connection.scanEach?.([long.scan]) ?? never())),
      ...(await watch.time('W4 short scans', short.length, () => {
        return connection.scanEach?.(short.map(({ scan }) => scan)) ?? never();
      })),
    ];
    return async () => {
      for (const [place, { first, scan }] of [long, ...short].entries()) {
        checkScan(found[place] ?? [], first, scan.count, sizes.rows);
      }
    };
  },
};

function scanAt(first: number, count: number, rows: number): { first: number; scan: Scan } {
  return { first, scan: { begin: rowKey(first, rows), end: rowKey(first + count, rows), count } };
}

function checkScan(pairs: Pair[], first: number, count: number, rows: number): void {
  expectEqual(pairs.length, count, 'rows of a scan');
  const right = pairs.filter(([key, value], place) => {
    const expected = rowKey(first + place, rows).text;
    const text = typeof key === 'string' ? key : new TextDecoder().decode(key);
    return text === expected && isRowValue(first + place, value);
  });
  expectEqual(right.length, count, 'rows of a scan that are right');
}

function never(): never {
  throw new Error('it has no range reads');
}

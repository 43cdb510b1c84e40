/** The figures of the benchmark as people read them. */

import type { Summary } from 'plinthdb-bench/statistics';
import type { Order } from './order';
import { sizesFor } from './order';
import { named } from './versions';

/** Three significant digits: more would be noise. */
export function rate(perSecond: number): string {
  return Number(perSecond.toPrecision(3)).toLocaleString('en');
}

export function spread({ min, max }: Summary): string {
  return `${rate(min)} – ${rate(max)}`;
}

export function times(ratio: number): string {
  return `${ratio < 10 ? ratio.toFixed(ratio < 1 ? 2 : 1) : rate(ratio)} ×`;
}

/** What the figures are of. */
export function conditions({ contestants, rows, rounds, durability }: Order): string {
  const sizes = sizesFor(rows);
  const count = (number: number) => number.toLocaleString('en');
  return (
    `Operations per second, medians of ${rounds === 1 ? '1 round' : `${rounds} interleaved rounds`}. ` +
    `${count(rows)} rows of 16-byte keys and 100 random bytes; ${count(sizes.operations)} commits, ` +
    `${count(sizes.reads)} reads, ${count(sizes.scans)} short scans. Durability: ${durability}. ` +
    `${contestants.map(named).join(', ')}.`
  );
}

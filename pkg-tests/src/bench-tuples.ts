/** Prints what packing and unpacking tuples cost: `npm run bench-tuples -w pkg-tests`. */
import { tupleCosts } from './support/tuple-costs.ts';

const columns = (cells: readonly string[]) =>
  cells.map((cell, index) => (index === 0 ? cell.padEnd(32) : cell.padStart(24))).join('');
const cell = (cost: number, base: number) => `${cost.toFixed(0)} ns (${(cost / base).toFixed(2)})`;

console.log(columns(['', 'plinthdb', 'plinthdb/foundationdb', 'fdb-tuple']));
for (const { what, ours, buffers, theirs } of tupleCosts()) {
  console.log(columns([what, cell(ours, theirs), cell(buffers, theirs), cell(theirs, theirs)]));
}

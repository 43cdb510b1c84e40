/** W2: all rows of the data set into an empty database. */
import { isRowValue, Random, row, rowKey } from '../dataset.ts';
import { expectEqual, type Workload } from '../workload.ts';

const CHECKED_ROWS = 500;

export const bulkLoad: Workload = {
  id: 'W2',
  database: 'empty',
  isWriting: true,
  async run({ connection, sizes, seed, watch }) {
    const rows = Array.from({ length: sizes.rows }, (_, index) => row(index, sizes.rows));
    await watch.time('W2', rows.length, () => connection.load(rows));
    if (watch.isSampling && connection.settle !== undefined) {
      await watch.time('folding', rows.length, () => connection.settle?.() ?? Promise.resolve());
    }
    return async (again) => {
      expectEqual(await again.count(), sizes.rows, 'loaded rows');
      const indices = new Random(seed).different(Math.min(CHECKED_ROWS, sizes.rows), sizes.rows);
      const found = await again.getEach(indices.map((index) => rowKey(index, sizes.rows)));
      const right = found.filter((value, place) => isRowValue(indices[place] as number, value));
      expectEqual(right.length, indices.length, 'loaded rows that are right');
    };
  },
};

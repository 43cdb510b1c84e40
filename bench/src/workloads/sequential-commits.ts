/** W1: single rows, each committed and awaited before the next. */
import { freshKey, isRowValue, rowValue } from '../dataset.ts';
import { expectEqual, type Workload } from '../workload.ts';

const WARM_COMMITS_MAX = 20;

export const sequentialCommits: Workload = {
  id: 'W1',
  database: 'empty',
  isWriting: true,
  async run({ connection, sizes, seed, watch }) {
    const first = seed * 1_000_000;
    const warm = Math.min(WARM_COMMITS_MAX, sizes.operations);
    for (let index = 0; index < warm; index++) await connection.put(freshKey(index), rowValue(index));
    const indices = Array.from({ length: sizes.operations }, (_, index) => first + warm + index);
    const rows = indices.map((index) => ({ key: freshKey(index), value: rowValue(index) }));
    await watch.time('W1', rows.length, async () => {
      for (const { key, value } of rows) await connection.put(key, value);
    });
    return async (again) => {
      const found = await again.getEach(rows.map(({ key }) => key));
      const right = found.filter((value, place) => isRowValue(indices[place] as number, value));
      expectEqual(right.length, indices.length, 'committed rows');
    };
  },
};

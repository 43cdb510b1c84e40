/** W3: random rows, each awaited before the next: in one transaction, and each in its own. */
import { isRowValue, Random, rowKey } from '../dataset.ts';
import { expectEqual, type Workload } from '../workload.ts';

export const pointReads: Workload = {
  id: 'W3',
  database: 'loaded',
  isWriting: false,
  async run({ connection, sizes, seed, watch }) {
    const random = new Random(seed);
    const indices = Array.from({ length: sizes.reads }, () => random.below(sizes.rows));
    const keys = indices.map((index) => rowKey(index, sizes.rows));
    // Warm is a cache that has met these rows, and code that has run.
    await connection.getEach(keys);
    const together = await watch.time('W3 one transaction', keys.length, () => connection.getEach(keys));
    const alone: (Uint8Array | undefined)[] = [];
    await watch.time('W3 each its own', keys.length, async () => {
      for (const key of keys) alone.push(await connection.get(key));
    });
    return async () => {
      for (const values of [together, alone]) {
        const right = values.filter((value, place) => isRowValue(indices[place] as number, value));
        expectEqual(right.length, keys.length, 'rows read');
      }
    };
  },
};

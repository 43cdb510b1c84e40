/** W6: increments of one counter, all submitted together; of a hundred counters; and without reading. */
import type { Connection } from '../contestant.ts';
import { freshKey, type Key } from '../dataset.ts';
import { expectEqual, type Workload } from '../workload.ts';

const COUNTERS = 100;

export const increments: Workload = {
  id: 'W6',
  database: 'empty',
  isWriting: true,
  async run({ connection, sizes, seed, watch }) {
    const count = sizes.operations;
    const one = freshKey(seed * 1_000_000);
    const many = Array.from({ length: COUNTERS }, (_, index) => freshKey(seed * 1_000_000 + 1 + index));
    const added = freshKey(seed * 1_000_000 + 1 + COUNTERS);
    const increment = (key: Key) => connection.increment?.(key) ?? never();
    await increment(freshKey(0));
    await watch.time('W6 one counter', count, () => together(count, () => increment(one)));
    await watch.time('W6 100 counters', count, () =>
      together(count, (index) => increment(many[index % COUNTERS] as Key)),
    );
    const { add } = connection;
    if (add !== undefined) {
      await watch.time('W6 add', count, () => together(count, () => add.call(connection, added)));
    }
    return async (again) => {
      expectEqual(await counterOf(again, one), count, 'the one counter');
      let sum = 0;
      for (const key of many) sum += await counterOf(again, key);
      expectEqual(sum, count, 'the sum of the counters');
      if (add !== undefined)
        expectEqual(await counterOf(again, added), count, 'the counter that was added to');
    };
  },
};

function together(count: number, body: (index: number) => Promise<void>): Promise<unknown> {
  return Promise.all(Array.from({ length: count }, (_, index) => body(index)));
}

function counterOf(connection: Connection, key: Key): Promise<number> {
  return connection.counter?.(key) ?? never();
}

function never(): never {
  throw new Error('it has no transactions');
}

/** W7: transactions of five reads and two writes over all rows, all submitted together. */
import type { Connection } from '../contestant.ts';
import { Random, rowKey, tallyOf } from '../dataset.ts';
import { expectEqual, type Workload } from '../workload.ts';

const READS = 5;
const WRITES = 2;

export const concurrentTransactions: Workload = {
  id: 'W7',
  database: 'loaded',
  isWriting: true,
  async run({ connection, sizes, seed, watch }) {
    const random = new Random(seed);
    const transactions = Array.from({ length: sizes.operations }, () =>
      random.different(READS, sizes.rows).map((index) => rowKey(index, sizes.rows)),
    );
    const touched = [...new Map(transactions.flat().map((key) => [key.text, key])).values()];
    const tallies = async (at: Connection) => {
      const values = await at.getEach(touched);
      return values.reduce((sum, value) => sum + (value === undefined ? Number.NaN : tallyOf(value)), 0);
    };
    const before = await tallies(connection);
    const transact = connection.transact?.bind(connection);
    if (transact === undefined) throw new Error('it has no transactions of several keys');
    await watch.time('W7', transactions.length, () =>
      Promise.all(transactions.map((keys) => transact(keys))),
    );
    return async (again) => {
      expectEqual(await tallies(again), before + WRITES * transactions.length, 'the sum of the tallies');
    };
  },
};

/** One contestant doing one workload once, with its result checked on a new connection. */
import type { Connection, Contestant, Durability } from './contestant.ts';
import { row } from './dataset.ts';
import { type Measured, Stopwatch } from './stopwatch.ts';
import { expectEqual, type Sizes, type Workload } from './workload.ts';

export interface Round {
  contestant: Contestant;
  workload: Workload;
  durability: Durability;
  sizes: Sizes;
  seed: number;
  /** Measure how responsive the page stays, instead of how fast the work is. */
  isSampling: boolean;
}

/** The database of workloads that begin with nothing; each round deletes it. */
export const EMPTY_DATABASE = 'empty';

/** The database with the rows of the data set. */
export function loadedDatabase(sizes: Pick<Sizes, 'rows'>): string {
  return `rows-${sizes.rows}`;
}

/** Makes sure that the rows of the data set are there. Answers how many had to be loaded. */
export function prepare(contestant: Contestant, durability: Durability, sizes: Sizes): Promise<number> {
  return connected(contestant, loadedDatabase(sizes), durability, async (connection) => {
    const found = await connection.count();
    if (found === sizes.rows) return 0;
    expectEqual(found, 0, 'rows before loading');
    // In pieces, so that a large data set needs little memory.
    for (let begin = 0; begin < sizes.rows; begin += PIECE_ROWS) {
      const count = Math.min(PIECE_ROWS, sizes.rows - begin);
      await connection.load(Array.from({ length: count }, (_, index) => row(begin + index, sizes.rows)));
    }
    await connection.settle?.();
    return sizes.rows;
  });
}

const PIECE_ROWS = 100_000;

export async function runRound(round: Round): Promise<Measured[]> {
  const { contestant, workload, durability, sizes, seed, isSampling } = round;
  const isEmpty = workload.database === 'empty';
  const database = isEmpty ? EMPTY_DATABASE : loadedDatabase(sizes);
  if (isEmpty) await contestant.remove(database);
  const watch = new Stopwatch({ isSampling });
  const check = await connected(contestant, database, durability, (connection) =>
    workload.run({ connection, sizes, seed, watch }),
  );
  await connected(contestant, database, durability, check);
  if (isEmpty) await contestant.remove(database);
  return watch.measured;
}

/** Closes the connection whatever happens: one that stays open keeps the next round from deleting the database. */
async function connected<T>(
  contestant: Contestant,
  database: string,
  durability: Durability,
  body: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await contestant.open(database, durability);
  try {
    return await body(connection);
  } finally {
    await connection.close();
  }
}

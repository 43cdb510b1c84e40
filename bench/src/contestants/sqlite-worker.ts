/**
 * SQLite in a worker, on files of the origin's private file system by its `opfs-sahpool` VFS, the fastest that it has.
 * One table of keys and values, without a row id; prepared statements; a write-ahead log, which an exclusive lock makes
 * possible without shared memory. `strict` syncs at every commit, `relaxed` at checkpoints.
 */
import sqlite3InitModule, {
  type OpfsSAHPoolDatabase,
  type PreparedStatement,
  type SAHPoolUtil,
} from '@sqlite.org/sqlite-wasm';
import { tallied } from '../dataset.ts';
import { packRows, unpackRows } from './packed-rows.ts';
import type { Answer, Question, SqliteCalls } from './sqlite-calls.ts';

const STATEMENTS = {
  put: 'INSERT INTO rows VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  get: 'SELECT value FROM rows WHERE key = ?',
  count: 'SELECT count(*) FROM rows',
  scan: 'SELECT key, value FROM rows WHERE key >= ? AND key < ? ORDER BY key',
  counter: 'SELECT count FROM counters WHERE key = ?',
  increment: 'INSERT INTO counters VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET count = count + 1',
} as const;

let pool: SAHPoolUtil;
let db: OpfsSAHPoolDatabase;
let statements: Record<keyof typeof STATEMENTS, PreparedStatement>;

const calls: SqliteCalls = {
  async open(database, durability) {
    pool = await install(database);
    db = new pool.OpfsSAHPoolDb('/database');
    db.exec(`PRAGMA locking_mode = exclusive;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${durability === 'strict' ? 'FULL' : 'NORMAL'};
      PRAGMA cache_size = -16384;
      CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS counters (key TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;`);
    const mode = db.selectValue('PRAGMA journal_mode');
    if (mode !== 'wal') throw new Error(`a write-ahead log was expected, found ${mode}`);
    const prepared = Object.entries(STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)]);
    statements = Object.fromEntries(prepared);
  },
  async remove(database) {
    await (await install(database)).removeVfs();
  },
  put(key, value) {
    run(statements.put.bind([key, value]));
  },
  load(rows) {
    db.transaction(() => {
      for (const [key, value] of unpackRows(rows)) run(statements.put.bind([key as string, value]));
    });
  },
  settle() {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  },
  count() {
    return one<number>(statements.count) ?? 0;
  },
  get(key) {
    return one<Uint8Array>(statements.get.bind(key));
  },
  scan(begin, end) {
    const found: [string, Uint8Array][] = [];
    statements.scan.bind([begin, end]);
    while (statements.scan.step()) found.push(statements.scan.get([]) as [string, Uint8Array]);
    statements.scan.reset();
    return packRows(found);
  },
  increment(key) {
    run(statements.increment.bind(key));
  },
  counter(key) {
    return one<number>(statements.counter.bind(key)) ?? 0;
  },
  transact(keys) {
    db.transaction(() => {
      const values = keys.map((key) => calls.get(key));
      for (const [index, key] of keys.slice(0, 2).entries()) {
        calls.put(key, tallied(values[index] as Uint8Array));
      }
    });
  },
  close() {
    for (const statement of Object.values(statements)) statement.finalize();
    db.close();
    pool.pauseVfs();
  },
};

async function install(database: string): Promise<SAHPoolUtil> {
  const sqlite3 = await sqlite3InitModule();
  return sqlite3.installOpfsSAHPoolVfs({ name: 'bench', directory: `/sqlite-${database}` });
}

function run(statement: PreparedStatement): void {
  statement.step();
  statement.reset();
}

function one<T>(statement: PreparedStatement): T | undefined {
  const found = statement.step() ? (statement.get(0) as T) : undefined;
  statement.reset();
  return found;
}

// The first call must have ended before the next: it opens.
let last: Promise<unknown> = Promise.resolve();
self.onmessage = ({ data }: MessageEvent<Question>) => {
  const { id, name, parameters } = data;
  const body = calls[name] as (...parameters: unknown[]) => unknown;
  last = last.then(async () => answer(await outcome(id, () => body(...parameters))));
};

async function outcome(id: number, body: () => unknown): Promise<Answer> {
  try {
    const result = body();
    return { id, result: result instanceof Promise ? await result : result };
  } catch (error) {
    return { id, error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) };
  }
}

function answer(message: Answer): void {
  postMessage(message);
}

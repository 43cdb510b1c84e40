/**
 * What the API suite needs from the place it runs in, and the helpers that every file of the suite uses.
 *
 * The suite itself knows neither Node nor the page: it is a function of a `Storage`.
 */
import { assert } from 'chai';
import { type Database, deleteDatabase, FDBError, type open, type Transaction } from 'plinthdb';

export type OpenOptions = NonNullable<Parameters<typeof open>[1]>;

export interface Storage {
  /** Shown in the titles: `memory`, `IndexedDB`. */
  readonly label: string;
  /** A database name never used before. */
  uniqueName(): string;
  open(name: string, options?: OpenOptions): Promise<Database>;
  /** Seeds the random programs. */
  readonly seed: number;
  /** How many transactions a random program runs. */
  readonly steps: number;
}

export interface TestDatabase {
  readonly db: Database;
  readonly name: string;
  /** A second handle on the same database; closed with the first. */
  openAgain(options?: OpenOptions): Promise<Database>;
}

/** Gives each test of the enclosing `describe` a database of its own, gone when the test ends. */
export function withDatabase(storage: Storage): TestDatabase {
  let handles: Database[] = [];
  let name = '';

  async function openAgain(options?: OpenOptions): Promise<Database> {
    const handle = await storage.open(name, options);
    handles.push(handle);
    return handle;
  }

  beforeEach(async () => {
    name = storage.uniqueName();
    await openAgain();
  });

  afterEach(async () => {
    const opened = handles;
    handles = [];
    for (const handle of opened) await handle.close();
    await deleteDatabase(name);
  });

  return {
    get db() {
      const first = handles[0];
      assert.isDefined(first, 'the test has no database');
      return first as Database;
    },
    get name() {
      return name;
    },
    openAgain,
  };
}

/** The code of the FDBError that `action` throws or rejects with; fails when it does neither. */
export async function codeOf(action: () => unknown): Promise<number> {
  let outcome: unknown;
  try {
    outcome = await action();
  } catch (error) {
    return codeOfError(error);
  }
  return assert.fail(`expected an FDBError, got ${String(outcome)}`);
}

export function codeOfError(error: unknown): number {
  if (error instanceof FDBError) return error.code;
  throw error;
}

/** As `codeOf`, for what must throw before it returns. */
export function codeThrownBy(action: () => unknown): number {
  let outcome: unknown;
  try {
    outcome = action();
  } catch (error) {
    return codeOfError(error);
  }
  return assert.fail(`expected an FDBError to be thrown, got ${String(outcome)}`);
}

/** Commits what `body` does, without a retry. */
export async function commitOnce(db: Database, body: (tn: Transaction) => unknown): Promise<Transaction> {
  const tn = db.rawCreateTransaction();
  await body(tn);
  await tn.rawCommit();
  return tn;
}

/** Whether `promise` has settled by now; waits for no time, only for callbacks that are already due. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  const first = await Promise.race([promise, Promise.resolve(pending)]);
  return first !== pending;
}

/** Pairs of strings into the database, in one transaction. */
export async function fill(db: Database, rows: Record<string, string>): Promise<void> {
  await db.doTransaction((tn) => {
    for (const [key, value] of Object.entries(rows)) tn.set(key, value);
  });
}

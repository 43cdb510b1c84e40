import { OpenConnection, type Opened } from './connection.js';
import { Database } from './database.js';
import * as engine from './engine.js';
import { errorCodes } from './error-codes.js';
import { FDBError, fdbError } from './fdb-error.js';
import { databaseOptionTable, type NativeDatabaseOptions } from './option-codes.js';
import { OWN_OPTIONS, setOptions } from './options.js';
import { RecentActivity } from './recent-activity.js';
import { root } from './subspace.js';

/** Names of databases in memory begin so. */
const MEMORY = 'memory:';

/** Options of `open`: FoundationDB's, and when commits are acknowledged. */
export interface OpenOptions extends NativeDatabaseOptions {
  /**
   * When a commit is acknowledged: `strict` (the default) when it is on the disk, `relaxed` when the
   * operating system has it, which a crash of the machine, and only that, can lose.
   */
  durability?: 'strict' | 'relaxed' | undefined;
  /** Bytes of the database that are kept in memory; 16 MiB is the default. Recent changes come on top. */
  cacheBytes?: number | undefined;
  /**
   * For a database that does not open because a log record is damaged: opens it as it was before that record,
   * to be read, checked and exported, and writes nothing to it. Commits fail with `transaction_read_only`;
   * what other tabs do is not followed. Rejects with `file_not_found` if there is no such database.
   */
  salvage?: boolean | undefined;
  /**
   * `memory` opens a database in memory where there is no IndexedDB or the browser refuses it, instead of rejecting:
   * what is written there is lost with the page, and no other tab sees it. {@link Database.storage} tells which one
   * it became, {@link Database.fallbackCause} why. Damage is no reason for it: that is rejected with, always.
   */
  fallback?: 'memory' | undefined;
  /** Whether requests are recorded for {@link Database.recent}. Failures are, always. */
  inspect?: boolean | undefined;
}

/** Where the engine's WebAssembly comes from: one of these, or none of them for the usual place. */
export interface InitOptions {
  /** The compiled module: what an import of the `.wasm` file gives in some runtimes, or another thread has sent. */
  module?: WebAssembly.Module | PromiseLike<WebAssembly.Module> | undefined;
  /** The bytes of the file. */
  bytes?: BufferSource | PromiseLike<BufferSource> | undefined;
  /** Its address, to be fetched. */
  url?: string | URL | undefined;
}

/** Loads the engine from what the options say, or else from this source. */
export async function initFrom(source: () => engine.WasmSource, options?: InitOptions): Promise<void> {
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  const [[name, value] = [], ...others] = given;
  if (others.length > 0 || (name !== undefined && !['module', 'bytes', 'url'].includes(name))) {
    const found = given.map(([key]) => key).join(', ');
    throw new TypeError(`init: one of module, bytes and url was expected, found ${found}`);
  }
  await engine.loadEngine(value === undefined ? source : () => value as engine.WasmSource);
}

/** Opens a database with the engine from this source. */
export async function openFrom(
  source: () => engine.WasmSource,
  name: string,
  options: OpenOptions | undefined,
): Promise<Database> {
  if (typeof name !== 'string') throw new TypeError(`a database name was expected, found ${typeof name}`);
  // A wrong name is told before anything is opened.
  setOptions(options ?? {}, databaseOptionTable, OWN_OPTIONS, () => undefined);
  const fallback: unknown = options?.fallback;
  if (fallback !== undefined && fallback !== 'memory') {
    throw new TypeError(`fallback: 'memory' was expected, found ${String(fallback)}`);
  }
  const salvage: unknown = options?.salvage ?? false;
  if (typeof salvage !== 'boolean') {
    const message = `salvage: true or false was expected, found ${String(salvage)}`;
    throw fdbError(errorCodes.invalid_option_value, message);
  }
  await engine.loadEngine(source);
  const database = await openOrFallBack(name, options ?? {});
  try {
    database.setNativeOptions(options ?? {});
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

async function openOrFallBack(name: string, options: OpenOptions): Promise<Database> {
  const { durability, cacheBytes, salvage = false, fallback, inspect } = options;
  const opened = await openHandle(name, { durability, cacheBytes, salvage }, fallback);
  return new Database(new OpenConnection(name, opened, new RecentActivity(inspect)), root);
}

/** Opens a database, or instead of it one in memory if that is wished and the browser has no storage for us. */
export async function openHandle(
  name: string,
  options: object,
  fallback: OpenOptions['fallback'],
): Promise<Opened> {
  const isMemory = isInMemory(name);
  try {
    const handle = await engine.openDatabase(name, options);
    return { handle, storage: isMemory ? 'memory' : 'indexeddb', fallbackCause: undefined };
  } catch (error) {
    if (fallback === undefined || isMemory || !isRefusal(error)) throw error;
    const handle = await engine.openDatabase(MEMORY + name, options);
    return { handle, storage: 'memory', fallbackCause: error };
  }
}

/** Whether a database of this name is in memory. */
export function isInMemory(name: string): boolean {
  return name.startsWith(MEMORY);
}

/** Whether there is no storage to be had, which says nothing against what may be stored. */
function isRefusal(error: unknown): error is FDBError {
  if (!(error instanceof FDBError)) return false;
  return error.code === errorCodes.unsupported_operation || error.code === errorCodes.io_error;
}

/** Deletes a database with the engine from this source. */
export async function deleteFrom(source: () => engine.WasmSource, name: string): Promise<void> {
  await engine.loadEngine(source);
  await engine.deleteDatabase(name);
}

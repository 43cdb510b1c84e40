import { OpenConnection } from './connection.js';
import { Database } from './database.js';
import * as engine from './engine.js';
import { databaseOptionTable, type NativeDatabaseOptions } from './option-codes.js';
import { OWN_OPTIONS, setOptions } from './options.js';
import { root } from './subspace.js';

/** Options of `open`: FoundationDB's, and when commits are acknowledged. */
export interface OpenOptions extends NativeDatabaseOptions {
  /**
   * When a commit is acknowledged: `strict` (the default) when it is on the disk, `relaxed` when the
   * operating system has it, which a crash of the machine, and only that, can lose.
   */
  durability?: 'strict' | 'relaxed' | undefined;
  /** Bytes of the database that are kept in memory; 16 MiB is the default. Recent changes come on top. */
  cacheBytes?: number | undefined;
}

/** Options of `init`. */
export interface InitOptions {
  /** The engine's WebAssembly: a URL of it, its bytes, a response with it, or the compiled module. */
  wasm?: engine.WasmSource | undefined;
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
  await engine.loadEngine(source);
  const { durability, cacheBytes } = options ?? {};
  const handle = await engine.openDatabase(name, { durability, cacheBytes });
  const database = new Database(new OpenConnection(name, handle), root);
  try {
    database.setNativeOptions(options ?? {});
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

/** Deletes a database with the engine from this source. */
export async function deleteFrom(source: () => engine.WasmSource, name: string): Promise<void> {
  await engine.loadEngine(source);
  await engine.deleteDatabase(name);
}

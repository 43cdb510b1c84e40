import { Database } from './database.js';
import * as engine from './engine.js';
import { databaseOptionTable, type NativeDatabaseOptions } from './option-codes.js';
import { setOptions } from './options.js';

/** Options of `open`: FoundationDB's, and when commits are acknowledged. */
export interface OpenOptions extends NativeDatabaseOptions {
  /**
   * When a commit is acknowledged: `strict` (the default) when it is on the disk, `relaxed` when the
   * operating system has it, which a crash of the machine, and only that, can lose.
   */
  durability?: 'strict' | 'relaxed' | undefined;
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
  setOptions(options ?? {}, databaseOptionTable, ['durability'], () => undefined);
  await engine.loadEngine(source);
  const handle = await engine.openDatabase(name, { durability: options?.durability });
  const database = new Database(name, handle);
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

import { Database } from './database.js';
import * as engine from './engine.js';

/** Options of `open`. */
export interface OpenOptions {
  /**
   * When a commit is acknowledged: `strict` (the default) when it is on the disk, `relaxed` when the
   * operating system has it, which a crash of the machine, and only that, can lose.
   */
  durability?: 'strict' | 'relaxed' | undefined;
  /** Default of the transactions' `timeout`. */
  transaction_timeout?: number | undefined;
  /** Default of the transactions' `retry_limit`. */
  transaction_retry_limit?: number | undefined;
  /** Default of the transactions' `max_retry_delay`. */
  transaction_max_retry_delay?: number | undefined;
  /** Default of the transactions' `size_limit`. */
  transaction_size_limit?: number | undefined;
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
  await engine.loadEngine(source);
  return new Database(name, await engine.openDatabase(name, options));
}

/** Deletes a database with the engine from this source. */
export async function deleteFrom(source: () => engine.WasmSource, name: string): Promise<void> {
  await engine.loadEngine(source);
  await engine.deleteDatabase(name);
}

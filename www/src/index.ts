/**
 * Plinth: FoundationDB's data model and guarantees inside a web page.
 *
 * This entry is for browsers: the engine's WebAssembly is a file beside this module, fetched when the
 * first database is opened. Importing the package does nothing.
 *
 * @module plinthdb
 */
import { deleteFrom, type InitOptions, initFrom, type OpenOptions, openFrom } from './api.js';
import type { Database } from './database.js';
import type { WasmSource } from './engine.js';

export * from './exports.js';

/**
 * Opens a database, creating it if there is none of this name.
 *
 * A name beginning with `memory:` is a database in memory, shared by all handles of that name in this
 * page and lost with the last of them. Any other is kept in IndexedDB and shared by all tabs, frames
 * and workers of the origin.
 *
 * Rejects with `file_corrupt` naming the damaged record (the option `salvage` opens what is before it),
 * `unsupported_operation` where IndexedDB is missing, `io_error` where the browser refuses storage.
 *
 * @example
 * ```ts
 * const db = await open('my-app');
 * await db.set('hello', 'world');
 * ```
 */
export function open(name: string, options?: OpenOptions): Promise<Database> {
  return openFrom(fileOfThePackage, name, options);
}

/**
 * Deletes a database with everything in it. Close its handles first.
 *
 * @example
 * ```ts
 * await deleteDatabase('my-app');
 * ```
 */
export function deleteDatabase(name: string): Promise<void> {
  return deleteFrom(fileOfThePackage, name);
}

/**
 * Loads the engine before it is needed, or from a place of your choice: an address, its bytes, or the compiled module.
 * `open` does it otherwise, from the file of the package. The engine is loaded once; later calls change nothing.
 *
 * @example
 * ```ts
 * await init({ url: '/static/plinth.wasm' });
 * ```
 */
export function init(options?: InitOptions): Promise<void> {
  return initFrom(fileOfThePackage, options);
}

// Bundlers know this expression: they copy the file and put its address here.
function fileOfThePackage(): WasmSource {
  return new URL('../generated/plinth_wasm_bg.wasm', import.meta.url);
}

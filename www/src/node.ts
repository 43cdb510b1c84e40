/**
 * Plinth in Node: databases in memory (`memory:` names), for tests and for code that runs on both
 * sides. The same exports as the browser's entry; importing it touches nothing of a browser.
 */
import { readFile } from 'node:fs/promises';
import { deleteFrom, type InitOptions, initFrom, type OpenOptions, openFrom } from './api.js';
import type { Database } from './database.js';
import type { WasmSource } from './engine.js';

export * from './exports.js';

/**
 * Opens a database in memory: the name begins with `memory:`.
 *
 * @example
 * ```ts
 * const tests = await open('memory:tests');
 * ```
 */
export function open(name: string, options?: OpenOptions): Promise<Database> {
  return openFrom(fileOfThePackage, name, options);
}

/**
 * Deletes a database. One in memory goes with its last handle.
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

function fileOfThePackage(): WasmSource {
  return readFile(new URL('../generated/plinth_wasm_bg.wasm', import.meta.url));
}

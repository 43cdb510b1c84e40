/**
 * Plinth with the engine's WebAssembly inside the module: nothing is fetched, and nothing has to be served beside the
 * bundle. The same exports as the main entry. The modules are the same too: `init` of this one is enough for
 * `plinthdb`, `plinthdb/foundationdb` and all that is opened by them.
 *
 * @module plinthdb/inline
 */
import { deleteFrom, type InitOptions, initFrom, type OpenOptions, openFrom } from './api.js';
import type { Database } from './database.js';
import { engineBytes } from './engine-bytes.js';

export * from './exports.js';

/**
 * Opens a database, creating it if there is none of this name. The same as in the main entry.
 *
 * @example
 * ```ts
 * const db = await open('my-app');
 * await db.set('hello', 'world');
 * ```
 */
export function open(name: string, options?: OpenOptions): Promise<Database> {
  return openFrom(bytesInThisModule, name, options);
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
  return deleteFrom(bytesInThisModule, name);
}

/**
 * Loads the engine before it is needed. `open` does it otherwise.
 *
 * @example
 * ```ts
 * await init();
 * ```
 */
export function init(options?: InitOptions): Promise<void> {
  return initFrom(bytesInThisModule, options);
}

/** Inflated by the platform. `fetch` of a data URL would do both steps, but strict pages forbid it. */
function bytesInThisModule(): Promise<ArrayBuffer> {
  const text = atob(engineBytes);
  const compressed = Uint8Array.from(text, (char) => char.charCodeAt(0));
  const inflated = new Blob([compressed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(inflated).arrayBuffer();
}

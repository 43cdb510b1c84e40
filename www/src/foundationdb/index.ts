/**
 * Plinth in the shape of the npm package `foundationdb`, for programs that are written for it: `open` is
 * synchronous, and the database is opened while it is in use.
 *
 * This entry is for browsers. What they get are Buffers if there is a global `Buffer`, else `Uint8Array`s.
 *
 * @module plinthdb/foundationdb
 */
import { deleteFrom, type InitOptions, initFrom, type OpenOptions } from '../api.js';
import type { WasmSource } from '../engine.js';
import type { Database } from './database.js';
import { type Cluster, clusterOf, nameOf, openFrom } from './entry.js';

export * from './exports.js';

/**
 * Opens a database, at once: what is done with it waits until it is open. The path of a cluster file is the
 * name of the database, and `fdb.cluster` the name for none. Throws if no API version was set.
 *
 * @example
 * ```ts
 * fdb.setAPIVersion(720);
 * const fresh = fdb.open();
 * ```
 */
export function open(clusterFile?: string, options?: OpenOptions): Database {
  return openFrom(fileOfThePackage, nameOf(clusterFile), options);
}

/**
 * The same as {@link open}. @deprecated
 *
 * @example
 * ```ts
 * const old = fdb.openSync('fdb.cluster');
 * ```
 */
export const openSync: typeof open = open;

/**
 * A cluster, which is no more than what `open` opens. @deprecated
 *
 * @example
 * ```ts
 * const old = fdb.createClusterSync().openDatabaseSync();
 * ```
 */
export function createClusterSync(clusterFile?: string): Cluster {
  return clusterOf((options) => open(clusterFile, options));
}

/**
 * A cluster, which is no more than what `open` opens. @deprecated
 *
 * @example
 * ```ts
 * const old = await (await fdb.createCluster()).openDatabase();
 * ```
 */
export async function createCluster(clusterFile?: string): Promise<Cluster> {
  return createClusterSync(clusterFile);
}

/**
 * Deletes a database with everything in it. Close its handles first.
 *
 * @example
 * ```ts
 * await fdb.deleteDatabase('fdb.cluster');
 * ```
 */
export function deleteDatabase(clusterFile?: string): Promise<void> {
  return deleteFrom(fileOfThePackage, nameOf(clusterFile));
}

/**
 * Loads the engine before it is needed, or from a place of your choice: an address, its bytes, or the compiled module.
 * `open` does it otherwise, from the file of the package. The engine is loaded once; later calls change nothing.
 *
 * @example
 * ```ts
 * await fdb.init({ url: '/static/plinth.wasm' });
 * ```
 */
export function init(options?: InitOptions): Promise<void> {
  return initFrom(fileOfThePackage, options);
}

// Bundlers know this expression: they copy the file and put its address here.
function fileOfThePackage(): WasmSource {
  return new URL('../../generated/plinth_wasm_bg.wasm', import.meta.url);
}

/** What is the same wherever the engine's WebAssembly comes from: opening databases, and what is before it. */
import { type OpenOptions, openHandle } from '../api.js';
import { loadEngine, type WasmSource } from '../engine.js';
import { RecentActivity } from '../recent-activity.js';
import { apiVersion } from './api-version.js';
import { Database } from './database.js';
import { closeAll, LazyConnection } from './lazy-connection.js';
import { type NetworkOptions, networkOptionTable } from './network-options.js';
import { setOptionsOrWarn } from './options.js';
import { root } from './subspace.js';

/** The database of a program that names no cluster file: the file's usual name. */
const USUAL_NAME = 'fdb.cluster';

let isStarted = false;

/** Opens a database with the engine from this source. */
export function openFrom(source: () => WasmSource, name: string, options: OpenOptions | undefined): Database {
  if (apiVersion() === undefined) {
    throw new Error(
      'You must specify an API version to connect to FoundationDB. Eg: fdb.setAPIVersion(720);',
    );
  }
  isStarted = true;
  const { durability, cacheBytes, salvage = false, fallback, inspect } = options ?? {};
  const opening = async () => {
    await loadEngine(source);
    return openHandle(name, { durability, cacheBytes, salvage, defersErrors: true }, fallback);
  };
  const connection = new LazyConnection(name, opening, new RecentActivity(inspect));
  const database = new Database(connection, root);
  if (options) database.setNativeOptions(options);
  return database;
}

/** The name of the database that stands for a cluster file. */
export function nameOf(clusterFile: string | undefined): string {
  return clusterFile ?? USUAL_NAME;
}

/**
 * Options of the network: taken before the first `open`, and without effect.
 *
 * @example
 * ```ts
 * fdb.configNetwork({ trace_enable: 'trace' });
 * ```
 */
export function configNetwork(options: NetworkOptions): void {
  if (isStarted) throw new Error('configNetwork must be called before FDB connections are opened');
  setOptionsOrWarn(options, networkOptionTable, [], () => undefined);
}

/**
 * Closes all databases that were opened here.
 *
 * @example
 * ```ts
 * fdb.stopNetworkSync();
 * ```
 */
export function stopNetworkSync(): void {
  closeAll();
}

/** A cluster, which FoundationDB had long ago. */
export interface Cluster {
  /**
   * Opens the cluster's one database.
   *
   * @example
   * ```ts
   * const old = await fdb.createClusterSync().openDatabase('DB');
   * ```
   */
  openDatabase(name?: 'DB', options?: OpenOptions): Promise<Database>;
  /**
   * The same, at once.
   *
   * @example
   * ```ts
   * const old = fdb.createClusterSync().openDatabaseSync();
   * ```
   */
  openDatabaseSync(name?: 'DB', options?: OpenOptions): Database;
  /**
   * Does nothing: databases are closed one by one.
   *
   * @example
   * ```ts
   * fdb.createClusterSync().close();
   * ```
   */
  close(): void;
}

/** A cluster of what `open` opens. */
export function clusterOf(open: (options: OpenOptions | undefined) => Database): Cluster {
  return {
    openDatabase: async (_name, options) => open(options),
    openDatabaseSync: (_name, options) => open(options),
    close: () => undefined,
  };
}

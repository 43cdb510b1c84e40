import { type BytesLike, toBytes } from './bytes.js';
import { Database } from './database.js';
import { DirectoryError, directoryError } from './directory-error.js';
import {
  call,
  type DirectoryHandle,
  DirectoryLayerHandle,
  settle,
  type TransactionHandle,
} from './engine.js';
import { errorCodes } from './error-codes.js';
import { Subspace } from './subspace.js';
import type { Transaction } from './transaction.js';

/** What directory operations run in: a transaction, or a database, in a transaction of its own. */
export type TransactionOrDatabase = Transaction | Database;

/** A path of names, or a single name; `null` and `undefined` for none. */
export type DirectoryPath = string | readonly string[] | null | undefined;

/** Options of a {@link DirectoryLayer}. */
export interface DirectoryLayerOptions {
  /** What the keys of the metadata begin with; the byte `fe` is the default. */
  nodePrefix?: BytesLike | undefined;
  /** The same, given as a subspace. */
  nodeSubspace?: AnySubspace | undefined;
  /** What the prefixes of directories begin with; by default nothing. */
  contentPrefix?: BytesLike | undefined;
  /** The same, given as a subspace. */
  contentSubspace?: AnySubspace | undefined;
  /** Whether directories may be created with a prefix of the caller's choice. */
  allowManualPrefixes?: boolean | undefined;
}

/** A subspace of any encoding: what matters is its prefix. */
interface AnySubspace {
  readonly prefix: Uint8Array;
}

const NODE_PREFIX = /* @__PURE__ */ Uint8Array.of(0xfe);
const EMPTY = /* @__PURE__ */ new Uint8Array(0);
const textDecoder = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * A tree of directories: paths of names that stand for short prefixes of keys. What is stored is what
 * FoundationDB's bindings store. {@link directory} is the usual one.
 *
 * Operations fail with a {@link DirectoryError}, whose code says why.
 */
export class DirectoryLayer {
  readonly #options: { nodePrefix: Uint8Array; contentPrefix: Uint8Array; allowManualPrefixes: boolean };
  #made: DirectoryLayerHandle | undefined;

  constructor(options: DirectoryLayerOptions = {}) {
    const { nodePrefix = NODE_PREFIX, contentPrefix = EMPTY } = options;
    this.#options = {
      nodePrefix: options.nodeSubspace?.prefix ?? toBytes(nodePrefix).slice(),
      contentPrefix: options.contentSubspace?.prefix ?? toBytes(contentPrefix).slice(),
      allowManualPrefixes: options.allowManualPrefixes ?? false,
    };
  }

  /** Its path: that of the root. */
  getPath(): string[] {
    return [];
  }

  /**
   * Opens a directory, creating it and the directories on the way to it if need be. If a layer is given,
   * an existing directory has to have it.
   *
   * @example
   * ```ts
   * const users = await directory.createOrOpen(db, ['app', 'users']);
   * await db.set(users.getSubspace().withKeyEncoding(tuple).packKey(['ann']), 'value');
   * ```
   */
  createOrOpen(
    txnOrDb: TransactionOrDatabase,
    path: DirectoryPath,
    layer?: 'partition' | BytesLike,
  ): Promise<Directory> {
    return run(txnOrDb, (tn) => this.#handle.createOrOpen(tn, names(path), layerBytes(layer)), wrap);
  }

  /** Opens a directory that exists. If a layer is given, it has to have it. */
  open(
    txnOrDb: TransactionOrDatabase,
    path: DirectoryPath,
    layer?: 'partition' | BytesLike,
  ): Promise<Directory> {
    return run(txnOrDb, (tn) => this.#handle.open(tn, names(path), layerBytes(layer)), wrap);
  }

  /**
   * Creates a directory that does not exist, and the directories on the way to it if need be; with this
   * prefix, if one is given. The layer `partition` makes it a partition.
   */
  create(
    txnOrDb: TransactionOrDatabase,
    path: DirectoryPath,
    layer?: 'partition' | BytesLike,
    prefix?: BytesLike,
  ): Promise<Directory> {
    const bytes = prefix === undefined ? undefined : toBytes(prefix);
    return run(txnOrDb, (tn) => this.#handle.create(tn, names(path), layerBytes(layer), bytes), wrap);
  }

  /** Gives a directory another path. Its keys stay what they are, and open directories stay valid. */
  move(txnOrDb: TransactionOrDatabase, oldPath: DirectoryPath, newPath: DirectoryPath): Promise<Directory> {
    return run(txnOrDb, (tn) => this.#handle.moveTo(tn, names(oldPath), names(newPath)), wrap);
  }

  /**
   * Removes a directory with its contents and all directories below it. Who has it open can still write
   * into it.
   */
  remove(txnOrDb: TransactionOrDatabase, path?: DirectoryPath): Promise<boolean> {
    return run(
      txnOrDb,
      (tn) => this.#handle.remove(tn, names(path)),
      () => true,
    );
  }

  /** As {@link DirectoryLayer.remove}, if the directory exists: whether it did. */
  removeIfExists(txnOrDb: TransactionOrDatabase, path?: DirectoryPath): Promise<boolean> {
    return run(txnOrDb, (tn) => this.#handle.removeIfExists(tn, names(path)), same<boolean>);
  }

  /** The names of a directory's children, in the order of their bytes. */
  async *list(tn: TransactionOrDatabase, path?: DirectoryPath): AsyncGenerator<string, void> {
    yield* await this.listAll(tn, path);
  }

  /** The names of a directory's children, in the order of their bytes. */
  listAll(txnOrDb: TransactionOrDatabase, path?: DirectoryPath): Promise<string[]> {
    return run(txnOrDb, (tn) => this.#handle.list(tn, names(path)), same<string[]>);
  }

  /** Whether a directory exists. The root always does. */
  exists(txnOrDb: TransactionOrDatabase, path?: DirectoryPath): Promise<boolean> {
    return run(txnOrDb, (tn) => this.#handle.exists(tn, names(path)), same<boolean>);
  }

  /** Made when it is first needed: the engine may not have been loaded before. */
  get #handle(): DirectoryLayerHandle {
    const { nodePrefix, contentPrefix, allowManualPrefixes } = this.#options;
    this.#made ??= new DirectoryLayerHandle(nodePrefix, contentPrefix, allowManualPrefixes);
    return this.#made;
  }
}

/** The usual directory layer. */
export const directory: DirectoryLayer = /* @__PURE__ */ new DirectoryLayer();

/**
 * An open directory. Paths begin at it, but for that of {@link Directory.moveTo}; without a path, it is
 * meant itself. Made by a {@link DirectoryLayer}, or by another directory.
 *
 * A partition is a directory with a directory layer of its own inside: everything of it begins with its
 * prefix. Nothing can be moved in or out, and it can't be used as a subspace.
 */
export class Directory {
  /** All keys of the directory, also of a partition. */
  readonly content: Subspace;
  readonly #handle: DirectoryHandle;
  readonly #path: readonly string[];
  readonly #layer: Uint8Array;
  readonly #isPartition: boolean;

  /** @internal */
  constructor(handle: DirectoryHandle) {
    this.#handle = handle;
    this.#path = handle.path();
    this.#layer = handle.layer();
    this.#isPartition = handle.isPartition();
    this.content = new Subspace(handle.prefix());
  }

  /** The subspace of its keys. Throws `cannot_use_partition_as_subspace` for a partition. */
  getSubspace(): Subspace {
    if (this.#isPartition) throw directoryError(errorCodes.cannot_use_partition_as_subspace);
    return this.content;
  }

  /** Its path from the root, when it was opened. */
  getPath(): string[] {
    return [...this.#path];
  }

  /** Its layer, which says who it belongs to: empty if none was given. */
  getLayer(): string {
    return textDecoder.decode(this.#layer);
  }

  /** The bytes of its layer. */
  getLayerRaw(): Uint8Array {
    return this.#layer.slice();
  }

  /** Whether it has a directory layer of its own inside. */
  isPartition(): boolean {
    return this.#isPartition;
  }

  /** See {@link DirectoryLayer.createOrOpen}. */
  createOrOpen(
    txnOrDb: TransactionOrDatabase,
    path: DirectoryPath,
    layer?: 'partition' | BytesLike,
  ): Promise<Directory> {
    return run(txnOrDb, (tn) => this.#handle.createOrOpen(tn, names(path), layerBytes(layer)), wrap);
  }

  /** See {@link DirectoryLayer.open}. */
  open(
    txnOrDb: TransactionOrDatabase,
    path: DirectoryPath,
    layer?: 'partition' | BytesLike,
  ): Promise<Directory> {
    return run(txnOrDb, (tn) => this.#handle.open(tn, names(path), layerBytes(layer)), wrap);
  }

  /** See {@link DirectoryLayer.create}. */
  create(
    txnOrDb: TransactionOrDatabase,
    path: DirectoryPath,
    layer?: 'partition' | BytesLike,
    prefix?: BytesLike,
  ): Promise<Directory> {
    const bytes = prefix === undefined ? undefined : toBytes(prefix);
    return run(txnOrDb, (tn) => this.#handle.create(tn, names(path), layerBytes(layer), bytes), wrap);
  }

  /** Gives a directory below another path below. See {@link DirectoryLayer.move}. */
  move(txnOrDb: TransactionOrDatabase, oldPath: DirectoryPath, newPath: DirectoryPath): Promise<Directory> {
    return run(txnOrDb, (tn) => this.#handle.moveWithin(tn, names(oldPath), names(newPath)), wrap);
  }

  /** Gives this directory another path, from the root. */
  moveTo(txnOrDb: TransactionOrDatabase, newAbsolutePath: DirectoryPath): Promise<Directory> {
    return run(txnOrDb, (tn) => this.#handle.moveTo(tn, names(newAbsolutePath)), wrap);
  }

  /** See {@link DirectoryLayer.remove}. */
  remove(txnOrDb: TransactionOrDatabase, path?: DirectoryPath): Promise<boolean> {
    return run(
      txnOrDb,
      (tn) => this.#handle.remove(tn, names(path)),
      () => true,
    );
  }

  /** See {@link DirectoryLayer.removeIfExists}. */
  removeIfExists(txnOrDb: TransactionOrDatabase, path?: DirectoryPath): Promise<boolean> {
    return run(txnOrDb, (tn) => this.#handle.removeIfExists(tn, names(path)), same<boolean>);
  }

  /** See {@link DirectoryLayer.list}. */
  async *list(tn: TransactionOrDatabase, path?: DirectoryPath): AsyncGenerator<string, void> {
    yield* await this.listAll(tn, path);
  }

  /** See {@link DirectoryLayer.listAll}. */
  listAll(txnOrDb: TransactionOrDatabase, path?: DirectoryPath): Promise<string[]> {
    return run(txnOrDb, (tn) => this.#handle.list(tn, names(path)), same<string[]>);
  }

  /** See {@link DirectoryLayer.exists}. */
  exists(txnOrDb: TransactionOrDatabase, path?: DirectoryPath): Promise<boolean> {
    return run(txnOrDb, (tn) => this.#handle.exists(tn, names(path)), same<boolean>);
  }
}

async function run<T>(
  txnOrDb: TransactionOrDatabase,
  operation: (tn: TransactionHandle) => Promise<unknown>,
  convert: (answer: unknown) => T,
): Promise<T> {
  if (txnOrDb instanceof Database) return txnOrDb.doTransaction((tn) => run(tn, operation, convert));
  try {
    return convert(await settle(call(() => operation(txnOrDb.engineHandle))));
  } catch (error) {
    throw DirectoryError.from(error);
  }
}

function wrap(handle: unknown): Directory {
  return new Directory(handle as DirectoryHandle);
}

function same<T>(answer: unknown): T {
  return answer as T;
}

function names(path: DirectoryPath): string[] {
  const list = path === null || path === undefined ? [] : typeof path === 'string' ? [path] : [...path];
  for (const name of list) {
    if (typeof name !== 'string') {
      throw new TypeError(`a path of strings was expected, found ${typeof name} in it`);
    }
  }
  return list;
}

function layerBytes(layer: BytesLike | undefined): Uint8Array {
  return layer === undefined ? EMPTY : toBytes(layer);
}

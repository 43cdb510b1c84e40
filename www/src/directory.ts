import { type BytesLike, copyOf, toBytes } from './bytes.js';
import { Database } from './database.js';
import { DirectoryError, directoryError } from './directory-error.js';
import { type DirectoryHandle, DirectoryLayerHandle, type TransactionHandle } from './engine.js';
import { errorCodes } from './error-codes.js';
import type { Subspace } from './subspace.js';
import type { Transaction } from './transaction.js';

/** What directory operations run in: a transaction, or a database, in a transaction of its own. */
export type TransactionOrDatabase<
  KeyIn = BytesLike,
  KeyOut = Uint8Array,
  ValIn = BytesLike,
  ValOut = Uint8Array,
> = Transaction<KeyIn, KeyOut, ValIn, ValOut> | Database<KeyIn, KeyOut, ValIn, ValOut>;

/** The same with any encodings. */
export type AnyTransactionOrDatabase = TransactionOrDatabase<never, unknown, never, unknown>;

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

/** The operations that the engine's layers and directories have in common. */
type Operations = Pick<
  DirectoryHandle,
  'createOrOpen' | 'open' | 'create' | 'remove' | 'removeIfExists' | 'list' | 'exists'
>;

const NODE_PREFIX = /* @__PURE__ */ Uint8Array.of(0xfe);
const EMPTY = /* @__PURE__ */ new Uint8Array(0);
const textDecoder = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * What a {@link DirectoryLayer} and a {@link Directory} can do: the paths of the one begin at the root,
 * those of the other at the directory.
 *
 * A directory that is opened or made has the encodings of the transaction or database that was given.
 */
abstract class DirectoryOperations {
  /** The engine's side. @internal */
  protected abstract operations(): Operations;

  /** Moves a directory by the paths that `move` takes. @internal */
  protected abstract moveHandle(
    tn: TransactionHandle,
    oldPath: string[],
    newPath: string[],
  ): Promise<unknown>;

  /**
   * Opens a directory, creating it and the directories on the way to it if need be. If a layer is given,
   * an existing directory has to have it.
   *
   * @example
   * ```ts
   * const users = db.at(await directory.createOrOpen(db, ['app', 'users'])).withKeyEncoding(tuple);
   * await users.set(['ann'], 'value');
   * ```
   */
  createOrOpen<KeyIn, KeyOut, ValIn, ValOut>(
    txnOrDb: TransactionOrDatabase<KeyIn, KeyOut, ValIn, ValOut>,
    path: DirectoryPath,
    layer?: 'partition' | BytesLike,
  ): Promise<Directory<KeyIn, KeyOut, ValIn, ValOut>> {
    return openIn(txnOrDb, (tn) => this.operations().createOrOpen(tn, names(path), layerBytes(layer)));
  }

  /**
   * Opens a directory that exists. If a layer is given, it has to have it.
   *
   * @example
   * ```ts
   * const users = await directory.open(db, ['app', 'users']);
   * ```
   */
  open<KeyIn, KeyOut, ValIn, ValOut>(
    txnOrDb: TransactionOrDatabase<KeyIn, KeyOut, ValIn, ValOut>,
    path: DirectoryPath,
    layer?: 'partition' | BytesLike,
  ): Promise<Directory<KeyIn, KeyOut, ValIn, ValOut>> {
    return openIn(txnOrDb, (tn) => this.operations().open(tn, names(path), layerBytes(layer)));
  }

  /**
   * Creates a directory that does not exist, and the directories on the way to it if need be; with this
   * prefix, if one is given. The layer `partition` makes it a partition.
   *
   * @example
   * ```ts
   * const tenant = await directory.create(db, ['tenants', 'acme'], 'partition');
   * ```
   */
  create<KeyIn, KeyOut, ValIn, ValOut>(
    txnOrDb: TransactionOrDatabase<KeyIn, KeyOut, ValIn, ValOut>,
    path: DirectoryPath,
    layer?: 'partition' | BytesLike,
    prefix?: BytesLike,
  ): Promise<Directory<KeyIn, KeyOut, ValIn, ValOut>> {
    const bytes = prefix === undefined ? undefined : toBytes(prefix);
    return openIn(txnOrDb, (tn) => this.operations().create(tn, names(path), layerBytes(layer), bytes));
  }

  /**
   * Gives a directory another path. Its keys stay what they are, and open directories stay valid.
   *
   * @example
   * ```ts
   * const people = await directory.move(db, ['app', 'users'], ['app', 'people']);
   * ```
   */
  move<KeyIn, KeyOut, ValIn, ValOut>(
    txnOrDb: TransactionOrDatabase<KeyIn, KeyOut, ValIn, ValOut>,
    oldPath: DirectoryPath,
    newPath: DirectoryPath,
  ): Promise<Directory<KeyIn, KeyOut, ValIn, ValOut>> {
    return openIn(txnOrDb, (tn) => this.moveHandle(tn, names(oldPath), names(newPath)));
  }

  /**
   * Removes a directory with its contents and all directories below it. Who has it open can still write
   * into it.
   *
   * @example
   * ```ts
   * await directory.remove(db, ['app', 'users']);
   * ```
   */
  async remove(txnOrDb: AnyTransactionOrDatabase, path?: DirectoryPath): Promise<boolean> {
    await run(txnOrDb, (tn) => this.operations().remove(tn, names(path)));
    return true;
  }

  /**
   * As `remove`, if the directory exists: whether it did.
   *
   * @example
   * ```ts
   * const wasThere = await directory.removeIfExists(db, ['app', 'users']);
   * ```
   */
  removeIfExists(txnOrDb: AnyTransactionOrDatabase, path?: DirectoryPath): Promise<boolean> {
    return run<boolean>(txnOrDb, (tn) => this.operations().removeIfExists(tn, names(path)));
  }

  /**
   * The names of a directory's children, in the order of their bytes.
   *
   * @example
   * ```ts
   * for await (const name of directory.list(db, 'app')) console.log(name);
   * ```
   */
  async *list(tn: AnyTransactionOrDatabase, path?: DirectoryPath): AsyncGenerator<string, void> {
    yield* await this.listAll(tn, path);
  }

  /**
   * The names of a directory's children, in the order of their bytes.
   *
   * @example
   * ```ts
   * const names = await directory.listAll(db, 'app');
   * ```
   */
  listAll(txnOrDb: AnyTransactionOrDatabase, path?: DirectoryPath): Promise<string[]> {
    return run<string[]>(txnOrDb, (tn) => this.operations().list(tn, names(path)));
  }

  /**
   * Whether a directory exists. The root always does.
   *
   * @example
   * ```ts
   * if (!(await directory.exists(db, 'app'))) console.log('nothing there');
   * ```
   */
  exists(txnOrDb: AnyTransactionOrDatabase, path?: DirectoryPath): Promise<boolean> {
    return run<boolean>(txnOrDb, (tn) => this.operations().exists(tn, names(path)));
  }
}

/**
 * A tree of directories: paths of names that stand for short prefixes of keys. What is stored is what
 * FoundationDB's bindings store. {@link directory} is the usual one.
 *
 * Operations fail with a {@link DirectoryError}, whose code says why.
 *
 * @example
 * ```ts
 * const mine = new DirectoryLayer({ nodePrefix: 'mine/nodes/', contentPrefix: 'mine/' });
 * const logs = await mine.createOrOpen(db, 'logs');
 * ```
 */
export class DirectoryLayer extends DirectoryOperations {
  readonly #options: { nodePrefix: Uint8Array; contentPrefix: Uint8Array; allowManualPrefixes: boolean };
  #made: DirectoryLayerHandle | undefined;

  constructor(options: DirectoryLayerOptions = {}) {
    super();
    const { nodePrefix = NODE_PREFIX, contentPrefix = EMPTY } = options;
    this.#options = {
      nodePrefix: options.nodeSubspace?.prefix ?? copyOf(toBytes(nodePrefix)),
      contentPrefix: options.contentSubspace?.prefix ?? copyOf(toBytes(contentPrefix)),
      allowManualPrefixes: options.allowManualPrefixes ?? false,
    };
  }

  /**
   * Its path: that of the root.
   *
   * @example
   * ```ts
   * directory.getPath(); // []
   * ```
   */
  getPath(): string[] {
    return [];
  }

  /** Made when it is first needed: the engine may not have been loaded before. @internal */
  protected override operations(): DirectoryLayerHandle {
    const { nodePrefix, contentPrefix, allowManualPrefixes } = this.#options;
    this.#made ??= new DirectoryLayerHandle(nodePrefix, contentPrefix, allowManualPrefixes);
    return this.#made;
  }

  /** @internal */
  protected override moveHandle(tn: TransactionHandle, oldPath: string[], newPath: string[]) {
    return this.operations().moveTo(tn, oldPath, newPath);
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
export class Directory<
  KeyIn = BytesLike,
  KeyOut = Uint8Array,
  ValIn = BytesLike,
  ValOut = Uint8Array,
> extends DirectoryOperations {
  /** All keys of the directory, also of a partition. */
  readonly content: Subspace<KeyIn, KeyOut, ValIn, ValOut>;
  readonly #handle: DirectoryHandle;
  readonly #path: readonly string[];
  readonly #layer: Uint8Array;
  readonly #isPartition: boolean;

  /** @internal */
  constructor(handle: DirectoryHandle, encodings: Subspace<KeyIn, KeyOut, ValIn, ValOut>) {
    super();
    this.#handle = handle;
    this.#path = handle.path();
    this.#layer = handle.layer();
    this.#isPartition = handle.isPartition();
    this.content = encodings.elsewhere(handle.prefix());
  }

  /**
   * The subspace of its keys. Throws `cannot_use_partition_as_subspace` for a partition.
   *
   * @example
   * ```ts
   * const users = await directory.createOrOpen(db, 'users');
   * const key = users.getSubspace().packKey('ann');
   * ```
   */
  getSubspace(): Subspace<KeyIn, KeyOut, ValIn, ValOut> {
    if (this.#isPartition) throw directoryError(errorCodes.cannot_use_partition_as_subspace);
    return this.content;
  }

  /**
   * Its path from the root, when it was opened.
   *
   * @example
   * ```ts
   * const users = await directory.createOrOpen(db, ['app', 'users']);
   * users.getPath(); // ['app', 'users']
   * ```
   */
  getPath(): string[] {
    return [...this.#path];
  }

  /**
   * Its layer, which says who it belongs to: empty if none was given.
   *
   * @example
   * ```ts
   * const jobs = await directory.createOrOpen(db, 'jobs', 'queue');
   * jobs.getLayer(); // 'queue'
   * ```
   */
  getLayer(): string {
    return textDecoder.decode(this.#layer);
  }

  /**
   * The bytes of its layer.
   *
   * @example
   * ```ts
   * const jobs = await directory.createOrOpen(db, 'jobs', Uint8Array.of(1));
   * jobs.getLayerRaw(); // one byte
   * ```
   */
  getLayerRaw(): Uint8Array {
    return this.content.handOut(copyOf(this.#layer));
  }

  /**
   * Whether it has a directory layer of its own inside.
   *
   * @example
   * ```ts
   * const tenant = await directory.createOrOpen(db, 'acme', 'partition');
   * tenant.isPartition(); // true
   * ```
   */
  isPartition(): boolean {
    return this.#isPartition;
  }

  /**
   * Gives this directory another path, from the root.
   *
   * @example
   * ```ts
   * const users = await directory.open(db, 'users');
   * await users.moveTo(db, ['app', 'users']);
   * ```
   */
  moveTo<CKI, CKO, CVI, CVO>(
    txnOrDb: TransactionOrDatabase<CKI, CKO, CVI, CVO>,
    newAbsolutePath: DirectoryPath,
  ): Promise<Directory<CKI, CKO, CVI, CVO>> {
    return openIn(txnOrDb, (tn) => this.#handle.moveTo(tn, names(newAbsolutePath)));
  }

  /** @internal */
  protected override operations(): DirectoryHandle {
    return this.#handle;
  }

  /** @internal */
  protected override moveHandle(tn: TransactionHandle, oldPath: string[], newPath: string[]) {
    return this.#handle.moveWithin(tn, oldPath, newPath);
  }
}

async function openIn<KeyIn, KeyOut, ValIn, ValOut>(
  txnOrDb: TransactionOrDatabase<KeyIn, KeyOut, ValIn, ValOut>,
  operation: (tn: TransactionHandle) => Promise<unknown>,
): Promise<Directory<KeyIn, KeyOut, ValIn, ValOut>> {
  const handle = await run<DirectoryHandle>(txnOrDb, operation);
  return new Directory(handle, txnOrDb.getSubspace());
}

async function run<T>(
  txnOrDb: AnyTransactionOrDatabase,
  operation: (tn: TransactionHandle) => Promise<unknown>,
): Promise<T> {
  if (txnOrDb instanceof Database) return txnOrDb.doTransaction((tn) => run<T>(tn, operation));
  try {
    return (await txnOrDb.withHandle(operation)) as T;
  } catch (error) {
    throw DirectoryError.from(error);
  }
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

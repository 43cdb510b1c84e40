/** Directories with Buffers: the same classes, with the types of this entry. */
import {
  type DirectoryLayerOptions,
  type DirectoryPath,
  Directory as PlainDirectory,
  DirectoryLayer as PlainDirectoryLayer,
  directory as plainDirectory,
  type TransactionOrDatabase,
} from '../directory.js';
import type { Bytes, NativeValue } from './bytes.js';
import type { Subspace } from './subspace.js';

type Layer = 'partition' | NativeValue;

/** What opens and makes directories. */
interface Opening {
  createOrOpen<KeyIn, KeyOut, ValIn, ValOut>(
    txnOrDb: TransactionOrDatabase<KeyIn, KeyOut, ValIn, ValOut>,
    path: DirectoryPath,
    layer?: Layer,
  ): Promise<Directory<KeyIn, KeyOut, ValIn, ValOut>>;
  open<KeyIn, KeyOut, ValIn, ValOut>(
    txnOrDb: TransactionOrDatabase<KeyIn, KeyOut, ValIn, ValOut>,
    path: DirectoryPath,
    layer?: Layer,
  ): Promise<Directory<KeyIn, KeyOut, ValIn, ValOut>>;
  create<KeyIn, KeyOut, ValIn, ValOut>(
    txnOrDb: TransactionOrDatabase<KeyIn, KeyOut, ValIn, ValOut>,
    path: DirectoryPath,
    layer?: Layer,
    prefix?: NativeValue,
  ): Promise<Directory<KeyIn, KeyOut, ValIn, ValOut>>;
  move<KeyIn, KeyOut, ValIn, ValOut>(
    txnOrDb: TransactionOrDatabase<KeyIn, KeyOut, ValIn, ValOut>,
    oldPath: DirectoryPath,
    newPath: DirectoryPath,
  ): Promise<Directory<KeyIn, KeyOut, ValIn, ValOut>>;
}

/** An open directory. */
export type Directory<KeyIn = NativeValue, KeyOut = Bytes, ValIn = NativeValue, ValOut = Bytes> = Opening &
  Omit<
    PlainDirectory<KeyIn, KeyOut, ValIn, ValOut>,
    keyof Opening | 'content' | 'getSubspace' | 'getLayerRaw' | 'moveTo'
  > & {
    readonly content: Subspace<KeyIn, KeyOut, ValIn, ValOut>;
    getSubspace(): Subspace<KeyIn, KeyOut, ValIn, ValOut>;
    getLayerRaw(): Bytes;
    moveTo<CKI, CKO, CVI, CVO>(
      txnOrDb: TransactionOrDatabase<CKI, CKO, CVI, CVO>,
      newAbsolutePath: DirectoryPath,
    ): Promise<Directory<CKI, CKO, CVI, CVO>>;
  };

/** A tree of directories. */
export type DirectoryLayer = Opening & Omit<PlainDirectoryLayer, keyof Opening>;

/** Directories: to be opened, not made by their class. */
export const Directory = PlainDirectory as unknown as {
  readonly prototype: Directory<never, unknown, never, unknown>;
  [Symbol.hasInstance](value: unknown): value is Directory<never, unknown, never, unknown>;
};

/** Directory layers. */
export const DirectoryLayer = PlainDirectoryLayer as unknown as {
  new (options?: DirectoryLayerOptions): DirectoryLayer;
  readonly prototype: DirectoryLayer;
};

/** The usual directory layer. */
export const directory: DirectoryLayer = plainDirectory as unknown as DirectoryLayer;

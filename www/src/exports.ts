/** What every entry of the package exports besides the functions that load the engine. */
export type { InitOptions, OpenOptions } from './api.js';
export { type BytesLike, concat2, startsWith, strInc } from './bytes.js';
export type { DatabaseStorage } from './connection.js';
export { Database } from './database.js';
export type { CheckReport, DatabaseStats } from './database-reports.js';
export {
  type AnyTransactionOrDatabase,
  Directory,
  DirectoryLayer,
  type DirectoryLayerOptions,
  type DirectoryPath,
  directory,
  type TransactionOrDatabase,
} from './directory.js';
export { DirectoryError } from './directory-error.js';
export type { KeyRangeEnd, RangeEnd, RangeStart } from './encoded-range.js';
export { encoders } from './encoders.js';
export { errorCodes } from './error-codes.js';
export type {
  ByteSource,
  ExportOptions,
  ExportProgress,
  ImportOptions,
  TransferProgress,
} from './export.js';
export { FDBError } from './fdb-error.js';
export { type KeySelector, keySelector } from './key-selector.js';
export { type Migrated, type Migration, type MigrationPlace, migrate, SchemaError } from './migrate.js';
export { ConflictRangeType, ErrorPredicate, MutationType, StreamingMode } from './numbers.js';
export {
  DatabaseOptionCode,
  type Flag,
  type NativeDatabaseOptions,
  type NativeTransactionOptions,
  TransactionOptionCode,
} from './option-codes.js';
export type { OptionValue } from './options.js';
export type { KeyRange, RangeBatch, RangeOptions, Row } from './range.js';
export type { RecentError, RecentRequest } from './recent-activity.js';
export type { ReadOptions } from './signal.js';
export { persist, type StorageSpace, storageEstimate } from './storage-space.js';
export type { Changes, Subject, SubscribeOptions, Subscription } from './subscription.js';
export { type GetSubspace, isGetSubspace, root, Subspace } from './subspace.js';
export { type SubspaceEnd, subspaceEnd } from './subspace-end.js';
export { type Support, type SupportedFeature, supported } from './support.js';
export { Transaction } from './transaction.js';
export type { DoTransactionOptions, TransactionOptions } from './transaction-options.js';
export { defaultGetRange, defaultTransformer, prefixTransformer, type Transformer } from './transformer.js';
export type { TupleIn, TupleItem } from './tuple/index.js';
export * as tuple from './tuple/index.js';
export { util } from './util.js';
export { versionBytes, versionNumber } from './version.js';
export {
  packPrefixedVersionstamp,
  packVersionstamp,
  packVersionstampPrefixSuffix,
} from './versionstamp.js';
export type { StampedValue } from './versionstamped.js';
export type { Watch, WatchOptions, WatchWithValue } from './watch.js';

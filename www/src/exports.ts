/** What every entry of the package exports besides the functions that load the engine. */
export type { InitOptions, OpenOptions } from './api.js';
export { type BytesLike, strInc } from './bytes.js';
export { Database, type DatabaseStats } from './database.js';
export type { WasmSource } from './engine.js';
export { errorCodes } from './error-codes.js';
export { FDBError } from './fdb-error.js';
export { type KeySelector, keySelector } from './key-selector.js';
export { ConflictRangeType, ErrorPredicate, MutationType, StreamingMode } from './numbers.js';
export {
  DatabaseOptionCode,
  type Flag,
  type NativeDatabaseOptions,
  type NativeTransactionOptions,
  TransactionOptionCode,
} from './option-codes.js';
export type { OptionValue } from './options.js';
export type { RangeBatch, RangeOptions, Row } from './range.js';
export type { ReadOptions } from './signal.js';
export { type DoTransactionOptions, Transaction, type TransactionOptions } from './transaction.js';
export { versionBytes, versionNumber } from './version.js';
export type { Watch, WatchOptions } from './watch.js';

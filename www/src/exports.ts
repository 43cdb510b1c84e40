/** What every entry of the package exports besides the functions that load the engine. */
export type { InitOptions, OpenOptions } from './api.js';
export { type BytesLike, strInc } from './bytes.js';
export { Database, type DatabaseStats } from './database.js';
export type { WasmSource } from './engine.js';
export { errorCodes } from './error-codes.js';
export { FDBError } from './fdb-error.js';
export { type KeySelector, keySelector } from './key-selector.js';
export { MutationType, StreamingMode } from './numbers.js';
export type { RangeOptions, Row } from './range.js';
export { type DoTransactionOptions, Transaction, type TransactionOptions } from './transaction.js';
export type { TupleIn, TupleItem } from './tuple/index.js';
export * as tuple from './tuple/index.js';
export type { Watch, WatchOptions } from './watch.js';

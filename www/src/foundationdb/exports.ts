/** What both entries for programs of the npm package `foundationdb` export besides what opens databases. */
import { strInc } from '../bytes.js';
import { type Bytes, type NativeValue, toBuffer } from './bytes.js';
import * as tuple from './tuple.js';

export type { InitOptions, OpenOptions } from '../api.js';
export { DirectoryError } from '../directory-error.js';
export { errorCodes } from '../error-codes.js';
export { FDBError } from '../fdb-error.js';
export { type KeySelector, keySelector } from '../key-selector.js';
export type { NativeDatabaseOptions as DatabaseOptions } from '../option-codes.js';
export type { RangeOptions } from '../range.js';
export { subspaceEnd } from '../subspace-end.js';
export type { TransactionOptions } from '../transaction-options.js';
export type { Watch, WatchOptions } from '../watch.js';
export { setAPIVersion, setAPIVersionUnchecked } from './api-version.js';
export type { Bytes, NativeValue } from './bytes.js';
export type { Callback } from './callback.js';
export { Database } from './database.js';
export { Directory, DirectoryLayer, directory } from './directory.js';
export { encoders } from './encoders.js';
export { type Cluster, configNetwork, stopNetworkSync } from './entry.js';
export {
  ConflictRangeType,
  DatabaseOptionCode,
  ErrorPredicate,
  MutationType,
  NetworkOptionCode,
  StreamingMode,
  TransactionOptionCode,
} from './enums.js';
export type { NetworkOptions } from './network-options.js';
export { type GetSubspace, root, Subspace, type Transformer, type UnboundStamp } from './subspace.js';
export { Transaction } from './transaction.js';
export type { TupleIn, TupleItem } from './tuple.js';
export { tuple };

/** What the native module says it is. */
export const modType = 'napi';

/** Helpers. */
export const util = {
  /** The first key that does not begin with a prefix. */
  strInc: (prefix: NativeValue): Bytes => toBuffer(strInc(prefix)),
} as const;

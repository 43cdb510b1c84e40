import { errorCodes } from './error-codes.js';
import { fdbError } from './fdb-error.js';
import type { NativeTransactionOptions } from './option-codes.js';

/** Options of a transaction: FoundationDB's, and durability. They override those of the database. */
export interface TransactionOptions extends NativeTransactionOptions {
  /** `strict` acknowledges a commit when it is on the disk, `relaxed` when the system has it. */
  durability?: 'strict' | 'relaxed' | undefined;
}

/** Options of {@link Database.doTransaction}: they hold for every attempt. */
export interface DoTransactionOptions extends TransactionOptions {
  /**
   * Ends the transaction when it aborts: `doTransaction` then rejects with the signal's reason. A commit in
   * flight may still happen.
   */
  signal?: AbortSignal | undefined;
}

/** Whether a durability is the relaxed one; nothing for that of the database. */
export function isRelaxed(durability: TransactionOptions['durability']): boolean | undefined {
  if (durability === undefined) return undefined;
  if (durability === 'strict' || durability === 'relaxed') return durability === 'relaxed';
  const message = `durability: 'strict' or 'relaxed' was expected, found ${String(durability)}`;
  throw fdbError(errorCodes.invalid_option_value, message);
}

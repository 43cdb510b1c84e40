/** Databases that are open at once, with Buffers. */
import type { Attempt } from '../attempt.js';
import { Database as PlainDatabase } from '../database.js';
import { databaseOptionTable, type NativeDatabaseOptions, transactionOptionTable } from '../option-codes.js';
import { OWN_OPTIONS } from '../options.js';
import type { DoTransactionOptions, TransactionOptions } from '../transaction-options.js';
import type { Bytes, NativeValue } from './bytes.js';
import type { LazyConnection } from './lazy-connection.js';
import { setOptionsOrWarn } from './options.js';
import { type GetSubspace, root, type Subspace, type Transformer } from './subspace.js';
import { type BufferStampedValue, Transaction } from './transaction.js';

/** Changes the types of what a database gives back: Buffers, and what is of this entry. */
interface BufferDatabase<KeyIn, KeyOut, ValIn, ValOut> extends PlainDatabase<KeyIn, KeyOut, ValIn, ValOut> {
  readonly subspace: Subspace<KeyIn, KeyOut, ValIn, ValOut>;
  getSubspace(): Subspace<KeyIn, KeyOut, ValIn, ValOut>;
  getRoot(): Database;
  getPrefix(): Bytes;
  doTransaction<T>(
    body: (tn: Transaction<KeyIn, KeyOut, ValIn, ValOut>) => Promise<T> | T,
    options?: DoTransactionOptions,
  ): Promise<T>;
  doTn<T>(
    body: (tn: Transaction<KeyIn, KeyOut, ValIn, ValOut>) => Promise<T> | T,
    options?: DoTransactionOptions,
  ): Promise<T>;
  doOneshot(
    body: (tn: Transaction<KeyIn, KeyOut, ValIn, ValOut>) => void,
    options?: DoTransactionOptions,
  ): Promise<void>;
  rawCreateTransaction(options?: TransactionOptions): Transaction<KeyIn, KeyOut, ValIn, ValOut>;
  at<CKI, CKO, CVI, CVO>(hasSubspace: GetSubspace<CKI, CKO, CVI, CVO>): Database<CKI, CKO, CVI, CVO>;
  at(prefix: KeyIn | null): Database<KeyIn, KeyOut, ValIn, ValOut>;
  at<CKI, CKO>(prefix: KeyIn | null, keyXf: Transformer<CKI, CKO>): Database<CKI, CKO, ValIn, ValOut>;
  at<CVI, CVO>(
    prefix: KeyIn | null,
    keyXf: undefined,
    valueXf: Transformer<CVI, CVO>,
  ): Database<KeyIn, KeyOut, CVI, CVO>;
  at<CKI, CKO, CVI, CVO>(
    prefix: KeyIn | null,
    keyXf: Transformer<CKI, CKO>,
    valueXf: Transformer<CVI, CVO>,
  ): Database<CKI, CKO, CVI, CVO>;
  withKeyEncoding(): Database<NativeValue, Bytes, ValIn, ValOut>;
  withKeyEncoding<CKI, CKO>(keyXf: Transformer<CKI, CKO>): Database<CKI, CKO, ValIn, ValOut>;
  withValueEncoding(): Database<KeyIn, KeyOut, NativeValue, Bytes>;
  withValueEncoding<CVI, CVO>(valueXf: Transformer<CVI, CVO>): Database<KeyIn, KeyOut, CVI, CVO>;
  getVersionstampPrefixedValue(key: KeyIn): Promise<BufferStampedValue<ValOut> | null>;
}

/** A database, as the npm package `foundationdb` has it. */
export type Database<
  KeyIn = NativeValue,
  KeyOut = Bytes,
  ValIn = NativeValue,
  ValOut = Bytes,
> = BufferDatabase<KeyIn, KeyOut, ValIn, ValOut>;

interface DatabaseClass {
  new <KeyIn = NativeValue, KeyOut = Bytes, ValIn = NativeValue, ValOut = Bytes>(
    connection: LazyConnection,
    subspace: Subspace<KeyIn, KeyOut, ValIn, ValOut>,
  ): Database<KeyIn, KeyOut, ValIn, ValOut>;
  readonly prototype: Database<never, unknown, never, unknown>;
}

class LazyDatabase<KeyIn, KeyOut, ValIn, ValOut> extends PlainDatabase<KeyIn, KeyOut, ValIn, ValOut> {
  override getRoot(): Database {
    return this.at(root) as unknown as Database;
  }

  override setNativeOptions(options: NativeDatabaseOptions): void {
    setOptionsOrWarn(options, databaseOptionTable, OWN_OPTIONS, (number, value) =>
      this.setOption(number, value),
    );
  }

  protected override transactionOf(attempt: Attempt): Transaction<KeyIn, KeyOut, ValIn, ValOut> {
    const tn: unknown = new Transaction(attempt, this.subspace, false);
    return tn as Transaction<KeyIn, KeyOut, ValIn, ValOut>;
  }

  protected override setTransactionOptions(
    tn: Transaction<KeyIn, KeyOut, ValIn, ValOut>,
    options: TransactionOptions,
  ): void {
    setOptionsOrWarn(options, transactionOptionTable, ['durability', 'signal'], (code, value) =>
      tn.setOption(code, value),
    );
  }
}

/** Databases. */
export const Database = LazyDatabase as unknown as DatabaseClass;

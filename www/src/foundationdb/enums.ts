/** FoundationDB's numbers by name and their names by number, as the enums of TypeScript are at run time. */
import * as numbers from '../numbers.js';
import * as codes from '../option-codes.js';
import { networkOptionNumbers } from './network-options.js';

type Members = Readonly<Record<string, number>>;

/** What an enum of TypeScript is at run time. */
export type Enum<T extends Members> = T & { readonly [number: number]: string };

/** Of several names of a number the last one is told, as in an enum. */
function enumOf<T extends Members>(members: T): Enum<T> {
  const names = Object.entries(members).map(([name, number]) => [number, name] as const);
  return Object.freeze({ ...members, ...Object.fromEntries(names) }) as Enum<T>;
}

/**
 * Atomic operations.
 *
 * @example
 * ```ts
 * fdb.MutationType.Add; // 2
 * fdb.MutationType[2]; // 'Add'
 * ```
 */
export const MutationType = /* @__PURE__ */ enumOf({
  Add: 2,
  And: 6,
  BitAnd: 6,
  Or: 7,
  BitOr: 7,
  Xor: 8,
  BitXor: 8,
  AppendIfFits: 9,
  Max: 12,
  Min: 13,
  SetVersionstampedKey: 14,
  SetVersionstampedValue: 15,
  ByteMin: 16,
  ByteMax: 17,
  CompareAndClear: 20,
} as const satisfies typeof numbers.MutationType);
/** The number of an atomic operation. */
export type MutationType = (typeof numbers.MutationType)[keyof typeof numbers.MutationType];

/** How large the batches of a range read are. */
export const StreamingMode = /* @__PURE__ */ enumOf(numbers.StreamingMode);
/** The number of a streaming mode. */
export type StreamingMode = (typeof numbers.StreamingMode)[keyof typeof numbers.StreamingMode];

/** The kinds of conflict ranges. */
export const ConflictRangeType = /* @__PURE__ */ enumOf(numbers.ConflictRangeType);
/** The number of a kind of conflict ranges. */
export type ConflictRangeType = (typeof numbers.ConflictRangeType)[keyof typeof numbers.ConflictRangeType];

/** The predicates of error codes. */
export const ErrorPredicate = /* @__PURE__ */ enumOf(numbers.ErrorPredicate);
/** The number of a predicate of error codes. */
export type ErrorPredicate = (typeof numbers.ErrorPredicate)[keyof typeof numbers.ErrorPredicate];

/** Options of a transaction. */
export const TransactionOptionCode = /* @__PURE__ */ enumOf(codes.TransactionOptionCode);
/** The number of an option of a transaction. */
export type TransactionOptionCode =
  (typeof codes.TransactionOptionCode)[keyof typeof codes.TransactionOptionCode];

/** Options of a database. */
export const DatabaseOptionCode = /* @__PURE__ */ enumOf(codes.DatabaseOptionCode);
/** The number of an option of a database. */
export type DatabaseOptionCode = (typeof codes.DatabaseOptionCode)[keyof typeof codes.DatabaseOptionCode];

/** Options of the network, of which there is none: they have no effect. */
export const NetworkOptionCode = /* @__PURE__ */ enumOf(networkOptionNumbers);
/** The number of an option of the network. */
export type NetworkOptionCode = (typeof networkOptionNumbers)[keyof typeof networkOptionNumbers];

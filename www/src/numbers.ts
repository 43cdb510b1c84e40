/** FoundationDB's numbers of atomic operations. */
export const MutationType = {
  Add: 2,
  BitAnd: 6,
  BitOr: 7,
  BitXor: 8,
  AppendIfFits: 9,
  Max: 12,
  Min: 13,
  ByteMin: 16,
  ByteMax: 17,
  CompareAndClear: 20,
  /** The same as `BitAnd`, by its old name. */
  And: 6,
  /** The same as `BitOr`, by its old name. */
  Or: 7,
  /** The same as `BitXor`, by its old name. */
  Xor: 8,
  SetVersionstampedKey: 14,
  SetVersionstampedValue: 15,
} as const;

/** FoundationDB's numbers of the kinds of conflict ranges. */
export const ConflictRangeType = { Read: 0, Write: 1 } as const;

/** FoundationDB's numbers of the predicates of error codes. */
export const ErrorPredicate = {
  /** A retry loop may try again. */
  Retryable: 50000,
  /** The transaction may have been committed. */
  MaybeCommitted: 50001,
  /** A retry loop may try again, and nothing was committed. */
  RetryableNotCommitted: 50002,
} as const;

/** FoundationDB's numbers of streaming modes: how large the batches of a range read are. */
export const StreamingMode = {
  /** Everything is wanted: large batches. */
  WantAll: -2,
  /** Small batches first, larger ones later. */
  Iterator: -1,
  /** As many rows as the limit says, at once. */
  Exact: 0,
  Small: 1,
  Medium: 2,
  Large: 3,
  Serial: 4,
} as const;

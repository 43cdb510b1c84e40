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

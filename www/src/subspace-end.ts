/**
 * The end of the subspace, in place of a key where a range ends: what has no key of its own, in any encoding.
 *
 * @example
 * ```ts
 * const later = await db.getRangeAll('2026-01', subspaceEnd);
 * ```
 */
export const subspaceEnd: unique symbol = /* @__PURE__ */ Symbol.for('plinthdb.subspaceEnd') as never;

/** The type of {@link subspaceEnd}. */
export type SubspaceEnd = typeof subspaceEnd;

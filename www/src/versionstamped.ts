/** Keys and values with the versionstamp of their commit in them. */
import type { Attempt } from './attempt.js';
import { call, check } from './engine.js';
import { errorCodes } from './error-codes.js';
import { fdbError } from './fdb-error.js';
import type { Subspace } from './subspace.js';
import type { UnboundStamp } from './tuple/item.js';
import { TRANSACTION_VERSIONSTAMP_BYTES } from './tuple/type-codes.js';
import { packVersionstamp } from './versionstamp.js';

type Packing<KeyIn, ValIn> = Subspace<KeyIn, unknown, ValIn, unknown>;

/** A value that begins with a versionstamp, as {@link Transaction.getVersionstampPrefixedValue} gives it. */
export interface StampedValue<Value> {
  /** The ten bytes of the commit that set it. */
  stamp: Uint8Array;
  /** What follows; not there if nothing does. */
  value?: Value;
}

/** How a view of a transaction fills in what a versionstamp needs besides the commit. */
export interface StampingOptions {
  /** A snapshot gives out no codes. */
  isSnapshot: boolean;
  /** Whether the versionstamp is put into the key or value that was given, too. */
  bakeAfterCommit: boolean;
}

/** Sets a key in which the encoding has left a versionstamp unbound. */
export function setUnboundKey<KeyIn, ValIn>(
  attempt: Attempt,
  subspace: Packing<KeyIn, ValIn>,
  key: KeyIn,
  value: ValIn,
  { isSnapshot, bakeAfterCommit }: StampingOptions,
): void {
  const stamped = subspace.packKeyUnboundVersionstamp(key);
  const code = fillInCode(attempt, stamped, isSnapshot);
  setKeyTemplate(attempt, subspace, packVersionstamp(stamped), value);
  if (bakeAfterCommit) attempt.baking.add(key, subspace.keyXf, code);
}

/** Sets a key to a value in which the encoding has left a versionstamp unbound. */
export function setUnboundValue<KeyIn, ValIn>(
  attempt: Attempt,
  subspace: Packing<KeyIn, ValIn>,
  key: KeyIn,
  value: ValIn,
  { isSnapshot, bakeAfterCommit }: StampingOptions,
): void {
  const stamped = subspace.packValueUnboundVersionstamp(value);
  const code = fillInCode(attempt, stamped, isSnapshot);
  setValueTemplate(attempt, subspace, key, packVersionstamp(stamped));
  if (bakeAfterCommit) attempt.baking.add(value, subspace.valueXf, code);
}

/** Sets the key that the commit makes of a template. */
export function setKeyTemplate<ValIn>(
  attempt: Attempt,
  subspace: Packing<never, ValIn>,
  template: Uint8Array,
  value: ValIn,
): void {
  check(call(() => attempt.calls.setVersionstampedKey(template, subspace.valueBytes(value))));
}

/** Sets a key to the value that the commit makes of a template. */
export function setValueTemplate<KeyIn>(
  attempt: Attempt,
  subspace: Packing<KeyIn, never>,
  key: KeyIn,
  template: Uint8Array,
): void {
  check(call(() => attempt.calls.setVersionstampedValue(subspace.keyBytes(key), template)));
}

/** The value of bytes that begin with a versionstamp. */
export function unpackStampedValue<ValOut>(
  subspace: Subspace<never, unknown, never, ValOut>,
  bytes: Uint8Array,
): StampedValue<ValOut> {
  const stamp = bytes.subarray(0, TRANSACTION_VERSIONSTAMP_BYTES);
  if (bytes.length <= TRANSACTION_VERSIONSTAMP_BYTES) return { stamp };
  return { stamp, value: subspace.unpackValue(bytes.subarray(TRANSACTION_VERSIONSTAMP_BYTES)) };
}

/** Writes the code of a versionstamp that has none of its own to its place; answers its bytes. */
function fillInCode(
  attempt: Attempt,
  { data, codePos }: UnboundStamp,
  isSnapshot: boolean,
): Uint8Array | null {
  if (codePos === undefined) return null;
  if (isSnapshot) {
    const message = 'a versionstamp with a code was expected in a snapshot, found one without';
    throw fdbError(errorCodes.client_invalid_operation, message);
  }
  const code = attempt.baking.nextCode();
  data[codePos] = code >> 8;
  data[codePos + 1] = code;
  return attempt.own(data.subarray(codePos, codePos + 2));
}

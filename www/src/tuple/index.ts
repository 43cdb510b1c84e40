/**
 * The tuple layer: sequences of typed elements as bytes whose order is the order of the elements. Byte for
 * byte the format of FoundationDB's bindings.
 *
 * Written in TypeScript because crossing into wasm costs more than packing. The engine has the reference:
 * the type codes are generated from it, and both are tested on the same vectors.
 */
import { concat2 } from '../bytes.js';
import type { TupleIn } from './item.js';
import { pack } from './pack.js';
import { ESCAPE, NULL } from './type-codes.js';

export { concat2 } from '../bytes.js';
export { bakeVersionstamp } from './bake.js';
export {
  type FloatItem,
  type TupleIn,
  type TupleItem,
  type UnboundStamp,
  type UnboundVersionstampItem,
  type UuidItem,
  unboundVersionstamp,
  type Versionstamp80Item,
  type VersionstampItem,
} from './item.js';
export { pack, packUnboundVersionstamp } from './pack.js';
export { unpack } from './unpack.js';

/** The name of this encoding. */
export const name = 'tuple';

/** What begins and ends the extensions of a tuple, after its bytes. */
export const rawRange = {
  begin: /* @__PURE__ */ Uint8Array.of(NULL),
  end: /* @__PURE__ */ Uint8Array.of(ESCAPE),
} as const;

/**
 * All tuples that begin with these elements and have more of them.
 *
 * @example
 * ```ts
 * const { begin, end } = tuple.range(['user', 42]);
 * ```
 */
export function range(items?: TupleIn): { begin: Uint8Array; end: Uint8Array } {
  const packed = pack(items);
  return { begin: concat2(packed, rawRange.begin), end: concat2(packed, rawRange.end) };
}

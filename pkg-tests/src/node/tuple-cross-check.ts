/** The tuple layer beside `fdb-tuple`, the one of the npm package `foundationdb`: the same bytes, no slower. */
import { assert } from 'chai';
import * as theirs from 'fdb-tuple';
import { tuple as ours } from 'plinthdb';
import { hex } from '../suite/bytes.ts';
import { Random } from '../suite/random.ts';
import { randomTuple } from '../suite/tuple-items.ts';
import { tupleCosts } from '../support/tuple-costs.ts';

const TUPLES = 20_000;

export function tupleCrossCheck(seed: number): void {
  describe('tuples beside fdb-tuple', () => {
    it('random tuples have the same bytes, and the same elements again', () => {
      const random = new Random(seed);
      for (let round = 0; round < TUPLES; round += 1) {
        const items = randomTuple(random);
        const packed = ours.pack(items);
        assert.equal(hex(packed), hex(theirs.pack(buffers(items) as theirs.TupleItem[])));
        for (const noCanonicalize of [false, true]) {
          const unpacked = ours.unpack(packed, noCanonicalize);
          const expected = theirs.unpack(Buffer.from(packed), noCanonicalize);
          assert.deepEqual(buffers(unpacked), expected, hex(packed));
        }
      }
    });

    it('unbound versionstamps are at the same place', () => {
      const items = ['log', [ours.unboundVersionstamp()], 1];
      const { data, stampPos, codePos } = theirs.packUnboundVersionstamp(
        items as theirs.TupleItem[],
      ) as ReturnType<typeof ours.packUnboundVersionstamp>;
      const found = ours.packUnboundVersionstamp(items);
      assert.deepEqual([hex(found.data), found.stampPos, found.codePos], [hex(data), stampPos, codePos]);
    });

    it('packing and unpacking take no longer, and with Buffers not twice as long', () => {
      for (const { what, ours, buffers, theirs } of tupleCosts()) {
        console.log(
          `      ${what}: ${ours.toFixed(0)} ns, with Buffers ${buffers.toFixed(0)} ns, fdb-tuple ${theirs.toFixed(0)} ns`,
        );
        assert.isAtMost(ours, theirs, what);
        assert.isAtMost(buffers, 2 * theirs, `${what}, with Buffers`);
      }
    });
  });
}

/** The same with a Buffer for each Uint8Array, which is what `fdb-tuple` takes and gives. */
function buffers(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (Array.isArray(value)) return value.map(buffers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, buffers(inner)]));
}

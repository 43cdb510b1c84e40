/** The tuple layer beside `fdb-tuple`, the one of the npm package `foundationdb`: the same bytes, no slower. */
import { assert } from 'chai';
import * as theirs from 'fdb-tuple';
import { tuple as ours } from 'plinthdb';
import { hex } from '../suite/bytes.ts';
import { Random } from '../suite/random.ts';
import { randomTuple } from '../suite/tuple-items.ts';

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

    it('packing and unpacking take no longer', () => {
      const key = ['user', 42, 'name'];
      const stamped = ['log', ours.unboundVersionstamp()];
      const baked = ['log', { type: 'versionstamp' as const, value: Buffer.alloc(12) }];
      const [packed, packedStamp] = [ours.pack(key), ours.pack(baked)];
      const [theirPacked, theirPackedStamp] = [Buffer.from(packed), Buffer.from(packedStamp)];
      compare(
        'pack a key',
        () => ours.pack(key),
        () => theirs.pack(key),
      );
      compare(
        'unpack it',
        () => ours.unpack(packed),
        () => theirs.unpack(theirPacked),
      );
      compare(
        'pack a versionstamped key',
        () => ours.packUnboundVersionstamp(stamped),
        () => theirs.packUnboundVersionstamp(stamped as theirs.TupleItem[]),
      );
      compare(
        'unpack it baked',
        () => ours.unpack(packedStamp),
        () => theirs.unpack(theirPackedStamp),
      );
    });
  });
}

/** The best of several turns each, so that what else the machine does counts for neither. */
function compare(what: string, our: () => unknown, their: () => unknown): void {
  let [best, theirBest] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let turn = 0; turn < 9; turn += 1) {
    best = Math.min(best, nanoseconds(our));
    theirBest = Math.min(theirBest, nanoseconds(their));
  }
  console.log(`      ${what}: ${best.toFixed(0)} ns, fdb-tuple ${theirBest.toFixed(0)} ns`);
  assert.isAtMost(best, theirBest, what);
}

let kept: unknown;

function nanoseconds(body: () => unknown): number {
  const count = 20_000;
  const from = process.hrtime.bigint();
  for (let turn = 0; turn < count; turn += 1) kept = body();
  assert.isDefined(kept);
  return Number(process.hrtime.bigint() - from) / count;
}

/** The same with a Buffer for each Uint8Array, which is what `fdb-tuple` takes and gives. */
function buffers(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (Array.isArray(value)) return value.map(buffers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, buffers(inner)]));
}

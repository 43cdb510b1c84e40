/** Points in boxes, and the ranges of Z-order that boxes are read in. */
import { assert } from 'chai';
import { type Box, type Point, Spatial, zOrder, zRanges } from 'plinthdb/recipes';
import { type Storage, withDatabase } from '../fixture.ts';
import type { Random } from '../random.ts';
import { collect, place, runSteps, withSeed } from './support.ts';

const EXTREMES = [Number.MIN_SAFE_INTEGER, -1, 0, 1, Number.MAX_SAFE_INTEGER] as const;

export function spatial(storage: Storage): void {
  describe('Spatial', () => {
    const test = withDatabase(storage);
    const points = new Spatial<number>(place);

    it('finds what is in a box, and nothing else', async () => {
      const model = new Map<number, Point>();
      await runSteps(test.db, storage, async (tn, random) => {
        const key = random.below(60);
        if (random.chance(0.2)) {
          assert.equal(await points.delete(tn, key), model.delete(key));
        } else {
          const point = { x: coordinate(random), y: coordinate(random) };
          await points.set(tn, key, point);
          model.set(key, point);
        }
        assert.deepEqual(await points.get(tn, key), model.get(key));
        const box = { x: interval(random), y: interval(random) };
        const found = await collect(points.within(tn, box));
        assert.sameDeepMembers(
          found,
          [...model].filter(([, point]) => isWithin(point, box)),
        );
      });
    }).timeout(60_000);

    it('finds nothing in a box that is inside out', async () => {
      await test.db.doTransaction(async (tn) => {
        await points.set(tn, 1, { x: 5, y: 5 });
        assert.lengthOf(await collect(points.within(tn, { x: [6, 4], y: [0, 9] })), 0);
      });
    });

    it('refuses what is no integer', async () => {
      const tn = test.db.rawCreateTransaction();
      const outcome = await points.set(tn, 1, { x: 0.5, y: 0 }).catch((error: Error) => error);
      assert.instanceOf(outcome, RangeError);
      assert.throws(() => zRanges({ x: [0, 2 ** 53], y: [0, 0] }), RangeError);
    });
  });

  describe('Z-order', () => {
    it('is the bits of both coordinates in turn', () => {
      const origin = zOrder(0, 0);
      assert.deepEqual(
        [zOrder(0, 1), zOrder(1, 0), zOrder(1, 1), zOrder(0, 2), zOrder(2, 0)].map((z) => z - origin),
        [1n, 2n, 3n, 4n, 8n],
      );
      assert.isTrue(zOrder(Number.MIN_SAFE_INTEGER, Number.MIN_SAFE_INTEGER) > 0n);
    });

    it('a box is at most so many ranges, in order, that hold all its points', async () => {
      await withSeed(storage, async (random) => {
        for (let round = 0; round < 300; round += 1) {
          const box = { x: interval(random), y: interval(random) };
          const rangesMax = 1 + random.below(16);
          const ranges = zRanges(box, rangesMax);
          assert.isAtMost(ranges.length, rangesMax);
          for (const [index, { begin, end }] of ranges.entries()) {
            assert.isTrue(begin < end, 'not empty');
            assert.isTrue(index === 0 || (ranges[index - 1]?.end as bigint) < begin, 'apart');
          }
          for (let sample = 0; sample < 10; sample += 1) {
            const point = { x: between(random, box.x), y: between(random, box.y) };
            const z = zOrder(point.x, point.y);
            assert.isTrue(
              ranges.some(({ begin, end }) => begin <= z && z < end),
              JSON.stringify({ box, point }),
            );
          }
        }
      });
    });

    it('the ranges of a box are not much larger than the box', async () => {
      await withSeed(storage, async (random) => {
        for (let round = 0; round < 200; round += 1) {
          const [x, y] = [coordinate(random) / 2, coordinate(random) / 2].map(Math.trunc) as [number, number];
          const side = 1 + random.below(2 ** (1 + random.below(29)));
          const ranges = zRanges({ x: [x, x + side - 1], y: [y, y + side - 1] });
          const covered = ranges.reduce((sum, { begin, end }) => sum + (end - begin), 0n);
          assert.isTrue(covered <= 4n * BigInt(side) ** 2n, `${x} ${y} ${side}: ${covered}`);
        }
      });
    });

    it('a square of a power of two at a multiple of it is one range', () => {
      const ranges = zRanges({ x: [-1024, -1], y: [2048, 3071] });
      assert.lengthOf(ranges, 1);
      assert.equal((ranges[0]?.end ?? 0n) - (ranges[0]?.begin ?? 0n), 1024n ** 2n);
    });
  });
}

/** Near the origin, anywhere, or at an end. */
function coordinate(random: Random): number {
  if (random.chance(0.5)) return random.below(40) - 20;
  if (random.chance(0.2)) return random.pick(EXTREMES);
  return (random.fraction() < 0.5 ? -1 : 1) * Math.floor(random.fraction() * Number.MAX_SAFE_INTEGER);
}

function interval(random: Random): Box['x'] {
  const [a, b] = [coordinate(random), coordinate(random)].sort((x, y) => x - y) as [number, number];
  return [a, b];
}

function between(random: Random, [min, max]: Box['x']): number {
  const near = random.pick([min, max]) + (random.below(3) - 1);
  if (random.chance(0.5) && near >= min && near <= max) return near;
  return Math.min(max, Math.max(min, Math.floor(min + random.fraction() * (max - min))));
}

function isWithin({ x, y }: Point, box: Box): boolean {
  return x >= box.x[0] && x <= box.x[1] && y >= box.y[0] && y <= box.y[1];
}

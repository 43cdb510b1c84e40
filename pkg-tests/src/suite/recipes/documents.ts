/** Documents against plain values. */
import { assert } from 'chai';
import { Documents, type Json } from 'plinthdb/recipes';
import { type Storage, withDatabase } from '../fixture.ts';
import type { Random } from '../random.ts';
import { place, runSteps } from './support.ts';

type Path = (string | number)[];
type Container = { [step: string | number]: Json };

const NAMES = ['a', 'b', '0', '', '__proto__'] as const;

export function documents(storage: Storage): void {
  describe('Documents', () => {
    const test = withDatabase(storage);
    const all = new Documents<number>(place);

    it('are plain values, of which any part can be read, set and removed', async () => {
      const model = new Map<number, Json>();
      await runSteps(test.db, storage, async (tn, random) => {
        const key = random.below(3);
        const document = model.get(key);
        const path = document === undefined ? [] : randomPath(document, random);
        switch (random.below(5)) {
          case 0: {
            const value = randomJson(random, 3);
            all.set(tn, key, value);
            model.set(key, value);
            break;
          }
          case 1:
            assert.deepEqual(await all.get(tn, key, path), partOf(document, path));
            break;
          case 2:
            assert.equal(await all.delete(tn, key, path), partOf(document, path) !== undefined);
            if (path.length === 0) model.delete(key);
            else removePart(document as Json, path);
            break;
          default: {
            const value = randomJson(random, 2);
            if (path.length === 0) model.set(key, structuredClone(value));
            else setPart(document as Json, path, structuredClone(value));
            await all.setAt(tn, key, path, value);
          }
        }
        assert.deepEqual(await all.get(tn, key), model.get(key));
      });
    });

    it('have what is missing on the way made, and nothing else', async () => {
      await test.db.doTransaction(async (tn) => {
        await all.setAt(tn, 1, ['a', 0, 'b'], 'deep');
        assert.deepEqual(await all.get(tn, 1), { a: [{ b: 'deep' }] });
        await rejects(all.setAt(tn, 1, ['a', 'x'], 1), TypeError, 'an object was expected');
        await rejects(all.setAt(tn, 1, ['a', 0, 'b', 'c'], 1), TypeError, 'an object was expected');
        await rejects(all.setAt(tn, 1, [0], 1), TypeError, 'an array was expected');
        await rejects(
          all.setAt(tn, 1, ['a', 2], 1),
          RangeError,
          'an index from 0 to 1 was expected, found 2',
        );
        await rejects(all.setAt(tn, 2, ['list', 1], 1), RangeError, 'from 0 to 0');
        await all.setAt(tn, 1, ['a', 1], null);
        assert.deepEqual(await all.get(tn, 1), { a: [{ b: 'deep' }, null] });
      });
    });

    it('change in two places at once without a conflict', async () => {
      await test.db.doTransaction((tn) => all.set(tn, 1, { left: { n: 1 }, right: { n: 1 } }));
      const [left, right] = [test.db.rawCreateTransaction(), test.db.rawCreateTransaction()];
      await all.setAt(left, 1, ['left', 'n'], 2);
      await all.setAt(right, 1, ['right'], { n: ((await all.get(right, 1, ['right', 'n'])) as number) + 2 });
      await Promise.all([left.rawCommit(), right.rawCommit()]);
      assert.deepEqual(await test.db.doTransaction((tn) => all.get(tn, 1)), {
        left: { n: 2 },
        right: { n: 3 },
      });
    });
  });
}

async function rejects(promise: Promise<unknown>, type: typeof Error, text: string): Promise<void> {
  const outcome = await promise.catch((error: unknown) => error);
  assert.instanceOf(outcome, type);
  assert.include((outcome as Error).message, text);
}

function randomJson(random: Random, depth: number): Json {
  const kind = random.below(depth > 0 ? 8 : 5);
  if (kind === 0) return null;
  if (kind === 1) return random.chance(0.5);
  if (kind === 2) return random.below(1_000) / 8 - 20;
  if (kind < 5) return random.pick(['', 'text', 'ä\u0000\u{1f600}', '{}']);
  const values = Array.from({ length: random.below(4) }, () => randomJson(random, depth - 1));
  if (kind === 5) return values;
  return Object.fromEntries(values.map((value) => [random.pick(NAMES), value]));
}

/** The path of a part that is there, or of one that could be. */
function randomPath(document: Json, random: Random): Path {
  const path: Path = [];
  let part: Json | undefined = document;
  while (typeof part === 'object' && part !== null && random.chance(0.8)) {
    const step: string | number = Array.isArray(part) ? random.below(part.length + 1) : random.pick(NAMES);
    path.push(step);
    part = partOf(part, [step]);
  }
  return path;
}

function partOf(document: Json | undefined, path: Path): Json | undefined {
  let part = document;
  for (const step of path) {
    part = Object.hasOwn(part as Container, step) ? (part as Container)[step] : undefined;
  }
  return part;
}

function setPart(document: Json, path: Path, value: Json): void {
  const parent = partOf(document, path.slice(0, -1)) as Container;
  const options = { value, writable: true, enumerable: true, configurable: true };
  Object.defineProperty(parent, path.at(-1) as string | number, options);
}

function removePart(document: Json, path: Path): void {
  const parent = partOf(document, path.slice(0, -1)) as Json;
  const step = path.at(-1) as string | number;
  if (Array.isArray(parent)) parent.splice(step as number, 1);
  else delete (parent as Container)[step];
}

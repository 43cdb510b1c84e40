/** Blobs: whole or not at all, whatever their size and whoever reads them. */
import { assert } from 'chai';
import { Blobs } from 'plinthdb/recipes';
import { commitOnce, type Storage, withDatabase } from '../fixture.ts';
import { collect, Latch, meddledWith, place, runSteps, sleep } from './support.ts';

const LARGE_BYTES = 12_345_678;

/** The same bytes for the same number, different ones for another. */
function content(number: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const words = new DataView(bytes.buffer);
  for (let at = 0; at + 4 <= length; at += 4) words.setUint32(at, Math.imul(at + 1, 2 * number + 0x9e3779b1));
  return bytes;
}

async function joined(pieces: AsyncIterable<Uint8Array> | undefined): Promise<Uint8Array> {
  assert.isDefined(pieces);
  const all = await collect(pieces as AsyncIterable<Uint8Array>);
  const bytes = new Uint8Array(all.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of all) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Not `deepEqual`, which takes minutes for millions of bytes. */
function assertSame(found: Uint8Array, expected: Uint8Array): void {
  assert.equal(found.length, expected.length);
  const at = found.findIndex((byte, index) => byte !== expected[index]);
  assert.equal(at, -1, 'the first byte that differs');
}

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

export function blobs(storage: Storage): void {
  describe('Blobs', () => {
    const test = withDatabase(storage);
    const photos = new Blobs<string>(place);

    it('in transactions are bytes by name', async () => {
      const model = new Map<string, Uint8Array>();
      await runSteps(test.db, storage, async (tn, random) => {
        const name = random.pick(['a', 'b', 'c']);
        if (random.chance(0.2)) {
          assert.equal(await photos.delete(tn, name), model.delete(name));
        } else if (random.chance(0.4)) {
          const bytes = content(random.below(100), random.pick([0, 1, 49_999, 50_000, 50_001, 130_000]));
          await photos.set(tn, name, bytes);
          model.set(name, bytes);
        }
        const expected = model.get(name);
        assert.equal(await photos.size(tn, name), expected?.length);
        const range = {
          begin: random.below(130_000),
          end: random.chance(0.5) ? undefined : random.below(130_000),
        };
        const found = await photos.get(tn, name, range);
        assert.equal(found === undefined, expected === undefined);
        if (found && expected) {
          assertSame(
            found,
            expected.subarray(range.begin, Math.max(range.begin, range.end ?? expected.length)),
          );
        }
        const listed = await collect(photos.list(tn));
        assert.deepEqual(
          listed,
          [...model]
            .map(([key, bytes]) => [key, bytes.length] as [string, number])
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        );
      });
    }).timeout(60_000);

    it('larger than a transaction are streamed in and out', async () => {
      const bytes = content(1, LARGE_BYTES);
      assert.equal(await photos.write(test.db, 'large', inPieces(bytes, 777_777)), LARGE_BYTES);
      assertSame(await joined(await photos.read(test.db, 'large')), bytes);
      const stream = await photos.stream(test.db, 'large', { begin: 1_234_567, end: 11_234_567 });
      const found = new Uint8Array(await new Response(stream).arrayBuffer());
      assertSame(found, bytes.subarray(1_234_567, 11_234_567));
    }).timeout(60_000);

    it('are written from bytes, Blobs, streams and iterables, also empty ones', async () => {
      const bytes = content(2, 123_456);
      const sources = [
        bytes,
        new Blob([bytes.slice()]),
        new Blob([bytes.slice()]).stream(),
        [bytes],
        inPieces(bytes, 99),
      ];
      for (const source of sources) {
        await photos.write(test.db, 'x', source);
        assertSame(await joined(await photos.read(test.db, 'x')), bytes);
      }
      assert.equal(await photos.write(test.db, 'x', []), 0);
      assertSame(await joined(await photos.read(test.db, 'x')), new Uint8Array(0));
      assert.isUndefined(await photos.read(test.db, 'nothing'));
      assert.isUndefined(await photos.stream(test.db, 'nothing'));
    });

    it('are found whole, the old one or the new one, by whoever reads while others write', async () => {
      const again = await test.openAgain();
      const versions = Array.from({ length: 4 }, (_, number) =>
        content(number, 1_500_000 + 700_000 * number),
      );
      await photos.write(test.db, 'shared', versions[0] as Uint8Array);
      let isWriting = true;
      const write = async () => {
        for (const bytes of versions.slice(1))
          await photos.write(test.db, 'shared', inPieces(bytes, 300_000));
        isWriting = false;
      };
      const seen = new Set<number>();
      const read = async () => {
        do {
          const found = await joined(await photos.read(again, 'shared'));
          const number = versions.findIndex(({ length }) => length === found.length);
          assertSame(found, versions[number] as Uint8Array);
          seen.add(number);
        } while (isWriting);
      };
      await Promise.all([write(), read(), read()]);
      assert.isAbove(seen.size, 1);
    }).timeout(60_000);

    it('are not there before they are whole, nor if their source fails', async () => {
      async function* failing() {
        for (let piece = 0; piece < 3; piece += 1) {
          yield content(piece, 1_000_000);
          await test.db.doTransaction(async (tn) => assert.isUndefined(await photos.size(tn, 'half')));
        }
        throw new RangeError('the network is gone');
      }
      const outcome = await photos.write(test.db, 'half', failing()).catch((error: unknown) => error);
      assert.instanceOf(outcome, RangeError);
      assert.isUndefined(await photos.read(test.db, 'half'));
      assert.lengthOf(await test.db.getRangeAll('recipe/'), 0, 'nothing is left behind');
    });

    it('that were replaced can be read on for the grace, and then are gone without a mixture', async () => {
      const [old, young] = [content(3, 2_500_000), content(4, 2_500_000)];
      await photos.write(test.db, 'x', old);
      const slow = (await photos.read(test.db, 'x')) as AsyncGenerator<Uint8Array>;
      const tooSlow = (await photos.read(test.db, 'x')) as AsyncGenerator<Uint8Array>;
      await Promise.all([slow.next(), tooSlow.next()]);
      await photos.write(test.db, 'x', young);
      assert.equal(await photos.sweep(test.db), 0);
      assertSame(await joined(slow), old.subarray(50_000));
      await sleep(2);
      assert.equal(await new Blobs<string>(place, { graceMs: 1 }).sweep(test.db), 1);
      const outcome = await joined(tooSlow).catch((error: unknown) => error);
      assert.match((outcome as Error).message, /replaced while it was read/);
      assertSame(await joined(await photos.read(test.db, 'x')), young);
    });

    it('whose writer has died are swept, and a writer that was only slow is told', async () => {
      const dying = inPieces(content(5, 3_000_000), 1_000_000);
      const [isStuck, released] = [new Latch(), new Latch()];
      async function* slow() {
        yield (await dying.next()).value as Uint8Array;
        isStuck.open();
        await released.opened;
        yield* dying;
      }
      const written = photos.write(test.db, 'slow', slow()).catch((error: unknown) => error);
      await isStuck.opened;
      await sleep(2);
      assert.equal(await new Blobs<string>(place, { graceMs: 1 }).sweep(test.db), 1);
      assert.lengthOf(await test.db.getRangeAll('recipe/'), 0);
      released.open();
      assert.match(((await written) as Error).message, /a piece within 60000 ms was expected/);
      assert.lengthOf(await test.db.getRangeAll('recipe/'), 0);
    });

    it('that are finished while they are swept are there', async () => {
      const bytes = content(7, 1_500_000);
      const [isStuck, released] = [new Latch(), new Latch()];
      async function* slow() {
        yield bytes.subarray(0, 1_000_000);
        isStuck.open();
        await released.opened;
        yield bytes.subarray(1_000_000);
      }
      const written = photos.write(test.db, 'x', slow());
      await isStuck.opened;
      await sleep(2);
      const sweeping = meddledWith(test.db, [
        () => {
          released.open();
          return written;
        },
      ]);
      assert.equal(await new Blobs<string>(place, { graceMs: 1 }).sweep(sweeping), 0);
      assertSame(await joined(await photos.read(test.db, 'x')), bytes);
    });

    it('change with other keys of a transaction', async () => {
      await commitOnce(test.db, async (tn) => {
        await photos.set(tn, 'x', content(6, 60_000));
        tn.set('title', 'sea');
      });
      assertSame(await joined(await photos.read(test.db, 'x')), content(6, 60_000));
    });
  });
}

/** Range reads: bounds, limits, directions, prefixes, and the ways to leave an iteration. */
import { assert } from 'chai';
import { END_OF_KEYS, fromHex, hex, keyTexts, numbered, type Row, rowTexts, text } from './bytes.ts';
import { commitOnce, fill, type Storage, withDatabase } from './fixture.ts';

const LETTERS = { a: '1', b: '2', c: '3', d: '4', e: '5' };

async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const row of rows) collected.push(row);
  return collected;
}

export function getRange(storage: Storage): void {
  describe('getRange', () => {
    const test = withDatabase(storage);

    it('yields the rows of a half-open range in key order', async () => {
      await fill(test.db, LETTERS);
      const rows = await test.db.doTransaction((tn) => collect<Row>(tn.getRange('b', 'd')));
      assert.deepEqual(rowTexts(rows), [
        ['b', '2'],
        ['c', '3'],
      ]);
    });

    it('bounds need not be stored keys', async () => {
      await fill(test.db, LETTERS);
      const rows = await test.db.getRangeAll('aa', 'dd');
      assert.deepEqual(keyTexts(rows), ['b', 'c', 'd']);
    });

    it('an empty or inverted range yields nothing and is no error', async () => {
      await fill(test.db, LETTERS);
      await test.db.doTransaction(async (tn) => {
        assert.deepEqual(await tn.getRangeAll('c', 'c'), []);
        assert.deepEqual(await tn.getRangeAll('d', 'b'), []);
        assert.deepEqual(await collect<Row>(tn.getRange('d', 'b')), []);
        assert.deepEqual(await tn.getRangeAll('x', 'y'), []);
      });
    });

    it('reverse yields the same rows from the other end', async () => {
      await fill(test.db, LETTERS);
      const rows = await test.db.doTransaction((tn) =>
        collect<Row>(tn.getRange('b', 'e', { reverse: true })),
      );
      assert.deepEqual(keyTexts(rows), ['d', 'c', 'b']);
    });

    it('a limit counts from the end where reading begins', async () => {
      await fill(test.db, LETTERS);
      await test.db.doTransaction(async (tn) => {
        assert.deepEqual(keyTexts(await tn.getRangeAll('a', 'z', { limit: 2 })), ['a', 'b']);
        assert.deepEqual(keyTexts(await tn.getRangeAll('a', 'z', { limit: 2, reverse: true })), ['e', 'd']);
        assert.deepEqual(keyTexts(await collect<Row>(tn.getRange('a', 'z', { limit: 3 }))), ['a', 'b', 'c']);
      });
    });

    it('a limit of 0 is no limit', async () => {
      await fill(test.db, LETTERS);
      assert.lengthOf(await test.db.getRangeAll('a', 'z', { limit: 0 }), 5);
    });

    it('a limit beyond the rows yields them all', async () => {
      await fill(test.db, LETTERS);
      assert.lengthOf(await test.db.getRangeAll('a', 'z', { limit: 6 }), 5);
    });

    it('without an end reads a prefix', async () => {
      await fill(test.db, { p: '0', 'p/': '1', 'p/a': '2', 'p/b': '3', p0: '4' });
      await test.db.doTransaction(async (tn) => {
        const expected = ['p/', 'p/a', 'p/b'];
        assert.deepEqual(keyTexts(await collect<Row>(tn.getRange('p/'))), expected);
        assert.deepEqual(keyTexts(await tn.getRangeAll('p/')), expected);
        assert.deepEqual(keyTexts(await tn.getRangeAllStartsWith('p/')), expected);
        assert.deepEqual(keyTexts(await tn.getRangeAllStartsWith('p/', { reverse: true, limit: 1 })), [
          'p/b',
        ]);
      });
    });

    it('a prefix ending in ff reads exactly its extensions', async () => {
      await test.db.doTransaction((tn) => {
        for (const key of ['61fe', '61ff', '61ff00', '61ffff', '62']) tn.set(fromHex(key), '');
      });
      const rows = await test.db.doTransaction((tn) => tn.getRangeAllStartsWith(fromHex('61ff')));
      assert.deepEqual(
        rows.map(([key]) => hex(key)),
        ['61ff', '61ff00', '61ffff'],
      );
    });

    it('the whole key space can be read', async () => {
      await fill(test.db, { '': 'first', a: '1' });
      await test.db.set(fromHex('feffff'), 'last');
      const rows = await test.db.getRangeAll('', END_OF_KEYS);
      assert.deepEqual(
        rows.map(([, value]) => text(value)),
        ['first', '1', 'last'],
      );
    });

    it('the empty prefix begins every key', async () => {
      await fill(test.db, LETTERS);
      assert.lengthOf(await test.db.getRangeAll(''), 5);
    });

    it('leaving the loop with break ends the iteration, and the transaction goes on', async () => {
      await fill(test.db, LETTERS);
      const seen: (string | undefined)[] = [];
      await test.db.doTransaction(async (tn) => {
        for await (const [key] of tn.getRange('a', 'z')) {
          seen.push(text(key));
          if (seen.length === 2) break;
        }
        tn.set('after', text(await tn.get('e')) ?? '');
      });
      assert.deepEqual(seen, ['a', 'b']);
      assert.equal(text(await test.db.get('after')), '5');
    });

    it('leaving the loop with return or throw leaves the transaction usable', async () => {
      await fill(test.db, LETTERS);
      const tn = test.db.rawCreateTransaction();
      async function firstKey(): Promise<string | undefined> {
        for await (const [key] of tn.getRange('b', 'z')) return text(key);
        return undefined;
      }
      assert.equal(await firstKey(), 'b');
      let caught: unknown;
      try {
        for await (const [key] of tn.getRange('c', 'z')) throw new Error(text(key));
      } catch (error) {
        caught = error;
      }
      assert.equal((caught as Error).message, 'c');
      tn.set('after', 'yes');
      await tn.rawCommit();
      assert.equal(text(await test.db.get('after')), 'yes');
    });

    it('two iterations of one transaction can be interleaved', async () => {
      await fill(test.db, LETTERS);
      await test.db.doTransaction(async (tn) => {
        const up = tn.getRange('a', 'z')[Symbol.asyncIterator]();
        const down = tn.getRange('a', 'z', { reverse: true })[Symbol.asyncIterator]();
        const keys: (string | undefined)[] = [];
        for (let round = 0; round < 5; round += 1) {
          const [ascending, descending] = [await up.next(), await down.next()];
          keys.push(text((ascending.value as Row)[0]), text((descending.value as Row)[0]));
        }
        assert.deepEqual(keys, ['a', 'e', 'b', 'd', 'c', 'c', 'd', 'b', 'e', 'a']);
        assert.isTrue((await up.next()).done);
        assert.isTrue((await down.next()).done);
      });
    });

    it('getRangeBatch yields the same rows in arrays', async () => {
      await fill(test.db, LETTERS);
      await test.db.doTransaction(async (tn) => {
        const batches = await collect<Row[]>(tn.getRangeBatch('b', 'e'));
        assert.deepEqual(keyTexts(batches.flat()), ['b', 'c', 'd']);
        const limited = await collect<Row[]>(tn.getRangeBatch('a', 'z', { limit: 2, reverse: true }));
        assert.deepEqual(keyTexts(limited.flat()), ['e', 'd']);
      });
    });
  });

  describe('getRange over many rows', () => {
    const test = withDatabase(storage);
    const COUNT = 3_000;
    const expected = Array.from({ length: COUNT }, (_, index) => numbered('row', index));

    // 250 bytes a row: far more than any batch budget, so that the iteration has to go back for more.
    const padding = '.'.repeat(240);

    beforeEach(() =>
      commitOnce(test.db, (tn) => {
        for (const key of expected) tn.set(key, key + padding);
      }),
    );

    it('every row arrives once and in order, forward', async () => {
      const rows = await test.db.doTransaction((tn) => collect<Row>(tn.getRange('row')));
      assert.deepEqual(keyTexts(rows), expected);
      assert.isTrue(rows.every(([key, value]) => text(value) === text(key) + padding));
    });

    it('every row arrives once and in order, in reverse', async () => {
      const rows = await test.db.doTransaction((tn) =>
        collect<Row>(tn.getRange('row', undefined, { reverse: true })),
      );
      assert.deepEqual(keyTexts(rows), expected.toReversed());
    });

    it('getRangeAll answers the same as the iteration', async () => {
      const rows = await test.db.getRangeAll('row', 'rox');
      assert.deepEqual(keyTexts(rows), expected);
    });

    it('the iteration works in more than one batch, none of them empty', async () => {
      const batches = await test.db.doTransaction((tn) => collect<Row[]>(tn.getRangeBatch('row')));
      assert.isAbove(batches.length, 1);
      assert.isTrue(batches.every((batch) => batch.length > 0));
      assert.deepEqual(keyTexts(batches.flat()), expected);
    });

    it('a limit that spans batches is exact', async () => {
      await test.db.doTransaction(async (tn) => {
        const forward = await collect<Row>(tn.getRange('row', undefined, { limit: 1_717 }));
        assert.deepEqual(keyTexts(forward), expected.slice(0, 1_717));
        const backward = await collect<Row>(tn.getRange('row', undefined, { limit: 1_717, reverse: true }));
        assert.deepEqual(keyTexts(backward), expected.slice(-1_717).reverse());
      });
    });

    it('rows stay what they were while later batches are read', async () => {
      await test.db.doTransaction(async (tn) => {
        const rows: Row[] = [];
        const kept: string[] = [];
        for await (const row of tn.getRange('row')) {
          rows.push(row);
          kept.push(hex(row[1]));
        }
        assert.deepEqual(
          rows.map(([, value]) => hex(value)),
          kept,
        );
      });
    });

    it('an iteration keeps to its read version while others write', async () => {
      await test.db.doTransaction(async (tn) => {
        let count = 0;
        for await (const [key, value] of tn.snapshot().getRange('row')) {
          if (count === 10) {
            await test.db.clearRange(numbered('row', 1_000), numbered('row', 2_000));
            await test.db.set(numbered('row', 2_500), 'changed');
          }
          assert.equal(text(value), text(key) + padding);
          count += 1;
        }
        assert.equal(count, COUNT);
      });
      assert.lengthOf(await test.db.getRangeAll('row'), COUNT - 1_000);
    });
  });
}

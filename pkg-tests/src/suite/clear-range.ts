/** Range clears: half-open, by prefix, over the database and over the transaction's own writes. */
import { assert } from 'chai';
import { END_OF_KEYS, fromHex, hex, keyTexts } from './bytes.ts';
import { codeThrownBy, fill, type Storage, withDatabase } from './fixture.ts';

export function clearRange(storage: Storage): void {
  describe('clearRange', () => {
    const test = withDatabase(storage);

    async function keys(): Promise<string[]> {
      return keyTexts(await test.db.getRangeAll('', END_OF_KEYS));
    }

    beforeEach(() => fill(test.db, { a: '', b: '', 'b/1': '', 'b/2': '', b0: '', c: '', d: '' }));

    it('clears from its begin up to, not including, its end', async () => {
      await test.db.doTransaction((tn) => tn.clearRange('b', 'c'));
      assert.deepEqual(await keys(), ['a', 'c', 'd']);
    });

    it('without an end clears a prefix', async () => {
      await test.db.doTransaction((tn) => tn.clearRange('b/'));
      assert.deepEqual(await keys(), ['a', 'b', 'b0', 'c', 'd']);
    });

    it('clearRangeStartsWith clears the prefix key itself and all its extensions', async () => {
      await test.db.doTransaction((tn) => tn.clearRangeStartsWith('b'));
      assert.deepEqual(await keys(), ['a', 'c', 'd']);
    });

    it('a prefix ending in ff covers exactly its extensions', async () => {
      await test.db.doTransaction((tn) => {
        for (const key of ['61feff', '61ff', '61ff00', '61ffff', '62']) tn.set(fromHex(key), '');
      });
      await test.db.doTransaction((tn) => tn.clearRangeStartsWith(fromHex('61ff')));
      const rows = await test.db.getRangeAll(fromHex('61fe'), fromHex('6200'));
      assert.deepEqual(
        rows.map(([key]) => hex(key)),
        ['61feff', '62'],
      );
    });

    it('an empty range clears nothing', async () => {
      await test.db.doTransaction((tn) => tn.clearRange('b', 'b'));
      assert.lengthOf(await keys(), 7);
    });

    it('an inverted range throws 2005 and clears nothing', async () => {
      await test.db.doTransaction((tn) => {
        assert.equal(
          codeThrownBy(() => tn.clearRange('c', 'b')),
          2005,
        );
      });
      assert.lengthOf(await keys(), 7);
    });

    it('everything up to the end of the key space can be cleared', async () => {
      await test.db.doTransaction((tn) => tn.clearRange('', END_OF_KEYS));
      assert.deepEqual(await keys(), []);
    });

    it('order within a transaction counts: a set after the clear stays, one before it goes', async () => {
      await test.db.doTransaction((tn) => {
        tn.set('bb', 'before');
        tn.clearRange('b', 'c');
        tn.set('bc', 'after');
      });
      assert.deepEqual(await keys(), ['a', 'bc', 'c', 'd']);
    });

    it('overlapping clears of one transaction add up', async () => {
      await test.db.doTransaction((tn) => {
        tn.clearRange('a', 'b/1');
        tn.clearRange('b', 'b/2');
        tn.clearRange('b/2', 'c');
      });
      assert.deepEqual(await keys(), ['c', 'd']);
    });
  });
}

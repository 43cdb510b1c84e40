/** A transaction sees its own writes, as they stood when it asked, over one unchanging state of the database. */
import { assert } from 'chai';
import { END_OF_KEYS, keyTexts, rowTexts, text } from './bytes.ts';
import { commitOnce, fill, type Storage, withDatabase } from './fixture.ts';

export function readYourWrites(storage: Storage): void {
  describe('read your writes', () => {
    const test = withDatabase(storage);

    beforeEach(() => fill(test.db, { a: '1', b: '2', c: '3', d: '4' }));

    it('own_set_hides_stored_value', async () => {
      await test.db.doTransaction(async (tn) => {
        tn.set('a', 'own');
        assert.equal(text(await tn.get('a')), 'own');
      });
    });

    it('own_clear_hides_stored_value', async () => {
      await test.db.doTransaction(async (tn) => {
        tn.clear('a');
        assert.isUndefined(await tn.get('a'));
        assert.isFalse(await tn.exists('a'));
      });
    });

    it('own_range_clear_hides_stored_values_and_own_earlier_sets', async () => {
      await test.db.doTransaction(async (tn) => {
        tn.set('bb', 'own');
        tn.clearRange('b', 'd');
        const values = await Promise.all(['a', 'b', 'bb', 'c', 'd'].map((key) => tn.get(key)));
        assert.deepEqual(values.map(text), ['1', undefined, undefined, undefined, '4']);
      });
    });

    it('own_set_after_own_range_clear_is_seen', async () => {
      await test.db.doTransaction(async (tn) => {
        tn.clearRange('a', 'z');
        tn.set('b', 'own');
        assert.deepEqual(rowTexts(await tn.getRangeAll('a', 'z')), [['b', 'own']]);
      });
      assert.deepEqual(rowTexts(await test.db.getRangeAll('a', 'z')), [['b', 'own']]);
    });

    it('own_clear_hides_snapshot_value', async () => {
      await test.db.doTransaction(async (tn) => {
        assert.equal(text(await tn.snapshot().get('a')), '1');
        tn.clear('a');
        assert.isUndefined(await tn.snapshot().get('a'));
      });
    });

    it('an own empty value is present', async () => {
      await test.db.doTransaction(async (tn) => {
        tn.set('a', '');
        assert.deepEqual(await tn.get('a'), new Uint8Array(0));
      });
    });

    it('range reads merge own writes with stored rows, in both directions', async () => {
      await test.db.doTransaction(async (tn) => {
        tn.set('bb', 'new');
        tn.set('c', 'changed');
        tn.clear('b');
        const expected: [string, string][] = [
          ['a', '1'],
          ['bb', 'new'],
          ['c', 'changed'],
          ['d', '4'],
        ];
        assert.deepEqual(rowTexts(await tn.getRangeAll('a', 'z')), expected);
        assert.deepEqual(rowTexts(await tn.getRangeAll('a', 'z', { reverse: true })), expected.toReversed());
      });
    });

    it('a limit counts merged rows: cleared rows do not use it up, own rows do', async () => {
      await test.db.doTransaction(async (tn) => {
        tn.clearRange('a', 'c');
        tn.set('0', 'own');
        assert.deepEqual(keyTexts(await tn.getRangeAll('', END_OF_KEYS, { limit: 2 })), ['0', 'c']);
        assert.deepEqual(keyTexts(await tn.getRangeAll('', END_OF_KEYS, { limit: 3, reverse: true })), [
          'd',
          'c',
          '0',
        ]);
      });
    });

    it('a range read past thousands of own clears still finds the next stored row', async () => {
      await commitOnce(test.db, (tn) => {
        for (let index = 0; index < 2_000; index += 1) tn.set(`b/${index}`, '');
      });
      await test.db.doTransaction(async (tn) => {
        for (let index = 0; index < 2_000; index += 1) tn.clear(`b/${index}`);
        assert.deepEqual(keyTexts(await tn.getRangeAll('b', 'z', { limit: 2 })), ['b', 'c']);
      });
    });

    it('a read sees the writes made before it was asked, not those made before it is answered', async () => {
      await test.db.doTransaction(async (tn) => {
        const beforeSet = tn.get('a');
        const rowsBefore = tn.getRangeAll('a', 'c');
        tn.set('a', 'own');
        tn.clear('b');
        assert.equal(text(await beforeSet), '1');
        assert.deepEqual(rowTexts(await rowsBefore), [
          ['a', '1'],
          ['b', '2'],
        ]);
        assert.equal(text(await tn.get('a')), 'own');
        assert.isUndefined(await tn.get('b'));
      });
    });

    it('nobody else sees a write before the commit', async () => {
      const tn = test.db.rawCreateTransaction();
      tn.set('a', 'uncommitted');
      tn.set('new', 'uncommitted');
      assert.equal(text(await test.db.get('a')), '1');
      assert.isUndefined(await test.db.get('new'));
      await tn.rawCommit();
      assert.equal(text(await test.db.get('a')), 'uncommitted');
    });

    it('a transaction that is never committed writes nothing', async () => {
      const tn = test.db.rawCreateTransaction();
      tn.set('new', 'uncommitted');
      await tn.get('new');
      const again = await test.openAgain();
      assert.isUndefined(await again.get('new'));
    });

    it('an iteration under way keeps going over writes of its own transaction', async () => {
      await commitOnce(test.db, (tn) => {
        for (let index = 1_000; index < 2_000; index += 1) tn.set(`row/${index}`, `${index}`.repeat(25));
      });
      await test.db.doTransaction(async (tn) => {
        let count = 0;
        for await (const [key] of tn.getRange('row/')) {
          tn.clear(key);
          count += 1;
        }
        assert.equal(count, 1_000);
      });
      assert.deepEqual(await test.db.getRangeAll('row/'), []);
    });
  });
}

/** The one-call forms on the database: a transaction each. */
import { assert } from 'chai';
import { deleteDatabase } from 'plinthdb';
import { END_OF_KEYS, rowTexts, text } from './bytes.ts';
import { fill, type Storage, withDatabase } from './fixture.ts';

export function databaseCalls(storage: Storage): void {
  describe('one-call forms on the database', () => {
    const test = withDatabase(storage);

    it('knows its name', () => {
      assert.equal(test.db.name, test.name);
    });

    it('set, get and clear each commit before they resolve', async () => {
      await test.db.set('key', 'value');
      assert.equal(text(await test.db.get('key')), 'value');
      await test.db.clear('key');
      assert.isUndefined(await test.db.get('key'));
    });

    it('clearRange clears a half-open range, or a prefix when it has no end', async () => {
      await fill(test.db, { a: '1', b: '2', c: '3', 'p/1': '4', 'p/2': '5', q: '6' });
      await test.db.clearRange('a', 'c');
      await test.db.clearRange('p/');
      const rows = await test.db.getRangeAll('', END_OF_KEYS);
      assert.deepEqual(rowTexts(rows), [
        ['c', '3'],
        ['q', '6'],
      ]);
    });

    it('getRangeAll takes a limit and a direction', async () => {
      await fill(test.db, { a: '1', b: '2', c: '3' });
      const rows = await test.db.getRangeAll('a', 'z', { limit: 2, reverse: true });
      assert.deepEqual(rowTexts(rows), [
        ['c', '3'],
        ['b', '2'],
      ]);
    });

    it('concurrent sets of different keys all take effect', async () => {
      const keys = Array.from({ length: 200 }, (_, index) => `key/${index}`);
      await Promise.all(keys.map((key) => test.db.set(key, key)));
      const values = await Promise.all(keys.map((key) => test.db.get(key)));
      assert.deepEqual(values.map(text), keys);
    });

    it('a second handle of one name sees what the first committed', async () => {
      const again = await test.openAgain();
      await test.db.set('key', 'from the first');
      assert.equal(text(await again.get('key')), 'from the first');
      await again.set('key', 'from the second');
      assert.equal(text(await test.db.get('key')), 'from the second');
    });

    it('two databases share nothing', async () => {
      const otherName = storage.uniqueName();
      const other = await storage.open(otherName);
      try {
        await test.db.set('key', 'here');
        assert.isUndefined(await other.get('key'));
      } finally {
        await other.close();
        await deleteDatabase(otherName);
      }
    });

    it('stats tell the newest version and the number of keys', async () => {
      await fill(test.db, { a: '1', b: '2', c: '3' });
      const before = await test.db.stats();
      assert.equal(before.keyCount, 3);
      await test.db.clear('b');
      const after = await test.db.stats();
      assert.equal(after.keyCount, 2);
      assert.isAbove(after.version, before.version);
      assert.isAbove(after.logTail, before.logTail);
    });
  });
}

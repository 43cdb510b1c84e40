/** Checking, compacting, and what a small cache changes: nothing that is read. */
import { assert } from 'chai';
import { numbered, text } from './bytes.ts';
import { codeOf, type Storage, withDatabase } from './fixture.ts';

const ROWS = 3_000;

export function maintenance(storage: Storage): void {
  describe('maintenance', () => {
    const test = withDatabase(storage);

    async function fillRows(): Promise<void> {
      await test.db.doTransaction((tn) => {
        for (let row = 0; row < ROWS; row += 1) tn.set(numbered('row/', row), `${row}/${'x'.repeat(100)}`);
      });
    }

    it('check finds a whole database whole', async () => {
      await fillRows();
      const report = await test.db.check();
      assert.lengthOf(report.damage, 0);
      assert.isAtLeast(report.rowCount + report.logEntryCount, 1);
      assert.isAtLeast(report.pageBytes + report.logBytes, ROWS * 100);
    });

    it('compact changes nothing that is read, and a handle with no cache reads the same', async () => {
      await fillRows();
      await test.db.clearRange(numbered('row/', 1_000), numbered('row/', 2_000));
      await test.db.compact();
      const small = await test.openAgain({ cacheBytes: 0 });
      for (const db of [test.db, small]) {
        const rows = await db.getRangeAll('row/');
        assert.lengthOf(rows, ROWS - 1_000);
        assert.equal(text(rows.at(-1)?.[1])?.split('/')[0], `${ROWS - 1}`);
        assert.isUndefined(await db.get(numbered('row/', 1_500)));
        const backwards = await db.getRangeAll('row/', undefined, { reverse: true, limit: 5 });
        assert.equal(text(backwards[4]?.[0]), numbered('row/', ROWS - 5));
      }
      assert.lengthOf((await test.db.check()).damage, 0);
    });

    it('stats tell versions, sizes and counts', async () => {
      await fillRows();
      const stats = await test.db.stats();
      assert.equal(stats.keyCount, ROWS);
      assert.isAbove(stats.keyValueBytes, ROWS * 100);
      assert.isAtLeast(stats.version, stats.foldedVersion);
      assert.isFalse(stats.isFolding);
      assert.equal(stats.committedCount, 1);
    });

    it('cacheBytes is checked: 2006', async () => {
      for (const cacheBytes of [-1, 0.5, 2 ** 40]) {
        assert.equal(await codeOf(() => storage.open(test.name, { cacheBytes })), 2006);
      }
    });
  });
}

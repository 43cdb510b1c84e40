/** Snapshot reads: the same state and the same own writes, without a conflict. */
import { assert } from 'chai';
import { rowTexts, text } from './bytes.ts';
import { fill, type Storage, withDatabase } from './fixture.ts';

export function snapshotReads(storage: Storage): void {
  describe('snapshot reads', () => {
    const test = withDatabase(storage);

    beforeEach(() => fill(test.db, { a: '1', b: '2' }));

    it('see own writes', async () => {
      await test.db.doTransaction(async (tn) => {
        tn.set('a', 'own');
        tn.clear('b');
        tn.set('c', 'own');
        assert.equal(text(await tn.snapshot().get('a')), 'own');
        assert.isFalse(await tn.snapshot().exists('b'));
        assert.deepEqual(rowTexts(await tn.snapshot().getRangeAll('a', 'z')), [
          ['a', 'own'],
          ['c', 'own'],
        ]);
      });
    });

    it('read at the transaction’s read version', async () => {
      const tn = test.db.rawCreateTransaction();
      assert.equal(text(await tn.get('a')), '1');
      await fill(test.db, { a: 'theirs', b: 'theirs' });
      assert.equal(text(await tn.snapshot().get('b')), '2');
    });

    it('a write through the snapshot face is a write of the transaction', async () => {
      const tn = test.db.rawCreateTransaction();
      tn.snapshot().set('c', 'through the snapshot');
      assert.equal(text(await tn.get('c')), 'through the snapshot');
      await tn.rawCommit();
      assert.equal(text(await test.db.get('c')), 'through the snapshot');
    });

    it('do not turn the transaction’s other reads into snapshot reads', async () => {
      const tn = test.db.rawCreateTransaction();
      await tn.snapshot().get('a');
      await tn.get('b');
      await test.db.set('b', 'theirs');
      tn.set('c', 'mine');
      const [outcome] = await Promise.allSettled([tn.rawCommit()]);
      assert.equal(outcome.status, 'rejected');
    });

    it('the snapshot of a snapshot is the same', async () => {
      const tn = test.db.rawCreateTransaction();
      assert.equal(text(await tn.snapshot().snapshot().get('a')), '1');
      await test.db.set('a', 'theirs');
      tn.set('c', 'mine');
      await tn.rawCommit();
    });
  });
}

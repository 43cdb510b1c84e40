/** Histories that would not be serializable: they can't happen. */
import { assert } from 'chai';
import { versionNumber } from 'plinthdb';
import { text } from './bytes.ts';
import { fill, type Storage, withDatabase } from './fixture.ts';

export function serializability(storage: Storage): void {
  describe('serializability', () => {
    const test = withDatabase(storage);

    it('write skew is impossible: of two that read both and write one each, one fails', async () => {
      await fill(test.db, { left: 'on', right: 'on' });
      const [first, second] = [test.db.rawCreateTransaction(), test.db.rawCreateTransaction()];
      for (const tn of [first, second]) await Promise.all([tn.get('left'), tn.get('right')]);
      first.set('left', 'off');
      second.set('right', 'off');
      const outcomes = await Promise.allSettled([first.rawCommit(), second.rawCommit()]);
      assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    });

    it('of many concurrent commits that read and write one key, exactly one succeeds', async () => {
      const tns = Array.from({ length: 20 }, () => test.db.rawCreateTransaction());
      await Promise.all(tns.map((tn) => tn.get('key')));
      for (const [index, tn] of tns.entries()) tn.set('key', `${index}`);
      const outcomes = await Promise.allSettled(tns.map((tn) => tn.rawCommit()));
      const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
      assert.lengthOf(winners, 1);
      assert.equal(text(await test.db.get('key')), `${winners[0]}`);
    });

    it('a read-only transaction never conflicts', async () => {
      await fill(test.db, { key: '1' });
      const tn = test.db.rawCreateTransaction();
      await tn.get('key');
      await test.db.set('key', '2');
      await tn.rawCommit();
      assert.equal(versionNumber(tn.getCommittedVersion()), -1);
    });

    it('every read of one transaction sees one state, whatever is committed meanwhile', async () => {
      await fill(test.db, { a: '1', b: '1' });
      const tn = test.db.rawCreateTransaction();
      assert.equal(text(await tn.get('a')), '1');
      await fill(test.db, { a: '2', b: '2', c: '2' });
      assert.equal(text(await tn.get('b')), '1');
      assert.equal(text(await tn.get('a')), '1');
      assert.isUndefined(await tn.get('c'));
      const rows = await tn.getRangeAll('a', 'z');
      assert.deepEqual(
        rows.map(([, value]) => text(value)),
        ['1', '1'],
      );
    });

    it('a transaction begun after a commit was acknowledged sees it, on every handle', async () => {
      const again = await test.openAgain();
      for (let round = 0; round < 20; round += 1) {
        const [writer, reader] = round % 2 === 0 ? [test.db, again] : [again, test.db];
        await writer.set('round', `${round}`);
        assert.equal(text(await reader.get('round')), `${round}`);
      }
    });

    it('two handles of one name conflict as two transactions of one handle do', async () => {
      const again = await test.openAgain();
      const tn = test.db.rawCreateTransaction();
      await tn.get('key');
      await again.set('key', 'theirs');
      tn.set('other', 'mine');
      const [outcome] = await Promise.allSettled([tn.rawCommit()]);
      assert.equal(outcome.status, 'rejected');
    });
  });
}

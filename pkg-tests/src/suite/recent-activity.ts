/** `db.recent()`: the last requests, if asked for, and the last errors, always. */
import { assert } from 'chai';
import { errorCodes } from 'plinthdb';
import { text } from './bytes.ts';
import { codeOf, type Storage, withDatabase } from './fixture.ts';

export function recentActivity(storage: Storage): void {
  describe('recent activity', () => {
    const world = withDatabase(storage);

    it('lists requests in their order, with keys, times and codes', async () => {
      const db = await world.openAgain({ inspect: true });
      const begin = performance.now();
      await db.at('part/').set('a', '1');
      const tn = db.rawCreateTransaction();
      await tn.get('part/a');
      await tn.getRangeAll('part/');
      await tn.getReadVersion();
      await tn.rawCommit();
      const { requests, errors } = db.recent();
      assert.deepEqual(
        requests.map(({ operation, key }) => [operation, key && text(key)]),
        [
          ['commit', undefined],
          ['get', 'part/a'],
          ['getRange', 'part/'],
          ['getReadVersion', undefined],
          ['commit', undefined],
        ],
      );
      for (const { at, microseconds, code } of requests) {
        assert.isAtLeast(at, begin);
        assert.isAtMost(at + microseconds / 1000, performance.now() + 1);
        assert.equal(code, 0);
      }
      assert.deepEqual(errors, []);
    });

    it('measures how long requests take', async () => {
      const db = await world.openAgain({ inspect: true });
      // A browser may round its clock to a millisecond.
      while (db.recent().requests.every(({ microseconds }) => microseconds === 0)) await db.set('a', '1');
    });

    it('keeps the last hundred, and gives the code of what failed', async () => {
      const db = await world.openAgain({ inspect: true });
      const tn = db.rawCreateTransaction();
      for (let index = 0; index < 130; index++) await tn.get(`key/${index}`);
      tn.rawCancel();
      assert.equal(await codeOf(() => tn.get('cancelled')), errorCodes.transaction_cancelled);
      const { requests } = db.recent();
      assert.lengthOf(requests, 100);
      assert.equal(text(requests[0]?.key), 'key/31');
      assert.equal(requests.at(-1)?.code, errorCodes.transaction_cancelled);
    });

    it('lists the errors of attempts, also those that were retried, and no requests unless asked to', async () => {
      const { db } = world;
      let attempts = 0;
      await db.doTransaction(async (tn) => {
        await tn.get('counter');
        if (attempts++ === 0) await db.set('counter', 'in the way');
        tn.set('counter', '1');
      });
      const { requests, errors } = db.recent();
      assert.deepEqual(
        errors.map(({ error }) => error.code),
        [errorCodes.not_committed],
      );
      assert.deepEqual(requests, []);
    });
  });
}

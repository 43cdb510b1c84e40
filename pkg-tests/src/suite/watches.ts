/**
 * Watches: armed by the commit, fired by a different value.
 *
 * "Does not fire" is tested without waiting for a time: a second watch, on a key that is written later, fires, and
 * watches are delivered in commit order.
 */
import { assert } from 'chai';
import type { Watch } from 'plinthdb';
import { text } from './bytes.ts';
import { codeOf, commitOnce, fill, isSettled, type Storage, withDatabase } from './fixture.ts';

export function watches(storage: Storage): void {
  describe('watches', () => {
    const test = withDatabase(storage);

    beforeEach(() => fill(test.db, { key: 'old' }));

    function watchKey(key: string): Promise<Watch> {
      return test.db.doTransaction((tn) => tn.watch(key));
    }

    /** Resolves when every watch that the commits so far had to fire has been delivered. */
    async function deliveriesDone(): Promise<void> {
      const sentinel = await watchKey('sentinel');
      await test.db.doTransaction(async (tn) => {
        tn.set('sentinel', `${text(await tn.get('sentinel')) ?? ''}+`);
      });
      assert.isTrue(await sentinel.promise);
    }

    it('a change by another transaction fires it, and the new value is readable then', async () => {
      const watch = await watchKey('key');
      const seen = watch.promise.then(async (fired) => [fired, text(await test.db.get('key'))]);
      await test.db.set('key', 'new');
      assert.deepEqual(await seen, [true, 'new']);
    });

    it('setting a missing key fires it', async () => {
      const watch = await watchKey('missing');
      await test.db.set('missing', '');
      assert.isTrue(await watch.promise);
    });

    it('clearing the key fires it', async () => {
      const watch = await watchKey('key');
      await test.db.clear('key');
      assert.isTrue(await watch.promise);
    });

    it('a range clear over the key fires it', async () => {
      const watch = await watchKey('key');
      await test.db.clearRange('a', 'z');
      assert.isTrue(await watch.promise);
    });

    it('a change through another handle fires it', async () => {
      const again = await test.openAgain();
      const watch = await watchKey('key');
      await again.set('key', 'from the other handle');
      assert.isTrue(await watch.promise);
      assert.equal(text(await test.db.get('key')), 'from the other handle');
    });

    it('setting the same value again does not fire it', async () => {
      const watch = await watchKey('key');
      await test.db.set('key', 'old');
      await deliveriesDone();
      assert.isFalse(await isSettled(watch.promise));
      await test.db.set('key', 'new');
      assert.isTrue(await watch.promise);
    });

    it('clearing a missing key does not fire it', async () => {
      const watch = await watchKey('missing');
      await test.db.clear('missing');
      await test.db.clearRange('m', 'n');
      await deliveriesDone();
      assert.isFalse(await isSettled(watch.promise));
      watch.cancel();
      assert.isFalse(await watch.promise);
    });

    it('writes to other keys do not fire it', async () => {
      const watch = await watchKey('key');
      await fill(test.db, { ke: '', 'key\0': '', 'key/': '', kez: '' });
      await deliveriesDone();
      assert.isFalse(await isSettled(watch.promise));
      watch.cancel();
    });

    it('cancel resolves it with false, once and for all', async () => {
      const watch = await watchKey('key');
      watch.cancel();
      watch.cancel();
      assert.isFalse(await watch.promise);
      await test.db.set('key', 'new');
      assert.isFalse(await watch.promise);
    });

    it('cancel after it fired changes nothing', async () => {
      const watch = await watchKey('key');
      await test.db.set('key', 'new');
      assert.isTrue(await watch.promise);
      watch.cancel();
      assert.isTrue(await watch.promise);
    });

    it('every watch on a key fires', async () => {
      const all = await Promise.all(Array.from({ length: 50 }, () => watchKey('key')));
      await test.db.set('key', 'new');
      assert.deepEqual(await Promise.all(all.map((watch) => watch.promise)), new Array(50).fill(true));
    });

    it('cancelling one watch leaves the others on its key alone', async () => {
      const [first, second] = await Promise.all([watchKey('key'), watchKey('key')]);
      first.cancel();
      await test.db.set('key', 'new');
      assert.isFalse(await first.promise);
      assert.isTrue(await second.promise);
    });

    it('the transaction’s own later change fires it', async () => {
      let watch: Watch | undefined;
      await commitOnce(test.db, async (tn) => {
        watch = tn.watch('key');
        await tn.get('key');
        tn.set('key', 'new');
      });
      assert.isTrue(await watch?.promise);
    });

    it('is measured against the value that its own transaction set before', async () => {
      const watch = await test.db.doTransaction((tn) => {
        tn.set('key', 'mine');
        return tn.watch('key');
      });
      await test.db.set('key', 'mine');
      await deliveriesDone();
      assert.isFalse(await isSettled(watch.promise));
      await test.db.set('key', 'old');
      assert.isTrue(await watch.promise);
    });

    it('a change committed between the watch and the commit of a read-only transaction is not missed', async () => {
      const tn = test.db.rawCreateTransaction();
      await tn.getReadVersion();
      const watch = tn.watch('key');
      await test.db.set('key', 'new');
      await tn.rawCommit();
      assert.isTrue(await watch.promise);
    });

    it('adds a read conflict on its key; the failed commit resolves it with false', async () => {
      const tn = test.db.rawCreateTransaction();
      await tn.getReadVersion();
      const watch = tn.watch('key');
      tn.set('other', 'mine');
      await test.db.set('key', 'new');
      assert.equal(await codeOf(() => tn.rawCommit()), 1020);
      assert.isFalse(await watch.promise);
    });

    it('reset and cancel of the transaction before the commit resolve it with false', async () => {
      const first = test.db.rawCreateTransaction();
      const ofFirst = first.watch('key');
      first.rawReset();
      assert.isFalse(await ofFirst.promise);
      const second = test.db.rawCreateTransaction();
      const ofSecond = second.watch('key');
      second.rawCancel();
      assert.isFalse(await ofSecond.promise);
    });

    it('getAndWatch gives the value and the watch that belongs to it', async () => {
      const watch = await test.db.getAndWatch('key');
      assert.equal(text(watch.value), 'old');
      await test.db.set('key', 'new');
      assert.isTrue(await watch.promise);
      const missing = await test.db.getAndWatch('missing');
      assert.isUndefined(missing.value);
      missing.cancel();
    });

    it('setAndWatch and clearAndWatch commit first and watch what they wrote', async () => {
      const afterSet = await test.db.setAndWatch('key', 'set');
      assert.equal(text(await test.db.get('key')), 'set');
      const afterClear = await test.db.clearAndWatch('key');
      assert.isTrue(await afterSet.promise);
      assert.isUndefined(await test.db.get('key'));
      await test.db.set('key', 'back');
      assert.isTrue(await afterClear.promise);
    });

    it('closing the database resolves its watches with false', async () => {
      const again = await test.openAgain();
      const watch = await again.doTransaction((tn) => tn.watch('key'));
      await again.close();
      assert.isFalse(await watch.promise);
      await test.db.set('key', 'new');
    });

    it('a chain of watches passes every change on', async () => {
      const LINKS = 20;
      const armed = await Promise.all(
        Array.from({ length: LINKS }, (_, index) => watchKey(`chain/${index}`)),
      );
      const passedOn = armed.map(async (watch, index) => {
        assert.isTrue(await watch.promise);
        await test.db.set(`chain/${index + 1}`, 'passed on');
      });
      await test.db.set('chain/0', 'begin');
      await Promise.all(passedOn);
      assert.equal(text(await test.db.get(`chain/${LINKS}`)), 'passed on');
    });
  });
}

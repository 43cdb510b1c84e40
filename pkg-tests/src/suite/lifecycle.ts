/** What a transaction and a database are good for before, during and after their lives. */
import { assert } from 'chai';
import { deleteDatabase, type FDBError, versionNumber } from 'plinthdb';
import { text } from './bytes.ts';
import { codeOf, commitOnce, type Storage, withDatabase } from './fixture.ts';

export function lifecycle(storage: Storage): void {
  describe('the life of a transaction', () => {
    const test = withDatabase(storage);

    it('after its commit every use fails with 2017, except asking for its versions', async () => {
      const tn = await commitOnce(test.db, (writer) => writer.set('key', 'value'));
      assert.isAbove(versionNumber(await tn.getReadVersion()), 0);
      assert.equal(await codeOf(() => tn.get('key')), 2017);
      assert.equal(await codeOf(() => tn.exists('key')), 2017);
      assert.equal(await codeOf(() => tn.getRangeAll('a', 'z')), 2017);
      assert.equal(await codeOf(() => tn.set('key', 'late')), 2017);
      assert.equal(await codeOf(() => tn.clear('key')), 2017);
      assert.equal(await codeOf(() => tn.clearRange('a', 'z')), 2017);
      assert.equal(await codeOf(() => tn.rawCommit()), 2017);
      assert.isAbove(versionNumber(tn.getCommittedVersion()), 0);
      assert.equal(await codeOf(() => tn.getReadVersion()), 2017, 'such a use ends the transaction');
      assert.equal(text(await test.db.get('key')), 'value');
    });

    it('a read while the commit is under way fails with 2017, and so does the commit', async () => {
      const tn = test.db.rawCreateTransaction();
      tn.set('key', 'value');
      const [commit, read] = await Promise.allSettled([tn.rawCommit(), tn.get('key')]);
      for (const call of [commit, read]) {
        assert.equal(call.status === 'rejected' && (call.reason as FDBError).code, 2017);
      }
      assert.equal(await codeOf(() => tn.rawOnError(1020)), 2017);
      tn.rawReset();
      assert.isUndefined(await tn.get('other'));
    });

    it('without the protection the commit goes on', async () => {
      const tn = test.db.rawCreateTransaction({ used_during_commit_protection_disable: true });
      tn.set('key', 'value');
      const [commit, read] = await Promise.allSettled([tn.rawCommit(), tn.get('key')]);
      assert.deepEqual([commit.status, read.status], ['fulfilled', 'rejected']);
    });

    it('rawReset makes it as new', async () => {
      const tn = await commitOnce(test.db, (writer) => writer.set('key', 'value'));
      tn.rawReset();
      assert.equal(versionNumber(tn.getCommittedVersion()), -1);
      assert.equal(text(await tn.get('key')), 'value');
      tn.set('second', 'life');
      await tn.rawCommit();
      assert.equal(text(await test.db.get('second')), 'life');
    });

    it('rawReset forgets writes and read conflicts', async () => {
      const tn = test.db.rawCreateTransaction();
      await tn.get('key');
      tn.set('forgotten', 'yes');
      tn.rawReset();
      await test.db.set('key', 'theirs');
      tn.set('kept', 'yes');
      await tn.rawCommit();
      assert.isUndefined(await test.db.get('forgotten'));
      assert.equal(text(await test.db.get('kept')), 'yes');
    });

    it('after rawCancel every use fails with 1025 until it is reset', async () => {
      const tn = test.db.rawCreateTransaction();
      tn.set('key', 'value');
      tn.rawCancel();
      assert.equal(await codeOf(() => tn.get('key')), 1025);
      assert.equal(await codeOf(() => tn.set('key', 'value')), 1025);
      assert.equal(await codeOf(() => tn.rawCommit()), 1025);
      assert.equal(await codeOf(() => tn.rawOnError(1020)), 1025);
      assert.isUndefined(await test.db.get('key'));
      tn.rawReset();
      tn.set('key', 'after all');
      await tn.rawCommit();
      assert.equal(text(await test.db.get('key')), 'after all');
    });

    it('commit waits for the reads that were not awaited', async () => {
      await test.db.set('key', 'value');
      const tn = test.db.rawCreateTransaction();
      const read = tn.get('key');
      tn.set('other', 'value');
      await tn.rawCommit();
      assert.equal(text(await read), 'value');
    });

    it('the conflict of a read that was not awaited counts', async () => {
      const tn = test.db.rawCreateTransaction();
      await tn.getReadVersion();
      const read = tn.get('key');
      tn.set('other', 'value');
      await test.db.set('key', 'theirs');
      assert.equal(await codeOf(() => tn.rawCommit()), 1020);
      await read;
    });
  });

  describe('versions', () => {
    const test = withDatabase(storage);

    it('commit versions grow strictly, and a read version is the newest committed one', async () => {
      let newest = 0;
      for (let round = 0; round < 20; round += 1) {
        const tn = await commitOnce(test.db, (writer) => writer.set('key', `${round}`));
        assert.isAbove(versionNumber(tn.getCommittedVersion()), newest);
        newest = versionNumber(tn.getCommittedVersion());
        const readVersion = versionNumber(await test.db.doTransaction((reader) => reader.getReadVersion()));
        assert.isAtLeast(readVersion, newest);
      }
    });

    it('commit versions grow strictly across handles', async () => {
      const again = await test.openAgain();
      let newest = 0;
      for (let round = 0; round < 10; round += 1) {
        const tn = await commitOnce(round % 2 === 0 ? test.db : again, (writer) =>
          writer.set('key', `${round}`),
        );
        assert.isAbove(versionNumber(tn.getCommittedVersion()), newest);
        newest = versionNumber(tn.getCommittedVersion());
      }
    });

    it('a transaction keeps its read version', async () => {
      const tn = test.db.rawCreateTransaction();
      const first = versionNumber(await tn.getReadVersion());
      await test.db.set('key', 'value');
      assert.equal(versionNumber(await tn.getReadVersion()), first);
      assert.isUndefined(await tn.get('key'));
    });

    it('versions are safe integers', async () => {
      const tn = await commitOnce(test.db, (writer) => writer.set('key', 'value'));
      assert.isTrue(Number.isSafeInteger(versionNumber(tn.getCommittedVersion())));
      assert.isTrue(Number.isSafeInteger(versionNumber(await tn.getReadVersion())));
    });
  });

  describe('the life of a database', () => {
    const test = withDatabase(storage);

    it('a closed database refuses everything with 2000', async () => {
      const tn = test.db.rawCreateTransaction();
      await test.db.close();
      assert.equal(await codeOf(() => test.db.get('key')), 2000);
      assert.equal(await codeOf(() => test.db.set('key', 'value')), 2000);
      assert.equal(await codeOf(() => test.db.doTransaction(() => 'never')), 2000);
      assert.equal(await codeOf(() => test.db.getRangeAll('a', 'z')), 2000);
      assert.equal(await codeOf(() => test.db.rawCreateTransaction().get('key')), 2000);
      assert.equal(await codeOf(() => tn.get('key')), 2000);
    });

    it('closing twice is closing once', async () => {
      await test.db.close();
      await test.db.close();
    });

    it('closing waits for the commits that were asked for', async () => {
      const again = await test.openAgain();
      const commits = Array.from({ length: 20 }, (_, index) => test.db.set(`key/${index}`, 'value'));
      const outcomes = Promise.allSettled(commits);
      await test.db.close();
      const acknowledged = (await outcomes).filter(({ status }) => status === 'fulfilled').length;
      assert.lengthOf(await again.getRangeAll('key/'), acknowledged);
    });

    it('closing one handle leaves the other one working', async () => {
      const again = await test.openAgain();
      await test.db.set('key', 'value');
      await test.db.close();
      assert.equal(text(await again.get('key')), 'value');
      await again.set('key', 'later');
      assert.equal(text(await again.get('key')), 'later');
    });

    it('a new handle sees everything that was committed before it was opened', async () => {
      for (let index = 0; index < 50; index += 1) await test.db.set(`key/${index}`, `${index}`);
      await test.db.clearRange('key/1', 'key/2');
      const again = await test.openAgain();
      const rows = await again.getRangeAll('key/');
      assert.lengthOf(rows, 39);
      const [before, after] = await Promise.all([test.db.stats(), again.stats()]);
      assert.equal(after.version, before.version);
    });

    it('Symbol.asyncDispose closes it', async () => {
      await test.db[Symbol.asyncDispose]();
      assert.equal(await codeOf(() => test.db.get('key')), 2000);
    });

    it('deleteDatabase forgets everything; opening the name again begins empty', async () => {
      await test.db.set('key', 'value');
      await test.db.close();
      await deleteDatabase(test.name);
      const again = await test.openAgain();
      assert.isUndefined(await again.get('key'));
      assert.equal((await again.stats()).keyCount, 0);
    });

    it('deleting a database that does not exist is no error', async () => {
      await deleteDatabase(storage.uniqueName());
    });
  });
}

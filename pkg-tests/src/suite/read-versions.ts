/** Read versions as bytes: got, set, too old, in the future. */
import { assert } from 'chai';
import { versionBytes, versionNumber } from 'plinthdb';
import { text } from './bytes.ts';
import { codeOf, codeThrownBy, type Storage, withDatabase } from './fixture.ts';

export function readVersions(storage: Storage): void {
  describe('read versions', () => {
    const test = withDatabase(storage);

    it('are eight bytes, big-endian, as committed versions are', async () => {
      const tn = test.db.rawCreateTransaction();
      tn.set('k', 'v');
      assert.deepEqual([...tn.getCommittedVersion()], new Array(8).fill(0xff));
      await tn.rawCommit();
      const committed = tn.getCommittedVersion();
      assert.lengthOf(committed, 8);
      const read = await test.db.doTransaction((reader) => reader.getReadVersion());
      assert.deepEqual(read, committed);
      assert.deepEqual(versionBytes(versionNumber(read)), read);
    });

    it('can be set to one that another transaction had', async () => {
      await test.db.set('k', 'old');
      const version = await test.db.doTransaction((tn) => tn.getReadVersion());
      await test.db.set('k', 'new');
      const tn = test.db.rawCreateTransaction();
      tn.setReadVersion(version);
      assert.deepEqual(await tn.getReadVersion(), version);
      assert.equal(text(await tn.get('k')), 'old');
    });

    it('are set once: 2010, above 0: 2011, and as eight bytes', async () => {
      const tn = test.db.rawCreateTransaction();
      assert.throws(() => tn.setReadVersion(new Uint8Array(7)), TypeError, '7 bytes');
      for (const wrong of [0, -1]) {
        assert.equal(
          codeThrownBy(() => tn.setReadVersion(versionBytes(wrong))),
          2011,
        );
      }
      await tn.get('k');
      assert.equal(
        codeThrownBy(() => tn.setReadVersion(versionBytes(1))),
        2010,
      );
    });

    it('that are too old fail reads with 1007', async () => {
      const tn = test.db.rawCreateTransaction();
      tn.setReadVersion(versionBytes(1));
      assert.equal(await codeOf(() => tn.get('k')), 1007);
    });

    it('that lie in the future fail reads with 1009 after a second', async () => {
      const tn = test.db.rawCreateTransaction();
      tn.setReadVersion(versionBytes(2n ** 62n));
      assert.equal(await codeOf(() => tn.get('k')), 1009);
    });
  });

  describe('sizes', () => {
    const test = withDatabase(storage);

    it('of ranges are those of their keys and values', async () => {
      await test.db.doTransaction((tn) => {
        for (let row = 10; row < 20; row += 1) tn.set(`k${row}`, 'x'.repeat(97));
      });
      assert.equal(await test.db.getEstimatedRangeSizeBytes('k10', 'k15'), 500);
      const points = await test.db.getRangeSplitPoints('k', 'l', 300);
      assert.deepEqual(points.map(text), ['k', 'k13', 'k16', 'k19', 'l']);
      assert.equal(await codeOf(() => test.db.getEstimatedRangeSizeBytes('b', 'a')), 2005);
      assert.equal(await codeOf(() => test.db.getRangeSplitPoints('a', 'b', 0)), 2000);
    });

    it('are of one machine: one boundary, at the empty key', async () => {
      assert.deepEqual(await test.db.getBoundaryKeys('', 'z'), [new Uint8Array(0)]);
      assert.deepEqual(await test.db.getBoundaryKeys('a', 'z'), []);
      const tn = test.db.rawCreateTransaction();
      assert.lengthOf(await tn.getAddressesForKey('k'), 1);
    });

    it('of a transaction grow with what it does', async () => {
      const tn = test.db.rawCreateTransaction();
      assert.equal(await tn.getApproximateSize(), 0);
      tn.set('k', 'v');
      assert.isAbove(await tn.getApproximateSize(), 0);
    });

    it('of batches can be limited in bytes', async () => {
      await test.db.doTransaction((tn) => {
        for (let row = 10; row < 20; row += 1) tn.set(`k${row}`, 'x'.repeat(89));
      });
      const tn = test.db.rawCreateTransaction();
      const sizes: number[] = [];
      for await (const batch of tn.getRangeBatch('k', undefined, { targetBytes: 300 }))
        sizes.push(batch.length);
      assert.deepEqual(sizes, [3, 3, 3, 1]);
    });
  });
}

/** Key selectors: keys by their place among the keys that are there. */
import { assert } from 'chai';
import { keySelector, StreamingMode, subspaceEnd } from 'plinthdb';
import { rowTexts, text } from './bytes.ts';
import { codeOf, fill, type Storage, withDatabase } from './fixture.ts';

export function selectors(storage: Storage): void {
  describe('key selectors', () => {
    const test = withDatabase(storage);

    beforeEach(() => fill(test.db, { b: '1', d: '2', f: '3' }));

    it('getKey finds the key that each kind of selector selects', async () => {
      const tn = test.db.rawCreateTransaction();
      const { lastLessThan, lastLessOrEqual, firstGreaterThan, firstGreaterOrEqual, next, prev, add } =
        keySelector;
      assert.equal(text(await tn.getKey('c')), 'd', 'a plain key is the first key at or after it');
      assert.equal(text(await tn.getKey(firstGreaterOrEqual('d'))), 'd');
      assert.equal(text(await tn.getKey(firstGreaterThan('d'))), 'f');
      assert.equal(text(await tn.getKey(lastLessThan('d'))), 'b');
      assert.equal(text(await tn.getKey(lastLessOrEqual('d'))), 'd');
      assert.equal(text(await tn.getKey(next(firstGreaterOrEqual('b')))), 'd');
      assert.equal(text(await tn.getKey(prev(lastLessThan('f')))), 'b');
      assert.equal(text(await tn.getKey(add(firstGreaterOrEqual('a'), 2))), 'f');
      assert.equal(text(await tn.getKey(keySelector('d', true, 1))), 'f');
    });

    it('getKey off the start is undefined, and off the end the key ff', async () => {
      const tn = test.db.rawCreateTransaction();
      assert.isUndefined(await tn.getKey(keySelector.lastLessThan('b')));
      assert.deepEqual(await tn.getKey(keySelector.firstGreaterThan('f')), Uint8Array.of(0xff));
    });

    it('count own writes, and not what was cleared', async () => {
      const tn = test.db.rawCreateTransaction();
      tn.set('c', 'own');
      tn.clear('d');
      assert.equal(text(await tn.getKey(keySelector.firstGreaterThan('b'))), 'c');
      assert.equal(text(await tn.getKey(keySelector.firstGreaterThan('c'))), 'f');
    });

    it('are the ends of ranges, in both directions', async () => {
      const tn = test.db.rawCreateTransaction();
      const { firstGreaterThan, lastLessOrEqual, firstGreaterOrEqual } = keySelector;
      const after = await tn.getRangeAll(firstGreaterThan('b'), 'z');
      assert.deepEqual(rowTexts(after), [
        ['d', '2'],
        ['f', '3'],
      ]);
      const upToLast = await tn.getRangeAll('a', lastLessOrEqual('f'), { reverse: true });
      assert.deepEqual(rowTexts(upToLast), [
        ['d', '2'],
        ['b', '1'],
      ]);
      const toTheEnd = await tn.getRangeAll(firstGreaterOrEqual('d'), subspaceEnd);
      assert.lengthOf(toTheEnd, 2);
      const below = await tn.getRangeAll(firstGreaterOrEqual('d'));
      assert.lengthOf(below, 1, 'a selector without an end goes on as long as keys begin with its key');
    });

    it('a key that appears before the selected one is a conflict', async () => {
      const tn = test.db.rawCreateTransaction();
      assert.equal(text(await tn.getKey(keySelector.firstGreaterThan('b'))), 'd');
      tn.set('x', 'mine');
      await test.db.set('c', 'theirs');
      assert.equal(await codeOf(() => tn.rawCommit()), 1020);
    });

    it('every streaming mode gives the same rows, and exact needs a limit', async () => {
      const tn = test.db.rawCreateTransaction();
      const expected = rowTexts(await tn.getRangeAll('a', 'z'));
      for (const [name, streamingMode] of Object.entries(StreamingMode)) {
        const rows = await tn.getRangeAll('a', 'z', { streamingMode, limit: 10 });
        assert.deepEqual(rowTexts(rows), expected, name);
      }
      const exact = { streamingMode: StreamingMode.Exact };
      assert.equal(await codeOf(() => tn.getRangeAll('a', 'z', exact)), 2210);
      assert.equal(await codeOf(() => tn.getRangeAll('a', 'z', { streamingMode: 9 })), 2000);
    });
  });
}

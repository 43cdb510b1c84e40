/** The durability option is taken everywhere it can be given; what it does to IndexedDB is a browser test. */
import { assert } from 'chai';
import { END_OF_KEYS, text } from './bytes.ts';
import { type Storage, withDatabase } from './fixture.ts';

export function durabilityOption(storage: Storage): void {
  describe('durability option', () => {
    const test = withDatabase(storage);

    for (const durability of ['strict', 'relaxed'] as const) {
      it(`a database opened as ${durability} commits`, async () => {
        const again = await test.openAgain({ durability });
        await again.set('key', durability);
        assert.equal(text(await test.db.get('key')), durability);
      });

      it(`a ${durability} transaction commits`, async () => {
        await test.db.doTransaction((tn) => tn.set('key', durability), { durability });
        const tn = test.db.rawCreateTransaction({ durability });
        tn.set('raw', durability);
        await tn.rawCommit();
        assert.equal(text(await test.db.get('key')), durability);
        assert.equal(text(await test.db.get('raw')), durability);
      });
    }

    it('strict and relaxed transactions at once all commit', async () => {
      await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          test.db.doTransaction((tn) => tn.set(`key/${index}`, ''), {
            durability: index % 2 === 0 ? 'strict' : 'relaxed',
          }),
        ),
      );
      assert.lengthOf(await test.db.getRangeAll('', END_OF_KEYS), 40);
    });
  });
}

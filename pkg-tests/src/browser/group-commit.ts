/** Commits asked for while one is under way share the next IndexedDB transaction. */
import { assert } from 'chai';
import { openInstrumented, takeWrites } from './instrument.ts';
import { uniqueName, type World, withTabs } from './world.ts';

const COUNT = 1_000;
/** Two would do; the rest is room for other ways to cut the batches. */
const TRANSACTIONS_MAX = 50;

export function groupCommit(world: World): void {
  describe('group commit', () => {
    withTabs(world);

    it(`${COUNT} sets at once take at most ${TRANSACTIONS_MAX} readwrite transactions`, async () => {
      const page = await openInstrumented(world);
      const name = uniqueName();
      const versions = await page.evaluate(
        async ({ name, count }) => {
          const db = await plinth.open(name);
          Object.assign(globalThis, { db });
          await Promise.all(Array.from({ length: count }, (_, index) => db.set(`key/${index}`, `${index}`)));
          return (await db.getRangeAll('key/')).length;
        },
        { name, count: COUNT },
      );
      assert.equal(versions, COUNT);
      const writes = await takeWrites(page);
      assert.isAtLeast(writes.length, 1);
      assert.isAtMost(writes.length, TRANSACTIONS_MAX);
    });
  });
}

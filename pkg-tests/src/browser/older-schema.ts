/**
 * A database of schema 1, as older builds made it: there peers chose the numbers of log records. Opening takes it over:
 * everything is there, and the numbers go on.
 */
import { assert } from 'chai';
import type { Page } from '../support/driver.ts';
import { uniqueName, type World, withTabs } from './world.ts';

/** Makes a database of 30 rows, a record each, and puts what it consists of into one of schema 1. */
function makeOlder(page: Page, name: string): Promise<number[]> {
  return page.evaluate(async (name) => {
    type Rows = [IDBValidKey, unknown][];
    const db = await plinth.open(name);
    for (let row = 0; row < 30; row += 1) await db.set(`row/${row}`, `value ${row}`);
    await db.close();
    const stores = ['meta', 'log', 'pages'];

    async function copyOf(store: IDBObjectStore): Promise<Rows> {
      const keys = tools.request(store.getAllKeys());
      const values = await tools.request(store.getAll());
      return (await keys).map((key, index) => [key, values[index]]);
    }

    const present = await tools.request(indexedDB.open(`plinth:${name}`));
    const transaction = present.transaction(stores);
    const contents = await Promise.all(stores.map((store) => copyOf(transaction.objectStore(store))));
    present.close();
    await tools.request(indexedDB.deleteDatabase(`plinth:${name}`));
    const opening = indexedDB.open(`plinth:${name}`, 1);
    opening.onupgradeneeded = () => {
      for (const [index, name] of stores.entries()) {
        const store = opening.result.createObjectStore(name);
        for (const [key, value] of contents[index] ?? []) store.put(value, key);
      }
    };
    (await tools.request(opening)).close();
    return (contents[1] ?? []).map(([key]) => Number(key));
  }, name);
}

export function olderSchema(world: World): void {
  describe('a database of schema 1', () => {
    const tabs = withTabs(world);

    it('is taken over with all that is in it, and goes on where it ended', async () => {
      const name = uniqueName();
      const [page, other] = (await tabs.openMany(2)) as [Page, Page];
      const before = await makeOlder(page, name);
      assert.lengthOf(before, 30);
      // Both at once: one of them takes it over.
      const opened = [page, other].map((page) => page.evaluate((name) => tools.openHere(name), name));
      await Promise.all(opened);
      for (const tab of [page, other]) {
        const rows = await tab.evaluate(async () => (await db.getRangeAll('row/')).length);
        assert.equal(rows, 30);
        await tab.evaluate(() => tools.increment(db, 'count'));
      }
      const found = await page.evaluate(async () => {
        const { damage } = await db.check();
        return { damage: damage.length, count: await tools.numberAt(db, 'count') };
      });
      assert.deepEqual(found, { damage: 0, count: 2 });
      await page.evaluate(() => db.close());
      await other.evaluate(() => db.close());
      const after = await page.evaluate(
        (name) => tools.withLogStore(name, (log) => tools.request(log.getAllKeys())) as Promise<number[]>,
        name,
      );
      assert.deepEqual(after.slice(0, 30), before);
      assert.isAtLeast(after.length, 32);
      assert.deepEqual(
        after,
        after.map((_, index) => index + 1),
        'no number is left out',
      );
    });

    it('stays as it is when its taking over is interrupted', async () => {
      const name = uniqueName();
      const page = await tabs.open();
      const before = await makeOlder(page, name);
      const version = await page.evaluate(async (name) => {
        const { createObjectStore } = IDBDatabase.prototype;
        IDBDatabase.prototype.createObjectStore = () => {
          throw new DOMException('as the test wants it', 'UnknownError');
        };
        const failure = await plinth.open(name).then(
          () => 'it opened',
          (error: Error) => error.name,
        );
        IDBDatabase.prototype.createObjectStore = createObjectStore;
        const raw = await tools.request(indexedDB.open(`plinth:${name}`));
        raw.close();
        return [failure, raw.version] as const;
      }, name);
      assert.deepEqual(version, ['FDBError', 1]);
      await page.evaluate((name) => tools.openHere(name), name);
      const rows = await page.evaluate(async () => (await db.getRangeAll('row/')).length);
      assert.equal(rows, before.length);
    });
  });
}

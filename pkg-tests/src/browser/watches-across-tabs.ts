/** A watch in one tab, the change in another. */
import { assert } from 'chai';
import type { Page } from '../support/driver.ts';
import { uniqueName, type World, withTabs } from './world.ts';

interface Watching {
  db: Awaited<ReturnType<typeof plinth.open>>;
  watch: { promise: Promise<boolean>; cancel(): void };
}

/** Opens the database and watches `key`; resolves when the watch is armed. */
function arm(page: Page, name: string): Promise<void> {
  return page.evaluate(async (name) => {
    const db = await plinth.open(name);
    Object.assign(globalThis, { db, watch: await db.getAndWatch('key') });
  }, name);
}

/** Waits for the watch, and reads the key then. */
function awaitWatch(page: Page): Promise<[fired: boolean, value: string | undefined]> {
  return page.evaluate(async () => {
    const { db, watch } = globalThis as unknown as Watching;
    const fired = await watch.promise;
    return [fired, tools.text(await db.get('key'))] as [boolean, string | undefined];
  });
}

function change(page: Page, name: string, value: string): Promise<void> {
  return page.evaluate(
    async ({ name, value }) => {
      const db = await plinth.open(name);
      await db.set('key', value);
    },
    { name, value },
  );
}

export function watchesAcrossTabs(world: World): void {
  describe('a watch across tabs', () => {
    const tabs = withTabs(world);

    it('fires in a second tab, where the new value is then readable', async () => {
      const name = uniqueName();
      const [watcher, writer] = (await tabs.openMany(2)) as [Page, Page];
      await arm(watcher, name);
      const fired = awaitWatch(watcher);
      await change(writer, name, 'new');
      assert.deepEqual(await fired, [true, 'new']);
    });

    it('fires in every tab that watches', async () => {
      const name = uniqueName();
      const [writer, ...watchers] = (await tabs.openMany(4)) as [Page, ...Page[]];
      await Promise.all(watchers.map((page) => arm(page, name)));
      const fired = watchers.map(awaitWatch);
      await change(writer, name, 'new');
      assert.deepEqual(await Promise.all(fired), new Array(3).fill([true, 'new']));
    });

    it('fires for a change too large for a message', async () => {
      const name = uniqueName();
      const [watcher, writer] = (await tabs.openMany(2)) as [Page, Page];
      await arm(watcher, name);
      const fired = awaitWatch(watcher);
      await writer.evaluate(async (name) => {
        const db = await plinth.open(name);
        await db.doTransaction((tn) => {
          for (let row = 0; row < 20; row += 1) tn.set(`large/${row}`, new Uint8Array(100_000).fill(row));
          tn.set('key', 'new');
        });
      }, name);
      assert.deepEqual(await fired, [true, 'new']);
    });

    it('survives the end of the tab that made the change', async () => {
      const name = uniqueName();
      const [watcher, writer] = (await tabs.openMany(2)) as [Page, Page];
      await arm(watcher, name);
      await change(writer, name, 'new');
      await writer.close();
      assert.deepEqual(await awaitWatch(watcher), [true, 'new']);
    });

    it('resolves with false when it is cancelled, and stays so when the key changes', async () => {
      const name = uniqueName();
      const [watcher, writer] = (await tabs.openMany(2)) as [Page, Page];
      await arm(watcher, name);
      await watcher.evaluate(() => (globalThis as unknown as Watching).watch.cancel());
      await change(writer, name, 'new');
      assert.deepEqual(await awaitWatch(watcher), [false, 'new']);
    });

    it('does not fire for other keys, nor for the same value', async () => {
      const name = uniqueName();
      const [watcher, writer] = (await tabs.openMany(2)) as [Page, Page];
      await change(writer, name, 'old');
      await arm(watcher, name);
      await watcher.evaluate(async () => {
        const { db } = globalThis as unknown as Watching;
        Object.assign(globalThis, { sentinel: await db.getAndWatch('sentinel') });
      });
      const sentinel = watcher.evaluate(
        () => (globalThis as unknown as { sentinel: Watching['watch'] }).sentinel.promise,
      );
      await writer.evaluate(async (name) => {
        const db = await plinth.open(name);
        await db.set('key', 'old');
        await db.set('other', 'new');
        await db.set('sentinel', 'new');
      }, name);
      assert.isTrue(await sentinel);
      const state = await watcher.evaluate(() =>
        Promise.race([(globalThis as unknown as Watching).watch.promise, Promise.resolve('pending')]),
      );
      assert.equal(state, 'pending');
    });
  });
}

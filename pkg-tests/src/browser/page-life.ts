/**
 * What a browser does to pages: hides them, puts them into the back-forward cache and brings them back; and what other
 * tabs do to a database that is open: they delete it, or hold it while it is to be deleted.
 */
import { assert } from 'chai';
import { Chromium } from '../support/chromium.ts';
import type { Page } from '../support/driver.ts';
import { withProfile } from '../support/profile.ts';
import { leaveOut, uniqueName, type World, withTabs } from './world.ts';

interface Watching {
  watch: { promise: Promise<boolean> };
  fired: boolean;
}

/** Runs `body` in a browser whose tabs are hidden and cached as a user's are. */
async function withUsersBrowser(body: (browser: Chromium) => Promise<void>): Promise<void> {
  await withProfile(async (profile) => {
    const browser = await Chromium.launchUnemulated(profile);
    try {
      await body(browser);
      assert.deepEqual(browser.problems, [], 'errors in the pages');
    } finally {
      await browser.close();
    }
  });
}

function textAt(page: Page, key: string): Promise<string | undefined> {
  return page.evaluate(async (key) => tools.text(await db.get(key)), key);
}

/** Has the page open the database, and watch the `x` that it sets. */
function openAndWatch(page: Page, name: string): Promise<void> {
  return page.evaluate(async (name) => {
    await tools.openHere(name);
    await db.set('x', 'old');
    const watch = await db.getAndWatch('x');
    Object.assign(globalThis, { outcome: watch.promise.then(String, (error) => error.code) });
  }, name);
}

/** What became of that watch: what it told, or the code of its failure. */
function watchOutcome(page: Page): Promise<unknown> {
  return page.evaluate(() => {
    const { outcome } = globalThis as unknown as { outcome: Promise<unknown> };
    return Promise.race([outcome, tools.sleep(5_000)]);
  });
}

/** What becomes of a read and of a write there, or the codes of their failures. */
function useOutcomes(page: Page): Promise<unknown[]> {
  return page.evaluate(async () => {
    const codeOf = (error: { code: number }) => error.code;
    return [await db.get('x').then(String, codeOf), await db.set('x', 'new').then(String, codeOf)];
  });
}

/** The modes of the Web Locks that somebody holds on this database: of the lock, then of each who says to be there. */
function heldLocks(page: Page, name: string): Promise<(string | undefined)[]> {
  return page.evaluate(async (name) => {
    const { held } = await navigator.locks.query();
    const modes = (lockName: string) =>
      (held ?? []).filter((lock) => lock.name === lockName).map(({ mode }) => mode);
    return [...modes(`plinth:${name}`), ...modes(`present:plinth:${name}`)];
  }, name);
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) assert.fail(`${what}: not within 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function pageLife(world: World): void {
  describe('the life of a page', () => {
    if (world.browser instanceof Chromium) putAway(world);
    else leaveOut(world, 'a page hidden, and in the back-forward cache', 'DevTools are asked to do that');

    describe('with a database that another tab deletes', () => {
      const tabs = withTabs(world);

      it('lets go of it, ends its watches, says so, and can open it anew', async () => {
        const name = uniqueName();
        const [page, other] = (await tabs.openMany(2)) as [Page, Page];
        await openAndWatch(page, name);
        await other.evaluate((name) => plinth.deleteDatabase(name), name);
        assert.deepEqual([...(await useOutcomes(page)), await watchOutcome(page)], [1511, 1511, 1511]);
        for (const again of [other, page]) {
          await again.evaluate((name) => tools.openHere(name), name);
          assert.isUndefined(await textAt(again, 'x'));
          await again.evaluate(() => tools.increment(db, 'count'));
        }
        assert.equal(await textAt(page, 'count'), '2');
      }).timeout(40_000);
    });

    describe('with a database that somebody else keeps, deletes or upgrades', () => {
      const tabs = withTabs(world);

      it('a deletion that is held up fails with 1004, as does an opening behind it, and is done in the end', async () => {
        const name = uniqueName();
        const [holder, deleter, newcomer] = (await tabs.openMany(3)) as [Page, Page, Page];
        await deleter.evaluate(async (name) => {
          await tools.openHere(name);
          await db.set('x', 'old');
          await db.close();
        }, name);
        // It does not close when it is asked to.
        await holder.evaluate(async (name) => {
          Object.assign(globalThis, { raw: await tools.request(indexedDB.open(`plinth:${name}`)) });
        }, name);
        const deleting = deleter.evaluate(outcomeOf, { name, verb: 'delete' } as const);
        // The deletion is in the queue before.
        await new Promise((resolve) => setTimeout(resolve, 300));
        const opening = newcomer.evaluate(outcomeOf, { name, verb: 'open' } as const);
        for (const { code, message, ms } of await Promise.all([deleting, opening])) {
          assert.equal(code, 1004, message);
          assert.include(message, 'does not; close that tab');
          assert.isBelow(ms, 20_000);
        }
        await holder.evaluate(() => (globalThis as unknown as { raw: IDBDatabase }).raw.close());
        await newcomer.evaluate((name) => tools.openHere(name), name);
        assert.isUndefined(await textAt(newcomer, 'x'));
        await newcomer.evaluate(() => db.close());
        const { code } = await deleter.evaluate(outcomeOf, { name, verb: 'delete' } as const);
        assert.isUndefined(code, 'a connection that came late was left open');
      }).timeout(60_000);

      it('makes room for an upgrade, and fails with 2100 from then on', async () => {
        const name = uniqueName();
        const [page, other] = (await tabs.openMany(2)) as [Page, Page];
        await openAndWatch(page, name);
        const upgradeMs = await other.evaluate(async (name) => {
          const begunAt = performance.now();
          const opening = indexedDB.open(`plinth:${name}`, 1_000);
          opening.onupgradeneeded = () => opening.result.createObjectStore('of the future');
          (await tools.request(opening)).close();
          return performance.now() - begunAt;
        }, name);
        assert.isBelow(upgradeMs, 4_000);
        assert.deepEqual([await watchOutcome(page), ...(await useOutcomes(page))], [2100, 2100, 2100]);
        const again = await other.evaluate(outcomeOf, { name, verb: 'open' } as const);
        assert.equal(again.code, 2100);
        assert.include(again.message, 'newer version of plinthdb');
      }).timeout(40_000);

      it('comes back when the upgrade is given up', async () => {
        const name = uniqueName();
        const [page, other] = (await tabs.openMany(2)) as [Page, Page];
        await openAndWatch(page, name);
        const failure = await other.evaluate(async (name) => {
          const opening = indexedDB.open(`plinth:${name}`, 1_000);
          opening.onupgradeneeded = () => opening.transaction?.abort();
          return tools.request(opening).then(
            () => 'upgraded',
            (error: DOMException) => error.name,
          );
        }, name);
        assert.equal(failure, 'AbortError');
        assert.equal(await textAt(page, 'x'), 'old');
        await page.evaluate(() => tools.increment(db, 'count'));
        await other.evaluate((name) => tools.openHere(name), name);
        await other.evaluate(async () => {
          await tools.increment(db, 'count');
          await db.set('x', 'new');
        });
        assert.equal(await textAt(page, 'count'), '2');
        assert.equal(await watchOutcome(page), 'true');
      }).timeout(40_000);

      it('is left alone when the one beside it is deleted', async () => {
        const [kept, deleted] = [uniqueName(), uniqueName()];
        const [page, other] = (await tabs.openMany(2)) as [Page, Page];
        await page.evaluate(
          async ({ kept, deleted }) => {
            const beside = await plinth.open(deleted);
            await tools.openHere(kept);
            await Promise.all([db.set('x', 'kept'), beside.set('x', 'deleted')]);
            Object.assign(globalThis, { beside });
          },
          { kept, deleted },
        );
        await other.evaluate((name) => plinth.deleteDatabase(name), deleted);
        assert.equal(await textAt(page, 'x'), 'kept');
        await page.evaluate(() => tools.increment(db, 'count'));
        await other.evaluate((name) => tools.openHere(name), kept);
        assert.equal(await textAt(other, 'count'), '1');
      }).timeout(40_000);
    });
  });
}

/** In the page: opens or deletes the database, and tells how that ended. */
async function outcomeOf({
  name,
  verb,
}: {
  name: string;
  verb: 'open' | 'delete';
}): Promise<{ code: number | undefined; message: string; ms: number }> {
  const begunAt = performance.now();
  const failure = await (verb === 'open' ? plinth.open(name) : plinth.deleteDatabase(name)).then(
    () => ({ code: undefined, message: 'done' }),
    ({ code, message }: { code: number; message: string }) => ({ code, message }),
  );
  return { ...failure, ms: performance.now() - begunAt };
}

function putAway(world: World): void {
  it('whose data the browser clears: it writes nothing into the database that is there then', async () => {
    await withUsersBrowser(async (browser) => {
      const name = uniqueName();
      const page = await browser.newPage();
      const other = await browser.newPage();
      await Promise.all([page, other].map((each) => each.goto(world.toolsPage)));
      await page.evaluate(async (name) => {
        await tools.openHere(name);
        for (const row of ['a', 'b', 'c']) await db.set(row, 'old');
      }, name);
      const session = await other.devTools();
      const { origin } = new URL(world.toolsPage);
      await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' });
      // As many records as before: the next number is the one that the page expects. Nobody tells it.
      const keys = await other.evaluate(async (name) => {
        BroadcastChannel.prototype.postMessage = () => {};
        await tools.openHere(name);
        for (const row of ['d', 'e', 'f']) await db.set(row, 'new');
        return tools.withLogStore(name, (log) => tools.request(log.getAllKeys()));
      }, name);
      assert.deepEqual(keys, [1, 2, 3]);
      const code = await page.evaluate(() =>
        db.set('mine', 'lost').then(String, (error: { code: number }) => error.code),
      );
      assert.equal(code, 1511);
      const rows = await other.evaluate(async () => (await db.getRangeAll('')).length);
      assert.equal(rows, 3);
    });
  }).timeout(40_000);

  it('hidden: it commits, shares the lock, and on its return has what it missed', async () => {
    await withUsersBrowser(async (browser) => {
      const name = uniqueName();
      // Tabs of one window: the one in front hides the others.
      const page = await browser.newTab();
      await page.goto(world.toolsPage);
      await page.evaluate((name) => tools.openHere(name), name);
      await until(async () => (await heldLocks(page, name)).join() === 'exclusive,shared', 'alone');
      const front = await browser.newTab();
      await front.goto(world.toolsPage);
      await front.bringToFront();
      await until(() => page.evaluate(() => document.visibilityState === 'hidden'), 'hidden');
      await until(async () => (await heldLocks(front, name)).join() === 'shared,shared', 'shared');

      await page.evaluate(() => db.set('x', 'hidden'));
      await front.evaluate((name) => tools.openHere(name), name);
      assert.equal(await textAt(front, 'x'), 'hidden');
      await page.evaluate(async () => {
        const watch = await db.getAndWatch('x');
        Object.assign(globalThis, { watch, fired: false });
        void watch.promise.then((fired) => Object.assign(globalThis, { fired }));
      });
      await front.evaluate(() => db.set('x', 'new'));
      await page.bringToFront();
      await until(() => page.evaluate(() => document.visibilityState === 'visible'), 'visible');
      assert.equal(await textAt(page, 'x'), 'new');
      await until(() => page.evaluate(() => (globalThis as unknown as Watching).fired), 'the watch');
    });
  }).timeout(60_000);

  it('in the back-forward cache: it holds no lock, and on its return has what it missed', async () => {
    await withUsersBrowser(async (browser) => {
      const name = uniqueName();
      const page = await browser.newPage();
      const other = await browser.newPage();
      await Promise.all([page, other].map((each) => each.goto(world.toolsPage)));
      await page.evaluate(async (name) => {
        await tools.openHere(name);
        await db.set('x', 'old');
        const watch = await db.getAndWatch('x');
        Object.assign(globalThis, { watch, fired: false, shown: [] });
        void watch.promise.then((fired) => Object.assign(globalThis, { fired }));
        addEventListener('pageshow', ({ persisted }) => {
          Object.assign(globalThis, { isRestored: persisted });
        });
        // What a page writes on its way out is written on its return, if not before.
        addEventListener('pagehide', () => void db.set('farewell', 'said'));
      }, name);
      const session = await page.devTools();
      const away = world.server.serveText('/away.html', '<!doctype html><title>away</title>');
      await session.send('Page.navigate', { url: away });
      await until(async () => page.raw.url() === away, 'away');
      await until(async () => (await heldLocks(other, name)).length === 0, 'the locks given back');

      const acknowledgedMs = await other.evaluate(async (name) => {
        const begunAt = performance.now();
        await tools.openHere(name);
        await db.set('x', 'new');
        const ms = performance.now() - begunAt;
        // A page for which there is a message is thrown out of the cache.
        const channel = new BroadcastChannel(`plinth:${name}`);
        channel.postMessage('hello');
        channel.close();
        return ms;
      }, name);
      assert.isBelow(acknowledgedMs, 4_000, 'a page in the cache blocks another one');

      // Playwright waits for a load event, of which a page from the cache has none.
      await session.send('Runtime.evaluate', { expression: 'history.back()' });
      await until(async () => {
        const { result } = await session.send('Runtime.evaluate', { expression: 'globalThis.isRestored' });
        return result.value === true;
      }, 'restored from the cache');
      const { result } = await session.send('Runtime.evaluate', {
        expression: `db.get('x').then((value) => tools.text(value))`,
        awaitPromise: true,
      });
      assert.equal(result.value, 'new');
      await until(async () => {
        const { result } = await session.send('Runtime.evaluate', { expression: 'fired' });
        return result.value === true;
      }, 'the watch');
      await until(async () => (await textAt(other, 'farewell')) === 'said', 'the farewell');
    });
  }).timeout(60_000);
}

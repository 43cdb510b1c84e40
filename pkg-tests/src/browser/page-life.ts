/**
 * What a browser does to pages: hides them, puts them into the back-forward cache and brings them back; and what other
 * tabs do to a database that is open: they delete it, or hold it while it is to be deleted.
 */
import { assert } from 'chai';
import type { Page } from 'playwright-core';
import { Browser, withProfile } from '../support/browser.ts';
import { uniqueName, type World, withTabs } from './world.ts';

interface Watching {
  watch: { promise: Promise<boolean> };
  fired: boolean;
}

/** Runs `body` in a browser whose tabs are hidden and cached as a user's are. */
async function withUsersBrowser(body: (browser: Browser) => Promise<void>): Promise<void> {
  await withProfile(async (profile) => {
    const browser = await Browser.launchUnemulated(profile);
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

/** The Web Locks that somebody holds on this database. */
function heldLocks(page: Page, name: string): Promise<(string | undefined)[]> {
  return page.evaluate(async (name) => {
    const { held } = await navigator.locks.query();
    return (held ?? []).filter((lock) => lock.name === `plinth:${name}`).map(({ mode }) => mode);
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
    it('hidden: it commits, shares the lock, and on its return has what it missed', async () => {
      await withUsersBrowser(async (browser) => {
        const name = uniqueName();
        // Tabs of one window: the one in front hides the others.
        const page = await browser.openPage(world.toolsPage);
        await page.evaluate((name) => tools.openHere(name), name);
        await until(async () => (await heldLocks(page, name)).join() === 'exclusive', 'alone');
        const front = await browser.openPage(world.toolsPage);
        await front.bringToFront();
        await until(() => page.evaluate(() => document.visibilityState === 'hidden'), 'hidden');
        await until(async () => (await heldLocks(front, name)).join() === 'shared', 'shared');

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
        const page = await browser.openWindow(world.toolsPage);
        const other = await browser.openWindow(world.toolsPage);
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
        const session = await browser.context.newCDPSession(page);
        const away = world.server.serveText('/away.html', '<!doctype html><title>away</title>');
        await session.send('Page.navigate', { url: away });
        await until(async () => page.url() === away, 'away');
        await until(async () => (await heldLocks(other, name)).length === 0, 'the lock given back');

        const acknowledgedMs = await other.evaluate(async (name) => {
          const begunAt = performance.now();
          await tools.openHere(name);
          await db.set('x', 'new');
          return performance.now() - begunAt;
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

    describe('with a database that another tab deletes', () => {
      const tabs = withTabs(world);

      it('lets go of it, ends its watches, says so, and can open it anew', async () => {
        const name = uniqueName();
        const [page, other] = (await tabs.openMany(2)) as [Page, Page];
        await page.evaluate(async (name) => {
          await tools.openHere(name);
          await db.set('x', 'old');
          const watch = await db.getAndWatch('x');
          Object.assign(globalThis, { outcome: watch.promise.then(String, (error) => error.code) });
        }, name);
        await other.evaluate((name) => plinth.deleteDatabase(name), name);
        const failures = await page.evaluate(async () => {
          const codeOf = (error: { code: number }) => error.code;
          const reading = await db.get('x').then(() => 'read', codeOf);
          const writing = await db.set('x', 'new').then(() => 'written', codeOf);
          const { outcome } = globalThis as unknown as { outcome: Promise<unknown> };
          const watching = await Promise.race([outcome, tools.sleep(5_000)]);
          return [reading, writing, watching, plinth.errorCodes.file_not_found];
        });
        const fileNotFound = failures.pop();
        assert.deepEqual(failures, [fileNotFound, fileNotFound, fileNotFound]);
        for (const again of [other, page]) {
          await again.evaluate((name) => tools.openHere(name), name);
          assert.isUndefined(await textAt(again, 'x'));
          await again.evaluate(() => tools.increment(db, 'count'));
        }
        assert.equal(await textAt(page, 'count'), '2');
      }).timeout(40_000);
    });
  });
}

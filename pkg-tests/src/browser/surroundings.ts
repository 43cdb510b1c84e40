/** What there is around the engine: what is missing, room on the disk, and databases in memory instead. */
import { assert } from 'chai';
import { errorCodes } from 'plinthdb';
import type { Page } from '../support/driver.ts';
import { uniqueName, type World, withTabs } from './world.ts';

/** A browser that refuses storage to the site. */
function refuseStorage(): void {
  const refuse = () => {
    throw new DOMException('The operation is insecure.', 'SecurityError');
  };
  IDBFactory.prototype.open = refuse;
  IDBFactory.prototype.databases = refuse;
}

export function surroundings(world: World): void {
  describe('the surroundings', () => {
    const tabs = withTabs(world);

    /** A page in which `script` runs before anything else. */
    async function changed(script: () => void): Promise<Page> {
      const page = await tabs.open('about:blank');
      await page.addInitScript(script);
      await page.goto(world.toolsPage);
      return page;
    }

    /** What `supported` says is missing. */
    function missing(page: Page): Promise<{ isSupported: boolean; names: string[]; reasons: string }> {
      return page.evaluate(async () => {
        const { isSupported, missing } = await plinth.supported();
        return {
          isSupported,
          names: missing.map(({ name }) => name),
          reasons: missing.map(({ why }) => why).join(),
        };
      });
    }

    it('are all there', async () => {
      const page = await tabs.open();
      assert.deepEqual(await missing(page), { isSupported: true, names: [], reasons: '' });
    });

    it('lack what the browser refuses, and the remedy is named', async () => {
      const page = await changed(refuseStorage);
      const found = await missing(page);
      assert.deepEqual([found.isSupported, found.names], [false, ['IndexedDB']]);
      assert.match(found.reasons, /fallback: 'memory'/);
    });

    it('need no Web Locks and no BroadcastChannel', async () => {
      const page = await changed(() => {
        Object.defineProperty(navigator, 'locks', { value: undefined });
        Object.defineProperty(globalThis, 'BroadcastChannel', { value: undefined });
      });
      const found = await missing(page);
      assert.deepEqual([found.isSupported, found.names], [true, ['Web Locks', 'BroadcastChannel']]);
    });

    it('lack WebAssembly where the policy of the page forbids it', async () => {
      const html = '<!doctype html><title>policy</title><script type="module" src="/policy.js"></script>';
      const headers = { 'content-security-policy': "script-src 'self'" };
      world.server.serveText(
        '/policy.js',
        `import { supported } from '/plinthdb/dist/index.js';
        document.title = JSON.stringify((await supported()).missing.map(({ name }) => name));`,
      );
      const page = await tabs.open(world.server.serveText('/policy.html', html, headers));
      const title = await page.evaluate(async () => {
        while (!document.title.startsWith('[')) await new Promise((resolve) => setTimeout(resolve, 20));
        return document.title;
      });
      assert.equal(title, '["WebAssembly"]');
      // The browser reports what the policy forbade, which is what was asked.
      world.browser.problems.splice(0);
    });

    it('give way to a database in memory, if it is asked for', async () => {
      const page = await changed(refuseStorage);
      const found = await page.evaluate(async (name) => {
        const refused = await plinth.open(name).catch((error: { code: number }) => error.code);
        const db = await plinth.open(name, { fallback: 'memory' });
        await db.set('hello', 'world');
        const { storage, fallbackCause, name: given } = db;
        const value = new TextDecoder().decode(await db.get('hello'));
        return { refused, storage, cause: fallbackCause?.code, given, value };
      }, 'fallback');
      const { io_error } = errorCodes;
      assert.deepEqual(found, {
        refused: io_error,
        storage: 'memory',
        cause: io_error,
        given: 'fallback',
        value: 'world',
      });
    });

    it('are used where they are there, also with a fallback', async () => {
      const page = await tabs.open();
      const found = await page.evaluate(async (name) => {
        const { storage, fallbackCause } = await plinth.open(name, { fallback: 'memory' });
        return { storage, hasCause: fallbackCause !== undefined };
      }, uniqueName());
      assert.deepEqual(found, { storage: 'indexeddb', hasCause: false });
    });

    it('tell how much room there is, and whether it is kept', async () => {
      const page = await tabs.open();
      const found = await page.evaluate(async (name) => {
        const db = await plinth.open(name);
        await db.set(
          'large',
          new Uint8Array(90_000).map(() => Math.random() * 256),
        );
        // The browser brings its estimate up to date when it likes.
        let space = await plinth.storageEstimate();
        for (let look = 0; look < 100 && (space?.usageBytes ?? 0) < 50_000; look += 1) {
          await new Promise((resolve) => setTimeout(resolve, 100));
          space = await plinth.storageEstimate();
        }
        const isKept = await plinth.persist();
        // The browser may have granted it just now.
        return { space, isKept, isPersistent: (await plinth.storageEstimate())?.isPersistent };
      }, uniqueName());
      assert.isAbove(found.space?.usageBytes ?? 0, 50_000);
      assert.isAbove(found.space?.quotaBytes ?? 0, found.space?.usageBytes ?? 0);
      assert.equal(found.isPersistent, found.isKept);
    }).timeout(20_000);

    it('migrate a database once, from many tabs of which one is closed in the middle', async () => {
      const name = uniqueName();
      const pages = await tabs.openMany(4);
      const migrating = pages.map((page, index) =>
        page
          .evaluate(
            async ([database, tab]) => {
              const db = await plinth.open(database);
              if (tab === 0) {
                await db.doTransaction((tn) => {
                  for (let row = 0; row < 400; row++) tn.set(`old/${String(row).padStart(3, '0')}`, 'x');
                });
              } else {
                while ((await db.get('old/000')) === undefined && (await db.get('moved')) === undefined) {}
              }
              await plinth.migrate(db, [
                {
                  async batch(tn, at) {
                    const rows = await tn.getRangeAll(typeof at === 'string' ? at : 'old/', 'old0', {
                      limit: 10,
                    });
                    for (const [key] of rows) {
                      tn.clear(key);
                      tn.add('moved', new Uint8Array([1, 0, 0, 0]));
                    }
                    return rows.length < 10 ? undefined : 'old/';
                  },
                },
              ]);
              return [...((await db.get('moved')) ?? [])];
            },
            [name, index] as const,
          )
          .catch(() => 'closed'),
      );
      await pages[1]?.evaluate(async (database) => {
        const db = await plinth.open(database);
        while ((await db.get('moved')) === undefined) {}
      }, name);
      await pages[2]?.close();
      const results = await Promise.all(migrating);
      const moved = [400 % 256, 400 >> 8, 0, 0];
      for (const index of [0, 1, 3]) assert.deepEqual(results[index], moved);
    }).timeout(60_000);
  });
}

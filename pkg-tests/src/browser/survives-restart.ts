/** What was committed is there after a reload, in a new tab, and after the browser was closed and started again. */
import { assert } from 'chai';
import { openPage, type Page } from '../support/driver.ts';
import { withProfile } from '../support/profile.ts';
import { uniqueName, type World, withTabs } from './world.ts';

const ROWS = 500;

/** Commits `ROWS` rows in several transactions, and removes some of them again. */
function write(page: Page, name: string): Promise<void> {
  return page.evaluate(
    async ({ name, rows }) => {
      const db = await plinth.open(name);
      await Promise.all(
        Array.from({ length: rows }, (_, index) => db.set(tools.numbered('row/', index), `value ${index}`)),
      );
      await db.clearRange(tools.numbered('row/', 100), tools.numbered('row/', 200));
    },
    { name, rows: ROWS },
  );
}

async function assertEverythingIsThere(page: Page, name: string): Promise<void> {
  const rows = await page.evaluate(async (name) => {
    const db = await plinth.open(name);
    const found = await db.getRangeAll('row/');
    await db.close();
    return found.map(([key, value]) => `${tools.text(key)} = ${tools.text(value)}`);
  }, name);
  const expected = Array.from(
    { length: ROWS },
    (_, index) => `row/${String(index).padStart(5, '0')} = value ${index}`,
  );
  expected.splice(100, 100);
  assert.deepEqual(rows, expected);
}

export function survivesRestart(world: World): void {
  describe('commits survive', () => {
    const tabs = withTabs(world);

    it('a reload of the page', async () => {
      const name = uniqueName();
      const page = await tabs.open();
      await write(page, name);
      await page.reload();
      await assertEverythingIsThere(page, name);
    });

    it('the end of their tab', async () => {
      const name = uniqueName();
      const page = await tabs.open();
      await write(page, name);
      await page.close();
      await assertEverythingIsThere(await tabs.open(), name);
    });

    it('the end of the browser', async () => {
      const name = uniqueName();
      await withProfile(async (profile) => {
        for (const visit of ['write', 'read', 'read again']) {
          const browser = await world.launcher.launch(profile);
          try {
            const page = await openPage(browser, world.toolsPage);
            if (visit === 'write') await write(page, name);
            else await assertEverythingIsThere(page, name);
            assert.deepEqual(browser.problems, []);
          } finally {
            await browser.close();
          }
        }
      });
    });

    it('while several databases of one page stay apart', async () => {
      const page = await tabs.open();
      const names = [uniqueName(), uniqueName(), uniqueName()];
      await page.evaluate(async (names) => {
        for (const name of names) await (await plinth.open(name)).set('name', name);
      }, names);
      await page.reload();
      const found = await page.evaluate(
        (names) =>
          Promise.all(names.map(async (name) => tools.text(await (await plinth.open(name)).get('name')))),
        names,
      );
      assert.deepEqual(found, names);
    });
  });
}

/** `x += 1`, at once, from everywhere: every one counts. This history loses updates in other IndexedDB stores. */
import { assert } from 'chai';
import type { Page } from '../support/driver.ts';
import { uniqueName, type World, withTabs } from './world.ts';

function incrementAtOnce(page: Page, name: string, times: number): Promise<void> {
  return page.evaluate(
    async ({ name, times }) => {
      const db = await plinth.open(name);
      await Promise.all(Array.from({ length: times }, () => tools.increment(db, 'x')));
    },
    { name, times },
  );
}

function incrementInTurn(page: Page, name: string, times: number): Promise<void> {
  return page.evaluate(
    async ({ name, times }) => {
      const db = await plinth.open(name);
      for (let done = 0; done < times; done += 1) await tools.increment(db, 'x');
    },
    { name, times },
  );
}

async function assertX(page: Page, name: string, expected: number): Promise<void> {
  const found = await page.evaluate(async (name) => tools.numberAt(await plinth.open(name), 'x'), name);
  assert.equal(found, expected);
}

export function lostUpdates(world: World): void {
  describe('concurrent x += 1 transactions never lose an update', () => {
    const tabs = withTabs(world);

    it('three hundred at once in one page', async () => {
      const name = uniqueName();
      const page = await tabs.open();
      await incrementAtOnce(page, name, 300);
      await assertX(page, name, 300);
    }).timeout(60_000);

    it('through several handles of one page', async () => {
      const name = uniqueName();
      const page = await tabs.open();
      await Promise.all(Array.from({ length: 4 }, () => incrementAtOnce(page, name, 30)));
      await assertX(page, name, 120);
    }).timeout(60_000);

    for (const count of [2, 4]) {
      it(`in ${count} tabs, each many at once`, async () => {
        const name = uniqueName();
        const pages = await tabs.openMany(count);
        await Promise.all(pages.map((page) => incrementAtOnce(page, name, 50)));
        for (const page of pages) await assertX(page, name, 50 * count);
      }).timeout(60_000);

      it(`in ${count} tabs, each one after the other`, async () => {
        const name = uniqueName();
        const pages = await tabs.openMany(count);
        await Promise.all(pages.map((page) => incrementInTurn(page, name, 50)));
        for (const page of pages) await assertX(page, name, 50 * count);
      }).timeout(60_000);
    }

    it('in a tab that opened the database long before another one wrote', async () => {
      const name = uniqueName();
      const [early, late] = await tabs.openMany(2);
      assert.isDefined(early);
      assert.isDefined(late);
      await early?.evaluate(async (name) => {
        const db = await plinth.open(name);
        await tools.increment(db, 'x');
        Object.assign(globalThis, { early: db });
      }, name);
      await incrementInTurn(late as Page, name, 10);
      await early?.evaluate(() => tools.increment((globalThis as unknown as { early: Database }).early, 'x'));
      await assertX(late as Page, name, 12);
    });
  });
}

type Database = Awaited<ReturnType<typeof plinth.open>>;

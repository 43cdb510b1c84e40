/**
 * Messages between tabs are hints: with none of them arriving, no update is lost and no read is stale.
 */
import { assert } from 'chai';
import type { Page } from 'playwright-core';
import { uniqueName, type World, withTabs } from './world.ts';

interface Opened {
  db: Awaited<ReturnType<typeof plinth.open>>;
}

/** A tab whose broadcasts go nowhere. */
async function openDeaf(world: World, name: string): Promise<Page> {
  const page = await world.browser.context.newPage();
  await page.addInitScript(() => {
    BroadcastChannel.prototype.postMessage = () => {};
  });
  await page.goto(world.toolsPage, { waitUntil: 'load' });
  await page.evaluate(async (name) => {
    Object.assign(globalThis, { db: await plinth.open(name) });
  }, name);
  return page;
}

export function lostMessages(world: World): void {
  describe('tabs that hear nothing of each other', () => {
    withTabs(world);

    it('lose no update', async () => {
      const name = uniqueName();
      const pages = await Promise.all([openDeaf(world, name), openDeaf(world, name)]);
      await Promise.all(
        pages.map((page) =>
          page.evaluate(async () => {
            const { db } = globalThis as unknown as Opened;
            for (let done = 0; done < 40; done += 1) await tools.increment(db, 'x');
          }),
        ),
      );
      for (const page of pages) {
        const found = await page.evaluate(() => tools.numberAt((globalThis as unknown as Opened).db, 'x'));
        assert.equal(found, 80);
      }
    }).timeout(40_000);

    it('read what was acknowledged before', async () => {
      const name = uniqueName();
      const pages = (await Promise.all([openDeaf(world, name), openDeaf(world, name)])) as [Page, Page];
      for (let round = 1; round <= 20; round += 1) {
        const [writer, reader] = round % 2 === 0 ? pages : [pages[1], pages[0]];
        await writer.evaluate((value) => (globalThis as unknown as Opened).db.set('x', value), `${round}`);
        const seen = await reader.evaluate(async () =>
          tools.text(await (globalThis as unknown as Opened).db.get('x')),
        );
        assert.equal(seen, `${round}`);
      }
    });
  });
}

/**
 * Messages between tabs are hints: with none of them arriving, no update is lost and no read is stale.
 */
import { assert } from 'chai';
import type { Page } from '../support/driver.ts';
import { openSilent } from './silent-tab.ts';
import { uniqueName, type World, withTabs } from './world.ts';

/** The aim is a second; the rest is for machines that do much else. */
const WATCH_MS_MAX = 3_000;

interface Opened {
  db: Awaited<ReturnType<typeof plinth.open>>;
}

/** A tab whose broadcasts go nowhere. */
async function openDeaf(world: World, name: string): Promise<Page> {
  const page = await openSilent(world);
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

    it('have their watches fire all the same, within about a second', async () => {
      const name = uniqueName();
      const pages = (await Promise.all([openDeaf(world, name), openDeaf(world, name)])) as [Page, Page];
      const waits: number[] = [];
      for (let round = 1; round <= 4; round += 1) {
        const [writer, watcher] = round % 2 === 0 ? pages : [pages[1], pages[0]];
        await watcher.evaluate(async () => {
          const { db } = globalThis as unknown as Opened;
          const watch = await db.getAndWatch('x');
          Object.assign(globalThis, { fired: watch.promise.then(() => Date.now()) });
        });
        const writtenAt = await writer.evaluate(async (value) => {
          await (globalThis as unknown as Opened).db.set('x', value);
          return Date.now();
        }, `${round}`);
        const firedAt = await watcher.evaluate(
          () => (globalThis as unknown as { fired: Promise<number> }).fired,
        );
        waits.push(firedAt - writtenAt);
      }
      console.log(`      after ${waits.join(', ')} ms`);
      assert.isBelow(Math.max(...waits), WATCH_MS_MAX);
    }).timeout(60_000);
  });
}

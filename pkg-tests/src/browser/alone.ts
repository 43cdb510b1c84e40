/**
 * A peer that is alone reads from memory: no IndexedDB transaction for its read versions. One that is not asks IndexedDB
 * for each, whatever kind of peer the other is.
 */
import { assert } from 'chai';
import type { Page } from '../support/driver.ts';
import { packageEntry } from '../support/paths.ts';
import { openInstrumented, takeReads } from './instrument.ts';
import { uniqueName, type World, withTabs } from './world.ts';

const READS = 40;
/** Longer than a lease in sum. */
const PAUSE_MS = 40;
/** On a machine so busy that a lease runs out unnoticed, a read may ask once. */
const ASKING_MAX = 4;

/** How many readonly transactions `READS` transactions, one after the other, take. */
async function countReads(page: Page): Promise<number> {
  await takeReads(page);
  await page.evaluate(
    async ({ reads, pauseMs }) => {
      for (let read = 0; read < reads; read += 1) {
        await db.get('x');
        await tools.sleep(pauseMs);
      }
    },
    { reads: READS, pauseMs: PAUSE_MS },
  );
  return (await takeReads(page)).length;
}

async function assertAlone(page: Page): Promise<void> {
  assert.isAtMost(await countReads(page), ASKING_MAX, 'readonly transactions of a peer that is alone');
}

async function assertNotAlone(page: Page): Promise<void> {
  assert.isAtLeast(await countReads(page), READS, 'readonly transactions of a peer that is not alone');
}

/** Reads now and then, as a page does that is used, until a read needs no IndexedDB. */
async function untilAlone(page: Page): Promise<void> {
  const deadline = Date.now() + 20_000;
  do {
    await takeReads(page);
    await page.evaluate(() => db.get('x'));
    if ((await takeReads(page)).length === 0) return;
    await page.evaluate(() => tools.sleep(100));
  } while (Date.now() < deadline);
  assert.fail('not alone again after 20 s');
}

async function openAlone(world: World, name: string): Promise<Page> {
  const page = await openInstrumented(world);
  await page.evaluate((name) => tools.openHere(name), name);
  await page.evaluate(() => db.set('x', 'old'));
  await untilAlone(page);
  return page;
}

export function alone(world: World): void {
  describe('a peer that is alone', () => {
    const tabs = withTabs(world);

    it('reads without IndexedDB', async () => {
      await assertAlone(await openAlone(world, uniqueName()));
    });

    it('is so no longer when a second tab opens the database, and is again when that tab is gone', async () => {
      const name = uniqueName();
      const page = await openAlone(world, name);
      const second = await tabs.open();
      await second.evaluate((name) => tools.openHere(name), name);
      await second.evaluate(() => db.set('x', 'new'));
      assert.equal(await page.evaluate(async () => tools.text(await db.get('x'))), 'new');
      await assertNotAlone(page);
      await second.close();
      await untilAlone(page);
      await assertAlone(page);
    }).timeout(60_000);

    it('is so no longer beside a worker, and is again when the worker is ended', async () => {
      const address = world.server.serveText(
        '/second-peer.js',
        `import { open } from '/plinthdb/${packageEntry()}';
        onmessage = async ({ data: name }) => {
          const db = await open(name);
          await db.set('x', 'new');
          postMessage('done');
        };`,
      );
      const name = uniqueName();
      const page = await openAlone(world, name);
      const seen = await page.evaluate(
        async ({ address, name }) => {
          const worker = new Worker(address, { type: 'module' });
          Object.assign(globalThis, { worker });
          await new Promise((resolve, reject) => {
            worker.onmessage = resolve;
            worker.onerror = (event) => reject(new Error(event.message));
            worker.postMessage(name);
          });
          return tools.text(await db.get('x'));
        },
        { address, name },
      );
      assert.equal(seen, 'new');
      await assertNotAlone(page);
      await page.evaluate(() => (globalThis as unknown as { worker: Worker }).worker.terminate());
      await untilAlone(page);
      await assertAlone(page);
    }).timeout(60_000);

    it('is so no longer beside a second handle of its own page, and is again when that is closed', async () => {
      const name = uniqueName();
      const page = await openAlone(world, name);
      const seen = await page.evaluate(async (name) => {
        const second = await plinth.open(name);
        Object.assign(globalThis, { second });
        await second.set('x', 'new');
        return tools.text(await db.get('x'));
      }, name);
      assert.equal(seen, 'new');
      await assertNotAlone(page);
      await page.evaluate(() => (globalThis as unknown as { second: typeof db }).second.close());
      await untilAlone(page);
      await assertAlone(page);
    }).timeout(60_000);

    it('is not disturbed by the peers of another database', async () => {
      const page = await openAlone(world, uniqueName());
      const other = await openAlone(world, uniqueName());
      await assertAlone(page);
      await assertAlone(other);
    });
  });
}

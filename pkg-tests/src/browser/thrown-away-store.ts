/**
 * A store that the browser found corrupt and threw away: `open` says so, it does not silently begin anew.
 *
 * Chromium's LevelDB store does that after an unlucky SIGKILL (see `survives-kill.ts`). Here the torn record that such a
 * kill leaves is made by hand: a record's header at the end of LevelDB's log, without the payload that it announces.
 */
import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from 'chai';
import { Chromium } from '../support/chromium.ts';
import { openPage, type Page } from '../support/driver.ts';
import { withProfile } from '../support/profile.ts';
import type { World } from './world.ts';

const NAME = 'thrown away';
/** Checksum, a length of 600 bytes, type "full": then nothing. */
const TORN_RECORD = Uint8Array.of(1, 2, 3, 4, 0x58, 0x02, 1);

export function thrownAwayStore(world: World): void {
  describe('a store that the browser threw away', () => {
    it('makes open fail with 1522, once', async () => {
      await withProfile(async (profile) => {
        await visit(world, profile, writeRows);
        tearLastLog(profile);
        // The browser does not notice yet, and goes on writing behind the torn record.
        assert.equal(await visit(world, profile, writeRows), 20);
        assert.deepEqual(await visit(world, profile, openTwice), [1522, 0]);
      });
    }).timeout(30_000);
  });
}

/** Runs `act` in a page of a browser that is killed afterwards. */
async function visit<T>(world: World, profile: string, act: (page: Page) => Promise<T>): Promise<T> {
  const browser = await Chromium.launch(profile, ['--disable-features=IdbSqliteBackingStore']);
  try {
    const result = await act(await openPage(browser, world.toolsPage));
    const kill = await browser.aim();
    await kill();
    return result;
  } finally {
    await browser.close();
  }
}

function tearLastLog(profile: string): void {
  const stores = join(profile, 'Default', 'IndexedDB');
  const store = readdirSync(stores).find((folder) => folder.endsWith('.leveldb')) ?? '';
  const logs = readdirSync(join(stores, store)).filter((file) => /^\d+\.log$/.test(file));
  appendFileSync(join(stores, store, logs.sort().at(-1) ?? ''), TORN_RECORD);
}

/** Resolves with the number of rows that were there before. */
function writeRows(page: Page): Promise<number> {
  return page.evaluate(async (name) => {
    const db = await plinth.open(name);
    const count = (await db.getRangeAll('row/')).length;
    for (let row = 0; row < 20; row += 1) await db.set(`row/${count + row}`, 'value'.repeat(100));
    return count;
  }, NAME);
}

/** The code with which the first `open` fails, and the rows that the second one finds. */
function openTwice(page: Page): Promise<[code: number | undefined, rowCount: number]> {
  return page.evaluate(async (name) => {
    const code = await plinth.open(name).then(
      () => undefined,
      (error: { code?: number }) => error.code,
    );
    const db = await plinth.open(name);
    return [code, (await db.getRangeAll('row/')).length] as [number | undefined, number];
  }, NAME);
}

/** The durability option reaches IndexedDB: measured on the transactions it makes, not on what was asked for. */
import { assert } from 'chai';
import type { Page } from '../support/driver.ts';
import { openInstrumented, type SeenTransaction, takeWrites } from './instrument.ts';
import { uniqueName, type World, withTabs } from './world.ts';

type Durability = 'strict' | 'relaxed';

interface Opened {
  db: Awaited<ReturnType<typeof plinth.open>>;
}

async function openWith(page: Page, durability: Durability | undefined): Promise<void> {
  await page.evaluate(
    async ({ name, durability }) => {
      const db = await (durability === undefined ? plinth.open(name) : plinth.open(name, { durability }));
      Object.assign(globalThis, { db });
    },
    { name: uniqueName(), durability },
  );
  // What opening itself writes is not a commit.
  await takeWrites(page);
}

/** One transaction for each wish, all at once; undefined leaves it to the database. Resolves with their versions. */
function commitAtOnce(page: Page, wishes: readonly (Durability | undefined)[]): Promise<number[]> {
  return page.evaluate(async (wishes) => {
    const { db } = globalThis as unknown as Opened;
    return Promise.all(
      wishes.map(async (durability, index) => {
        const tn = db.rawCreateTransaction(durability === undefined ? {} : { durability });
        tn.set(`key/${index}`, 'value');
        await tn.rawCommit();
        return plinth.versionNumber(tn.getCommittedVersion());
      }),
    );
  }, wishes);
}

function durabilities(writes: readonly SeenTransaction[]): string[] {
  return writes.map(({ durability }) => durability);
}

export function durability(world: World): void {
  describe('the durability of IndexedDB transactions', () => {
    withTabs(world);
    let page: Page;

    beforeEach(async () => {
      page = await openInstrumented(world);
    });

    it('is strict when nothing is said', async () => {
      await openWith(page, undefined);
      await commitAtOnce(page, [undefined]);
      assert.deepEqual(durabilities(await takeWrites(page)), ['strict']);
    });

    it('is what the database was opened with', async () => {
      for (const wish of ['strict', 'relaxed'] as const) {
        await openWith(page, wish);
        await commitAtOnce(page, [undefined]);
        assert.deepEqual(durabilities(await takeWrites(page)), [wish]);
      }
    });

    it('is what the transaction asks for, whatever the database was opened with', async () => {
      await openWith(page, 'strict');
      await commitAtOnce(page, ['relaxed']);
      assert.deepEqual(durabilities(await takeWrites(page)), ['relaxed']);
      await openWith(page, 'relaxed');
      await commitAtOnce(page, ['strict']);
      assert.deepEqual(durabilities(await takeWrites(page)), ['strict']);
    });

    it('doTransaction passes it on', async () => {
      await openWith(page, 'strict');
      await page.evaluate(async () => {
        const { db } = globalThis as unknown as Opened;
        await db.doTransaction((tn) => tn.set('key', 'value'), { durability: 'relaxed' });
      });
      assert.deepEqual(durabilities(await takeWrites(page)), ['relaxed']);
    });

    it('of a batch is the strongest wish in it', async () => {
      await openWith(page, 'relaxed');
      // The first goes out alone; the others wait for it together.
      const wishes: Durability[] = new Array(20).fill('relaxed');
      wishes[13] = 'strict';
      const versions = await commitAtOnce(page, wishes);
      const strictVersion = versions[13];
      const companions = versions.filter((version, index) => index !== 13 && version === strictVersion);
      assert.isAbove(companions.length, 0, 'relaxed transactions in the batch of the strict one');
      const writes = durabilities(await takeWrites(page));
      assert.equal(writes.length, new Set(versions).size, 'one IndexedDB transaction a batch');
      // Batches go out in version order, so the position of the strict one is known.
      const position = [...new Set(versions)]
        .sort((left, right) => left - right)
        .indexOf(strictVersion ?? -1);
      const expected = writes.map((_, index) => (index === position ? 'strict' : 'relaxed'));
      assert.deepEqual(writes, expected);
    });

    it('reading needs no readwrite transaction', async () => {
      await openWith(page, 'strict');
      await commitAtOnce(page, [undefined]);
      await takeWrites(page);
      await page.evaluate(async () => {
        const { db } = globalThis as unknown as Opened;
        await db.get('key/0');
        await db.doTransaction((tn) => tn.getRangeAll('key/'));
      });
      assert.deepEqual(await takeWrites(page), []);
    });
  });
}

/**
 * Commits whose transaction of IndexedDB the browser ends for taking too long, as Chromium does with one that was open
 * for a minute in a process that was stopped. Nothing of it was written.
 */
import { assert } from 'chai';
import type { Page } from '../support/driver.ts';
import { uniqueName, type World, withTabs } from './world.ts';

interface Impatient {
  /** How many of the next readwrite transactions are timed out. */
  timeOuts: number;
}

/** Waiting for a minute would do; so does a transaction that is undone and says so. */
function timeOutTransactions(): void {
  Object.assign(globalThis, { timeOuts: 0 });
  const begin = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function (...request) {
    const transaction = begin.apply(this, request);
    const impatient = globalThis as unknown as Impatient;
    if (transaction.mode === 'readwrite' && impatient.timeOuts > 0) {
      impatient.timeOuts -= 1;
      const error = new DOMException('Transaction timed out due to inactivity.', 'TimeoutError');
      Object.defineProperty(transaction, 'error', { value: error });
      Object.defineProperty(transaction, 'commit', { value: () => transaction.abort() });
    }
    return transaction;
  };
}

export function timedOutCommits(world: World): void {
  describe('a commit that the browser has timed out', () => {
    withTabs(world);

    async function openImpatient(): Promise<Page> {
      const page = await world.browser.newPage();
      await page.addInitScript(timeOutTransactions);
      await page.goto(world.toolsPage);
      await page.evaluate(async (name) => {
        await tools.openHere(name);
        await db.set('x', '1');
      }, uniqueName());
      return page;
    }

    it('is made again, once', async () => {
      const page = await openImpatient();
      const found = await page.evaluate(async () => {
        const tn = db.rawCreateTransaction();
        tn.set('x', `${Number(tools.text(await tn.get('x'))) + 1}`);
        Object.assign(globalThis, { timeOuts: 1 });
        await tn.rawCommit();
        const { timeOuts } = globalThis as unknown as Impatient;
        return { timeOuts, x: await tools.numberAt(db, 'x') };
      });
      assert.deepEqual(found, { timeOuts: 0, x: 2 });
    });

    it('fails with 1510 if that goes on, and has written nothing', async () => {
      const page = await openImpatient();
      const found = await page.evaluate(async () => {
        Object.assign(globalThis, { timeOuts: 1_000 });
        const failure = await db.set('x', '2').then(
          () => ({ code: 0, message: 'committed' }),
          ({ code, message }: { code: number; message: string }) => ({ code, message }),
        );
        Object.assign(globalThis, { timeOuts: 0 });
        return { ...failure, x: await tools.numberAt(db, 'x') };
      });
      assert.equal(found.code, 1510, found.message);
      assert.include(found.message, 'nothing was committed');
      assert.equal(found.x, 1);
    });
  });
}

/**
 * One read transaction never sees two states. This history shows two states in other IndexedDB stores.
 *
 * Writers move amounts between accounts, so the sum never changes, and announce each transfer on a channel of the test's
 * own. Readers add up, and between any two of their reads they wait for an announcement, so that the database has always
 * moved on; they look at the same accounts once by point reads and once by a range read.
 */
import { assert } from 'chai';
import type { Page } from '../support/driver.ts';
import { uniqueName, type World, withTabs } from './world.ts';

const ACCOUNTS = 5;
const SUM = 100 * ACCOUNTS;

function fillAccounts(page: Page, name: string): Promise<void> {
  return page.evaluate(
    async ({ name, accounts }) => {
      const db = await plinth.open(name);
      await db.doTransaction((tn) => {
        for (let account = 0; account < accounts; account += 1) tn.set(`account/${account}`, '100');
      });
    },
    { name, accounts: ACCOUNTS },
  );
}

/** Moves amounts about until `stop` is called in the page. Resolves with the number of transfers. */
function transfer(page: Page, name: string): Promise<number> {
  return page.evaluate(
    async ({ name, accounts }) => {
      const db = await plinth.open(name);
      let isStopped = false;
      Object.assign(globalThis, {
        stop: () => {
          isStopped = true;
        },
      });
      const news = new BroadcastChannel(`transfers of ${name}`);
      let count = 0;
      while (!isStopped) {
        const [from, to] = [`account/${count % accounts}`, `account/${(count * 3 + 1) % accounts}`];
        await db.doTransaction(async (tn) => {
          const amount = 1 + (count % 7);
          tn.set(from, `${Number(tools.text(await tn.get(from))) - amount}`);
          tn.set(to, `${Number(tools.text(await tn.get(to))) + amount}`);
        });
        news.postMessage('one more');
        count += 1;
      }
      return count;
    },
    { name, accounts: ACCOUNTS },
  );
}

interface Sums {
  points: number;
  range: number;
}

/** Adds up `times` times, each time in one transaction. */
function addUp(page: Page, name: string, times: number): Promise<Sums[]> {
  return page.evaluate(
    async ({ name, accounts, times }) => {
      const db = await plinth.open(name);
      const news = new BroadcastChannel(`transfers of ${name}`);
      function nextTransfer(): Promise<unknown> {
        return new Promise((resolve) => news.addEventListener('message', resolve, { once: true }));
      }

      const sums: Sums[] = [];
      for (let round = 0; round < times; round += 1) {
        const sum = await db.doTransaction(async (tn) => {
          let points = 0;
          let range = 0;
          for (let account = 0; account < accounts; account += 1) {
            points += Number(tools.text(await tn.get(`account/${account}`)));
            await nextTransfer();
          }
          const reader = round % 2 === 0 ? tn : tn.snapshot();
          for await (const [, value] of reader.getRange('account/')) range += Number(tools.text(value));
          return { points, range };
        });
        sums.push(sum);
      }
      return sums;
    },
    { name, accounts: ACCOUNTS, times },
  );
}

async function assertOneState(
  name: string,
  writers: readonly Page[],
  readers: readonly Page[],
): Promise<void> {
  const transfers = writers.map((page) => transfer(page, name));
  const sums = await Promise.all(readers.map((page) => addUp(page, name, 20)));
  for (const page of writers) await page.evaluate(() => (globalThis as unknown as { stop(): void }).stop());
  const counts = await Promise.all(transfers);
  for (const sum of sums.flat()) assert.deepEqual(sum, { points: SUM, range: SUM });
  for (const count of counts) assert.isAbove(count, 0, 'transfers');
}

export function readSkew(world: World): void {
  describe('one read transaction never sees two states', () => {
    const tabs = withTabs(world);

    it('while its own page writes', async () => {
      const name = uniqueName();
      const page = await tabs.open();
      await fillAccounts(page, name);
      await assertOneState(name, [page], [page]);
    }).timeout(40_000);

    it('while another tab writes', async () => {
      const name = uniqueName();
      const [writer, reader] = (await tabs.openMany(2)) as [Page, Page];
      await fillAccounts(writer, name);
      await assertOneState(name, [writer], [reader]);
    }).timeout(40_000);

    it('while two tabs write and two read', async () => {
      const name = uniqueName();
      const [first, second, third, fourth] = (await tabs.openMany(4)) as [Page, Page, Page, Page];
      await fillAccounts(first, name);
      await assertOneState(name, [first, second], [third, fourth]);
    }).timeout(60_000);

    it('and a commit acknowledged in one tab is read by the next transaction of another', async () => {
      const name = uniqueName();
      const [writer, reader] = (await tabs.openMany(2)) as [Page, Page];
      for (const page of [writer, reader]) {
        await page.evaluate(async (name) => {
          Object.assign(globalThis, { db: await plinth.open(name) });
        }, name);
      }
      for (let round = 1; round <= 30; round += 1) {
        const [from, to] = round % 2 === 0 ? [writer, reader] : [reader, writer];
        await from.evaluate((value) => (globalThis as unknown as Opened).db.set('x', value), `${round}`);
        const seen = await to.evaluate(async () =>
          tools.text(await (globalThis as unknown as Opened).db.get('x')),
        );
        assert.equal(seen, `${round}`);
      }
    });
  });
}

interface Opened {
  db: Awaited<ReturnType<typeof plinth.open>>;
}

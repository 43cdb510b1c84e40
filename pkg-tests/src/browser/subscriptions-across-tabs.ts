/**
 * Live ranges in several tabs that all write: each subscriber is told of every key, of no state that never was, in commit
 * order, and its copy becomes the range itself; also when every message between the tabs is lost.
 *
 * A transaction of tab T with number N sets `live/T/left` and `live/T/right` to N, adds `live/T/new/N`, and now and then
 * clears older ones. So a copy with left and right apart is a state that never was, and a number that goes back is an order
 * that never was.
 */
import { assert } from 'chai';
import type { Page } from '../support/driver.ts';
import { openSilent } from './silent-tab.ts';
import { uniqueName, type World, withTabs } from './world.ts';

const TABS = 3;
const MS_PER_STEP = 8;
const QUIET_COMMITS = 60;
/** With no message the log is looked at once a second; the rest is for machines that do much else. */
const POLL_MS_MAX = 3_000;

interface Following {
  broken: string[];
  deliveries: number;
  /** From before a commit in another tab until it was told here, in ms. */
  latencies: number[];
  /** How many `new` keys were told, each once. */
  told: number;
  /** Resolves when the copy equals the range, with how long that took; rejects after a while. */
  settle(msMax: number): Promise<number>;
  close(): Promise<void>;
}

interface Settings {
  name: string;
  tab: number;
}

/** Opens the database in the page and keeps a copy of the live range. */
async function follow({ name, tab }: Settings): Promise<void> {
  await tools.openHere(name);
  const copy = new Map<string, string>();
  const toldOnce = new Set<string>();
  let newest = '';
  const following: Following = {
    broken: [],
    deliveries: 0,
    latencies: [],
    told: 0,
    async settle(msMax) {
      const begunAt = performance.now();
      for (;;) {
        const rows = await db.getRangeAll('live/', 'live0');
        const range = rows.map(([key, value]) => `${tools.text(key)}=${tools.text(value)}`).sort();
        const mine = [...copy].map(([key, value]) => `${key}=${value}`).sort();
        const tookMs = performance.now() - begunAt;
        if (range.join() === mine.join()) return tookMs;
        if (tookMs > msMax)
          throw new Error(`after ${msMax} ms the copy has ${mine.length} rows of ${range.length}`);
        await tools.sleep(2);
      }
    },
    async close() {
      subscription.close();
      await subscription.ended;
      await db.close();
    },
  };

  function numberAt(key: string): number {
    return Number((copy.get(key) ?? '0').split(' ')[0]);
  }

  const subscription = db.subscribe({ prefix: 'live/' }, ({ changes, replaced, version }) => {
    const toldAt = performance.timeOrigin + performance.now();
    following.deliveries += 1;
    const hex = Array.from(version, (byte) => byte.toString(16).padStart(2, '0')).join('');
    if (hex <= newest) following.broken.push(`version ${hex} after ${newest}`);
    newest = hex;
    const before = new Map(copy);
    for (const { begin, end } of replaced) {
      for (const key of copy.keys()) {
        if (key >= (tools.text(begin) ?? '') && key < (tools.text(end) ?? '')) copy.delete(key);
      }
    }
    for (const [bytes, value] of changes) {
      const key = tools.text(bytes) ?? '';
      if (value === undefined) copy.delete(key);
      else copy.set(key, tools.text(value) ?? '');
      const [, of, what] = key.split('/');
      if (value !== undefined && what === 'new') {
        if (toldOnce.has(key)) following.broken.push(`${key} was told twice`);
        toldOnce.add(key);
        following.told += 1;
      }
      if (value !== undefined && what === 'left' && of !== `${tab}`) {
        following.latencies.push(toldAt - Number(copy.get(key)?.split(' ')[1]));
      }
    }
    for (const key of copy.keys()) {
      const [, of, what] = key.split('/');
      if (what !== 'left') continue;
      const [left, right] = [copy.get(key), copy.get(`live/${of}/right`)];
      if (left !== right) following.broken.push(`left ${left}, right ${right} of tab ${of}`);
      const earlier = Number((before.get(key) ?? '0').split(' ')[0]);
      if (numberAt(key) < earlier) following.broken.push(`tab ${of}: ${numberAt(key)} after ${earlier}`);
    }
  });
  subscription.ended.catch((error: unknown) => following.broken.push(`it ended with ${error}`));
  Object.assign(globalThis, { following });
}

/** Commits in the page for a while; resolves with the number of commits. */
function write(
  page: Page,
  settings: { tab: number; ms: number; pauseMs: number; countMax: number },
): Promise<number> {
  return page.evaluate(async ({ tab, ms, pauseMs, countMax }) => {
    const endAt = performance.now() + ms;
    const begun = await tools.numberAt(db, `count/${tab}`);
    let number = begun;
    while (performance.now() < endAt && number - begun < countMax) {
      number += 1;
      const stamp = `${number} ${performance.timeOrigin + performance.now()}`;
      await db.doTransaction((tn) => {
        tn.set(`live/${tab}/left`, stamp);
        tn.set(`live/${tab}/right`, stamp);
        tn.set(`live/${tab}/new/${number}`, `${number}`);
        if (number % 10 === 0) tn.clearRange(`live/${tab}/new/`, `live/${tab}/new0`);
        tn.set(`count/${tab}`, `${number}`);
      });
      await tools.sleep(pauseMs);
    }
    return number - begun;
  }, settings);
}

interface InPage {
  following: Following;
}

function settle(page: Page, msMax: number): Promise<number> {
  return page.evaluate((msMax) => (globalThis as unknown as InPage).following.settle(msMax), msMax);
}

interface Outcome {
  broken: string[];
  deliveries: number;
  latencies: number[];
  told: number;
}

async function take(page: Page): Promise<Outcome> {
  return page.evaluate(() => {
    const { following } = globalThis as unknown as InPage;
    const { broken, deliveries, latencies, told } = following;
    following.latencies = [];
    return { broken, deliveries, latencies, told };
  });
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((left, right) => left - right)[numbers.length >> 1] ?? Number.NaN;
}

export function subscriptionsAcrossTabs(world: World): void {
  describe('live ranges in several tabs', () => {
    const tabs = withTabs(world);
    const ms = MS_PER_STEP * world.steps;

    async function open(openOne: () => Promise<Page>): Promise<Page[]> {
      const name = uniqueName();
      const pages: Page[] = [];
      for (let tab = 0; tab < TABS; tab += 1) {
        const page = await openOne();
        await page.evaluate(follow, { name, tab });
        pages.push(page);
      }
      return pages;
    }

    /** All write at once; afterwards every copy is the range. */
    async function writeAll(pages: readonly Page[]): Promise<number[]> {
      const counts = await Promise.all(
        pages.map((page, tab) => write(page, { tab, ms, pauseMs: 1, countMax: Number.MAX_SAFE_INTEGER })),
      );
      const waits = await Promise.all(pages.map((page) => settle(page, POLL_MS_MAX)));
      const outcomes = await Promise.all(pages.map(take));
      const total = counts.reduce((sum, count) => sum + count, 0);
      console.log(
        `      ${total} commits in ${ms / 1_000} s; deliveries ${outcomes
          .map(({ deliveries }) => deliveries)
          .join(', ')}; the copies were whole after ${waits.map((wait) => wait.toFixed(0)).join(', ')} ms`,
      );
      for (const { broken, told, deliveries } of outcomes) {
        assert.deepEqual(broken, []);
        assert.isAbove(deliveries, 1);
        assert.isAbove(told, 0);
      }
      assert.isAbove(Math.min(...counts), 0, 'a tab wrote nothing');
      return waits;
    }

    it('lose nothing, keep the order, and are the range in the end', async () => {
      const pages = await open(tabs.open);
      await writeAll(pages);
      const [writer, ...readers] = pages as [Page, ...Page[]];
      const before = await Promise.all(readers.map(take));
      const count = await write(writer, { tab: 0, ms: 30_000, pauseMs: 12, countMax: QUIET_COMMITS });
      await Promise.all(readers.map((page) => settle(page, POLL_MS_MAX)));
      const after = await Promise.all(readers.map(take));
      const latencies = after.flatMap(({ latencies }) => latencies);
      console.log(
        `      one writer, ${count} commits: told elsewhere ${median(latencies).toFixed(1)} ms after they were begun (p50)`,
      );
      for (const [index, { told }] of after.entries()) {
        // Every commit adds a key, and one in ten clears the one that it adds.
        assert.isAtLeast(told - (before[index]?.told ?? 0), 1, 'a reader was told nothing');
      }
      for (const page of pages) {
        await page.evaluate(() => (globalThis as unknown as InPage).following.close());
      }
    }).timeout(90_000 + 5 * ms);

    it('do so too when every message is lost, within the time between two looks', async () => {
      const pages = await open(() => openSilent(world));
      await writeAll(pages);
      // What is heard of a single commit is heard by looking alone.
      const [writer, ...readers] = pages as [Page, ...Page[]];
      await write(writer, { tab: 0, ms: 30_000, pauseMs: 0, countMax: 1 });
      const waits = await Promise.all(
        readers.map((page) =>
          page.evaluate(async (msMax) => {
            const { following } = globalThis as unknown as InPage;
            const begunAt = performance.now();
            const { deliveries } = following;
            while (following.deliveries === deliveries && performance.now() - begunAt < msMax) {
              await tools.sleep(5);
            }
            return performance.now() - begunAt;
          }, POLL_MS_MAX),
        ),
      );
      await Promise.all(readers.map((page) => settle(page, POLL_MS_MAX)));
      console.log(
        `      a single commit was told after ${waits.map((wait) => wait.toFixed(0)).join(', ')} ms at most`,
      );
    }).timeout(90_000 + 5 * ms);
  });
}

/**
 * A tab that stands still while it is alone with the database: another one opens it within a bounded time, and the first,
 * when it goes on, neither reads what is old nor writes over what is new.
 *
 * It stands still in two ways: frozen by the browser, of which its page is told before, and with its process stopped at
 * any instant, of which nobody is told. In the second case no message reaches the stopped tab after its thaw either, which
 * would otherwise hide that it trusts what it has.
 */
import { assert } from 'chai';
import { Random } from '../suite/random.ts';
import { Chromium } from '../support/chromium.ts';
import type { Page } from '../support/driver.ts';
import { withProfile } from '../support/profile.ts';
import { TabProcess } from '../support/tab-process.ts';
import { openSilent } from './silent-tab.ts';
import { longestSpanMs, writeDownSpans } from './transaction-spans.ts';
import { leaveOut, uniqueName, type World, withTabs } from './world.ts';

/** The aim is 2 s; the rest is for machines that do much else. */
const WAIT_MS_MAX = 4_000;
const STOPS = 6;
/**
 * After so long without an answer the newcomer is held up. It may be only by a process that was stopped in the middle of
 * the task that begins a transaction and commits it: IndexedDB lets nobody else write until it goes on.
 */
const HELD_MS = 4_000;
/** A signal may take so long to arrive, and a clock be off by so much. */
const SIGNAL_MS = 100;
/** How long it stands still after the other one's commit. */
const SETTLE_MS = 20;
/** Reads that a thawed tab makes at least before it is asked what it saw. */
const MORE_READS = 20;

/** What a page that goes on working saw and did. */
interface Diary {
  reads: { begunAt: number; value: number }[];
  increments: number;
}

interface Worker {
  diary: Diary;
  stop(): Promise<void>;
}

/** Reads and increments `x` without a pause, writing down each read. */
function keepBusy(page: Page, options: { writes: boolean }): Promise<void> {
  return page.evaluate(({ writes }) => {
    const diary: Diary = { reads: [], increments: 0 };
    let isStopped = false;
    async function readOn(): Promise<void> {
      while (!isStopped) {
        const begunAt = Date.now();
        diary.reads.push({ begunAt, value: await tools.numberAt(db, 'x') });
        // Reads from memory alone would leave the page no time for anything else.
        await tools.sleep(0);
      }
    }
    async function writeOn(): Promise<void> {
      while (writes && !isStopped) {
        await tools.increment(db, 'x');
        diary.increments += 1;
        await tools.sleep(5);
      }
    }
    const ended = Promise.all([readOn(), writeOn()]);
    async function stop(): Promise<void> {
      isStopped = true;
      await ended;
    }
    Object.assign(globalThis, { worker: { diary, stop } });
  }, options);
}

/** Lets the page go on for some more reads, and takes its diary. */
function stopWorking(page: Page): Promise<Diary> {
  return page.evaluate(async (moreReads) => {
    const { worker } = globalThis as unknown as { worker: Worker };
    const { reads } = worker.diary;
    for (const enough = reads.length + moreReads; reads.length < enough; ) await tools.sleep(1);
    await worker.stop();
    return worker.diary;
  }, MORE_READS);
}

interface Newcomer {
  openMs: number;
  commitMs: number;
  /** What it made of `x`. */
  committed: number;
  /** `Date.now()` at the acknowledgement. */
  acknowledgedAt: number;
}

/** Opens the database beside the tab that stands still, and increments `x`. */
async function comeIn(page: Page, name: string): Promise<Newcomer> {
  return page.evaluate(async (name) => {
    const begunAt = performance.now();
    await tools.openHere(name);
    const openedAt = performance.now();
    const committed = await db.doTransaction(async (tn) => {
      const value = Number(tools.text(await tn.get('x')) ?? '0') + 1;
      tn.set('x', `${value}`);
      return value;
    });
    const commitMs = performance.now() - openedAt;
    return { openMs: openedAt - begunAt, commitMs, committed, acknowledgedAt: Date.now() };
  }, name);
}

function assertSoon({ openMs, commitMs }: Newcomer, context: string): void {
  assert.isBelow(openMs, WAIT_MS_MAX, `${context}: to open`);
  assert.isBelow(openMs + commitMs, WAIT_MS_MAX, `${context}: to open and commit`);
}

function describeNewcomer({ openMs, commitMs }: Newcomer): string {
  return `opened in ${Math.round(openMs)} ms, committed in ${Math.round(commitMs)} ms`;
}

export function frozenTab(world: World): void {
  describe('beside a tab that stands still while it is alone', () => {
    withTabs(world);

    const title = 'another one opens and commits soon, and the thawed one reads that (frozen by the browser)';
    if (world.browser instanceof Chromium) it(title, freezeByTheBrowser).timeout(40_000);
    else leaveOut(world, title, 'only DevTools can freeze a page');

    async function freezeByTheBrowser(): Promise<void> {
      await withProfile(async (profile) => {
        const browser = await Chromium.launchUnemulated(profile);
        try {
          const name = uniqueName();
          const frozen = await browser.newPage();
          const newcomer = await browser.newPage();
          await Promise.all([frozen, newcomer].map((page) => page.goto(world.toolsPage)));
          await frozen.evaluate((name) => tools.openHere(name), name);
          await frozen.evaluate(() => tools.increment(db, 'x'));
          await keepBusy(frozen, { writes: false });
          const life = await frozen.devTools();
          await life.send('Page.setWebLifecycleState', { state: 'frozen' });
          const came = await comeIn(newcomer, name);
          console.log(`      ${describeNewcomer(came)}`);
          assertSoon(came, 'frozen by the browser');
          await life.send('Page.setWebLifecycleState', { state: 'active' });
          await frozen.bringToFront();
          assert.equal(await frozen.evaluate(() => tools.numberAt(db, 'x')), 2);
          const { reads } = await stopWorking(frozen);
          assertNothingStale(reads, came, 'frozen by the browser');
          assert.deepEqual(browser.problems, []);
        } finally {
          await browser.close();
        }
      });
    }

    for (const writes of [false, true]) {
      const what = writes
        ? 'overwrites nothing (process stopped at work'
        : 'reads nothing old (process stopped';
      it(`another one opens and commits, and the thawed one ${what}, ${STOPS} times)`, async () => {
        const random = new Random(world.seed);
        for (let stop = 0; stop < STOPS; stop += 1) {
          const context = `seed ${world.seed}, stop ${stop}`;
          const pages: [Page, Page] = [await openSilent(world, writeDownSpans), await openSilent(world)];
          const delayMs = 50 + random.below(300);
          const came = await stopBesideNewcomer(world, pages, { writes, delayMs, context });
          const { isHeld, stopMs } = came;
          console.log(`      ${describeNewcomer(came)}${isHeld ? ', held up' : ''}`);
          if (isHeld) {
            const spanMs = await longestSpanMs(pages[0]);
            assert.isAbove(spanMs, stopMs - SIGNAL_MS, `${context}: held up, by no transaction under way`);
          } else assertSoon(came, context);
          await Promise.all(pages.map((page) => page.close()));
        }
      }).timeout(120_000);
    }
  });
}

/** Stops the first tab's process at work, and has the second one open the database and commit. */
async function stopBesideNewcomer(
  world: World,
  [stopped, newcomer]: readonly [Page, Page],
  { writes, delayMs, context }: { writes: boolean; delayMs: number; context: string },
): Promise<Newcomer & { isHeld: boolean; stopMs: number }> {
  const name = uniqueName();
  const process = await TabProcess.of(world.browser, stopped);
  const other = await TabProcess.of(world.browser, newcomer);
  assert.notEqual(process.pid, other.pid, 'one process for two tabs');
  await stopped.evaluate((name) => tools.openHere(name), name);
  await keepBusy(stopped, { writes });
  await sleep(delayMs);
  const stoppedAt = performance.now();
  process.stop();
  const coming = comeIn(newcomer, name);
  let isHeld: boolean;
  let stopMs: number;
  try {
    isHeld = await Promise.race([coming.then(() => false), sleep(HELD_MS).then(() => true)]);
    await sleep(SETTLE_MS);
  } finally {
    stopMs = performance.now() - stoppedAt;
    process.continue();
  }
  const came = await coming;
  const diary = await stopWorking(stopped);
  const [seen, ...others] = await Promise.all(
    [newcomer, stopped].map((page) => page.evaluate(() => tools.numberAt(db, 'x'))),
  );
  assert.deepEqual([seen, ...others], [diary.increments + 1, diary.increments + 1], `${context}: increments`);
  assertNothingStale(diary.reads, came, context);
  return { ...came, isHeld, stopMs };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Reads that began after the newcomer's acknowledgement find at least what it committed. */
function assertNothingStale(
  reads: Diary['reads'],
  { acknowledgedAt, committed }: Newcomer,
  context: string,
): void {
  const after = reads.filter(({ begunAt }) => begunAt > acknowledgedAt);
  const stale = after.filter(({ value }) => value < committed);
  assert.isAbove(after.length, 0, `${context}: reads after the newcomer's commit`);
  assert.deepEqual(stale, [], `${context}: reads older than ${committed}`);
}

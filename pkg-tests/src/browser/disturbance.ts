/**
 * Four tabs at work while, at random, one is closed, crashed, frozen by the browser, or has its process stopped. No reader
 * ever finds an invariant broken, nothing acknowledged is lost, nobody waits long for one that is gone,
 * and in the end all that live make progress.
 *
 * PLINTH_STEPS sets for how long: 30 ms for each step.
 */
import { assert } from 'chai';
import { Random } from '../suite/random.ts';
import { Chromium, ChromiumPage } from '../support/chromium.ts';
import { type Browser, openPage, type Page } from '../support/driver.ts';
import { withProfile } from '../support/profile.ts';
import { TabProcess } from '../support/tab-process.ts';
import { assertWhole, beginWork, type Done, fill, stopWork } from './bank-and-cycle.ts';
import { leaveOut, uniqueName, type World } from './world.ts';

const TABS = 4;
const MS_PER_STEP = 30;
const PAUSE_MS_MAX = 800;
const STANDSTILL_MS_MAX = 2_500;
/** Time without disturbance at the end, in which everybody has to get on. */
const QUIET_MS = 2_000;
/**
 * The aim is 2 s; the rest is for machines that do much else. And for a process that was stopped in the very task that
 * begins and commits an IndexedDB transaction, as about one in ten is: until it goes on, IndexedDB lets nobody else write.
 */
const WAIT_MS_MAX = 4_000 + STANDSTILL_MS_MAX;

/** What was done to a tab, and when. */
interface Disturbance {
  kind: DisturbanceKind;
  tab: number;
  begunAt: number;
  endedAt: number;
}

interface Tab {
  number: number;
  page: Page;
  process: TabProcess;
  done: Done[];
}

type DisturbanceKind = 'close' | 'crash' | 'freeze' | 'stop';

const EVERYWHERE = ['close', 'stop', 'stop'] as const;
const ONLY_IN_CHROMIUM = ['crash', 'freeze'] as const;

class Office {
  readonly tabs: Tab[] = [];
  readonly broken: string[] = [];
  readonly disturbances: Disturbance[] = [];
  readonly #browser: Browser;
  readonly #world: World;
  readonly #random: Random;
  readonly #name = uniqueName();
  readonly #living = new Set<Tab>();

  constructor(browser: Browser, world: World) {
    this.#browser = browser;
    this.#world = world;
    this.#random = new Random(world.seed);
  }

  async open(): Promise<void> {
    const page = await openPage(this.#browser, this.#world.toolsPage);
    await fill(page, this.#name);
    await page.close();
    for (let count = 0; count < TABS; count += 1) await this.#hire();
  }

  async #hire(): Promise<void> {
    const page = await openPage(this.#browser, this.#world.toolsPage);
    const process = await TabProcess.of(this.#browser, page);
    const tab: Tab = { number: this.tabs.length, page, process, done: [] };
    this.tabs.push(tab);
    const settings = { name: this.#name, tab: tab.number, seed: this.#random.below(1 << 30) };
    await beginWork(page, settings, ({ done, broken }) => {
      tab.done.push(...done);
      this.broken.push(...broken.map((what) => `tab ${tab.number}: ${what}`));
    });
    this.#living.add(tab);
  }

  /** Disturbs one tab, and sees to it that as many as before are at work afterwards. */
  async disturb(): Promise<void> {
    const [first, ...rest] = this.#living;
    if (first === undefined) throw new Error('nobody is left');
    const tab = this.#random.pick([first, ...rest]);
    const isChromium = this.#browser instanceof Chromium;
    const kind = this.#random.pick<DisturbanceKind>(
      isChromium ? [...EVERYWHERE, ...ONLY_IN_CHROMIUM] : EVERYWHERE,
    );
    const standstillMs = 500 + this.#random.below(STANDSTILL_MS_MAX - 500);
    const disturbance = { kind, tab: tab.number, begunAt: Date.now(), endedAt: Number.POSITIVE_INFINITY };
    this.disturbances.push(disturbance);
    if (kind === 'close' || kind === 'crash') {
      this.#living.delete(tab);
      if (kind === 'close') await tab.page.close();
      else await this.#crash(tab.page);
      await this.#hire();
    } else {
      if (kind === 'stop') await standStill(tab.process, standstillMs);
      else await this.#freeze(tab.page, standstillMs);
    }
    disturbance.endedAt = Date.now();
  }

  async #crash(page: Page): Promise<void> {
    if (!(this.#browser instanceof Chromium && page instanceof ChromiumPage)) throw new Error('not Chromium');
    await this.#browser.crash(page);
  }

  async #freeze(page: Page, ms: number): Promise<void> {
    if (!(page instanceof ChromiumPage)) throw new Error('not Chromium');
    const life = await page.devTools();
    await life.send('Page.setWebLifecycleState', { state: 'frozen' });
    await sleep(ms);
    await life.send('Page.setWebLifecycleState', { state: 'active' });
    await page.bringToFront();
    await life.detach();
  }

  /** Lets everybody finish. */
  async closeUp(): Promise<void> {
    await Promise.all([...this.#living].map(({ page }) => stopWork(page)));
    const [first] = this.#living;
    const acknowledged = new Map(
      this.tabs.map(({ number, done }) => [
        number,
        done.filter(({ kind }) => kind !== 'audit').map((one) => one.number),
      ]),
    );
    if (first === undefined) throw new Error('nobody is left');
    await assertWhole(first.page, this.#name, acknowledged);
  }

  get living(): readonly Tab[] {
    return [...this.#living];
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function standStill(process: TabProcess, ms: number): Promise<void> {
  process.stop();
  try {
    await sleep(ms);
  } finally {
    process.continue();
  }
}

/** The longest that a transaction took whose own tab was not disturbed meanwhile. */
function longestWait({ tabs, disturbances }: Office): { ms: number; what: string } {
  let longest = { ms: 0, what: 'nothing' };
  for (const { number, done } of tabs) {
    for (const { kind, begunAt, endedAt } of done) {
      const meanwhile = disturbances.filter((one) => begunAt <= one.endedAt && endedAt >= one.begunAt);
      const isOwnFault = meanwhile.some(({ tab }) => tab === number);
      if (!isOwnFault && endedAt - begunAt > longest.ms) {
        const whose = meanwhile.map(
          (one) =>
            `${one.kind} of tab ${one.tab} from ${one.begunAt - begunAt} to ${one.endedAt - begunAt} ms`,
        );
        const what = `a ${kind} of tab ${number}; ${whose.join(', ') || 'nothing'} meanwhile`;
        longest = { ms: endedAt - begunAt, what };
      }
    }
  }
  return longest;
}

function commitCount(done: readonly Done[]): number {
  return done.filter(({ kind }) => kind !== 'audit').length;
}

export function disturbance(world: World): void {
  const runMs = MS_PER_STEP * world.steps;
  if (!(world.browser instanceof Chromium)) {
    leaveOut(
      world,
      'tabs crashed and frozen at random',
      'only DevTools can do that; they are closed and stopped',
    );
  }

  describe('four tabs at work, some of them closed, crashed, frozen or stopped', () => {
    it(`keep every invariant, lose nothing and wait for nobody, for ${runMs / 1000} s`, async () => {
      await withProfile(async (profile) => {
        const browser = await world.launcher.launchUnemulated(profile);
        try {
          const random = new Random(world.seed ^ 0x0d15);
          const office = new Office(browser, world);
          await office.open();
          const begunAt = Date.now();
          while (Date.now() - begunAt < runMs) {
            await sleep(random.below(PAUSE_MS_MAX));
            await office.disturb();
          }
          const quietAt = Date.now();
          await sleep(QUIET_MS);
          const { living } = office;
          await office.closeUp();

          const { disturbances } = office;
          const context = `seed ${world.seed}, ${disturbances.map(({ kind }) => kind).join()}`;
          const commits = office.tabs.map(({ done }) => commitCount(done));
          const total = commits.reduce((sum, count) => sum + count, 0);
          const longest = longestWait(office);
          const quiet = living.map(({ done }) => commitCount(done.filter((one) => one.begunAt > quietAt)));
          console.log(
            `      ${Math.round((1000 * total) / (Date.now() - begunAt))} commits/s; by tab ${commits.join(', ')};`,
          );
          console.log(`      after the last of ${disturbances.length} disturbances ${quiet.join(', ')};`);
          console.log(`      longest: ${longest.ms} ms, ${longest.what}`);
          assert.deepEqual(office.broken, [], context);
          assert.deepEqual(browser.problems, [], context);
          assert.isAtLeast(Math.min(...quiet), 1, `${context}: a living tab got nothing done`);
          assert.isBelow(longest.ms, WAIT_MS_MAX, `${context}: ${longest.what}`);
        } finally {
          await browser.close();
        }
      });
    }).timeout(60_000 + 3 * runMs);
  });
}

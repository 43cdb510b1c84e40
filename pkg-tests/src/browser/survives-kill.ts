/**
 * The whole browser is killed with SIGKILL at random moments, again and again on one profile.
 *
 * In each round a page first checks what the rounds before it left, then makes numbered commits. Then comes the kill:
 * after a random number of acknowledgements, or a random time after the page began (which hits opening too).
 *
 * Once in some hundred kills Chromium's LevelDB store loses everything, whoever wrote it: the kill comes between the two
 * writes that make a record of LevelDB's log, the next start goes on writing behind the torn record, and the start after
 * that finds the log corrupt, deletes the store, and says so (`dataLoss` of the `upgradeneeded` event). Such a kill proves
 * nothing and is made up for by another one, with a remark; more than `thrownAwayMax` of them fail the test.
 */
import { assert } from 'chai';
import { Random } from '../suite/random.ts';
import { Chromium } from '../support/chromium.ts';
import { openPage } from '../support/driver.ts';
import { withProfile } from '../support/profile.ts';
import { NumberedCommits } from './numbered-commits.ts';
import type { World } from './world.ts';

interface Store {
  title: string;
  kills: number;
  thrownAwayMax: number;
  flags: readonly string[];
}

/** Chromium is changing from the first to the second. */
const CHROMIUM_STORES: readonly Store[] = [
  { title: 'on the default backing store', kills: 20, thrownAwayMax: 2, flags: [] },
  {
    title: 'on the SQLite backing store',
    kills: 5,
    thrownAwayMax: 0,
    flags: ['--enable-features=IdbSqliteBackingStore'],
  },
];
/** It takes a while to start. */
const FIREFOX_STORES: readonly Store[] = [
  { title: 'on its backing store', kills: 4, thrownAwayMax: 0, flags: [] },
];
const ACKNOWLEDGEMENTS_MAX = 60;
const DELAY_MS_MAX = 400;

export function survivesKill(world: World): void {
  describe('SIGKILL of the whole browser', () => {
    for (const store of world.browser instanceof Chromium ? CHROMIUM_STORES : FIREFOX_STORES) {
      it(`loses no acknowledged commit and tears none, ${store.kills} times over, ${store.title}`, async () => {
        await withProfile((profile) => killRounds(world, profile, store));
      }).timeout(150_000);
    }
  });
}

async function killRounds(
  world: World,
  profile: string,
  { kills, thrownAwayMax, flags }: Store,
): Promise<void> {
  const random = new Random(world.seed);
  const commits = new NumberedCommits('killed');
  let thrownAwayCount = 0;
  // Each visit checks what the kill of the one before has left; the first has nothing to check.
  for (let visit = 0; visit <= kills + thrownAwayCount; visit += 1) {
    const browser = await world.launcher.launch(profile, flags);
    try {
      const context = `seed ${world.seed}, visit ${visit}`;
      const page = await openPage(browser, world.toolsPage);
      const thrownAway = await commits.assertNothingLost(page, context);
      assert.deepEqual(browser.problems, [], context);
      if (thrownAway !== '') {
        thrownAwayCount += 1;
        console.log(`      ${context}: the browser threw its whole store away: ${thrownAway}`);
        assert.isAtMost(thrownAwayCount, thrownAwayMax, `${context}: stores thrown away by the browser`);
      }
      if (visit === kills + thrownAwayCount) break;

      const killed = nextMoment(random);
      const kill = await browser.aim();
      const { end } = await commits.begin(page, random, (count) => {
        if (count === killed.afterCount) killed.now();
      });
      killed.startClock();
      const stopped = await Promise.race([killed.moment, end]);
      assert.isUndefined(stopped, context);
      await kill();
      await end;
    } finally {
      await browser.close();
    }
  }
  assert.isAbove(commits.totalCount, 5 * kills, `seed ${world.seed}: too few commits to mean anything`);
}

interface Moment {
  /** Resolves when the kill is to come. */
  readonly moment: Promise<undefined>;
  readonly afterCount: number | undefined;
  now(): void;
  startClock(): void;
}

function nextMoment(random: Random): Moment {
  const { promise, resolve } = withResolvers<undefined>();
  const byClock = random.chance(0.4);
  const delayMs = random.below(DELAY_MS_MAX);
  return {
    moment: promise,
    afterCount: byClock ? undefined : 1 + random.below(ACKNOWLEDGEMENTS_MAX),
    now: () => resolve(undefined),
    startClock: () => {
      if (byClock) setTimeout(() => resolve(undefined), delayMs);
    },
  };
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

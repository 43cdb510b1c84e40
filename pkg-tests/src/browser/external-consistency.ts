/**
 * What was acknowledged in one tab is read by every transaction that begins in another one after it was told of it, by
 * whatever way: the messages here are the test's own, and come long before or after those of the package.
 *
 * Two tabs take turns. Each is told a number, begins a transaction, must find that number or a later one, commits the
 * next and tells it; between its turns it reads too. In the one-lane game a tab often closes the database after its
 * turn, so that the other one is alone then, or both begin anew; in the game of many lanes other tabs come and go.
 */
import { assert } from 'chai';
import type { Transaction } from 'plinthdb';
import { Random } from '../suite/random.ts';
import type { Page } from '../support/driver.ts';
import { openSilent } from './silent-tab.ts';
import { uniqueName, type World, withTabs } from './world.ts';

const LANES = 32;

interface Game {
  name: string;
  lanes: number;
  /** Turns of each lane, both tabs together. */
  turns: number;
  /** How often a tab closes the database after its turn. */
  closing: number;
  seed: number;
}

interface Played {
  reads: number;
  /** Reads between the turns that needed no look at the log. */
  readsAlone: number;
}

/** Seats one side at the table; it plays as soon as the other one does. */
function sitDown(page: Page, game: Game): Promise<void> {
  return page.evaluate(({ name, lanes, turns, closing, seed }) => {
    const told = new BroadcastChannel(`told of ${name}`);
    const played: Played = { reads: 0, readsAlone: 0 };
    let opening: Promise<typeof db> | undefined;
    const known: number[] = [];
    let lanesLeft = lanes;
    let state = seed >>> 0;
    function chance(probability: number): boolean {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 0x1_0000_0000 < probability;
    }

    /** Reads a lane's number, which must not be older than what is known here. */
    async function read(tn: Transaction, lane: number): Promise<void> {
      const expected = known[lane] ?? 0;
      const seen = Number(tools.text(await tn.get(`lane/${lane}`)) ?? '0');
      played.reads += 1;
      if (seen < expected) throw new Error(`lane ${lane}: ${expected} was acknowledged, read ${seen}`);
    }

    /** Reads between the turns, so that a tab that is alone also behaves so. */
    async function readOn(): Promise<void> {
      while (lanesLeft > 0) {
        await tools.sleep(1);
        const database = await opening;
        if (database === undefined) continue;
        try {
          const { logReadCount } = await database.stats();
          await read(database.rawCreateTransaction(), 0);
          if ((await database.stats()).logReadCount === logReadCount) played.readsAlone += 1;
        } catch (error) {
          if (!(error instanceof plinth.FDBError) || (await opening) === database) throw error;
          // Closed meanwhile.
        }
      }
    }

    async function turn(lane: number, number: number): Promise<void> {
      opening ??= plinth.open(name);
      const database = await opening;
      const key = `lane/${lane}`;
      known[lane] = number;
      const tn = database.rawCreateTransaction();
      await read(tn, lane);
      tn.set(key, `${number + 1}`);
      await tn.rawCommit();
      known[lane] = number + 1;
      if (chance(closing)) {
        opening = undefined;
        const closed = database.close();
        // The other tab is told while the database is being closed here, or after.
        if (chance(0.5)) await closed;
      }
      told.postMessage([lane, number + 1]);
    }

    const ended = new Promise<Played>((resolve, reject) => {
      async function take(lane: number, number: number): Promise<void> {
        if (number <= turns) await turn(lane, number);
        if (number >= turns) lanesLeft -= 1;
        if (lanesLeft > 0) return;
        told.close();
        await reading;
        await (await opening)?.close();
        resolve(played);
      }
      const reading = readOn();
      reading.catch(reject);
      told.onmessage = ({ data: [lane, number] }) => void take(lane, number).catch(reject);
      Object.assign(globalThis, {
        begin: () => {
          for (let lane = 0; lane < lanes; lane += 1) void take(lane, 0).catch(reject);
        },
      });
    });
    Object.assign(globalThis, { ended });
  }, game);
}

interface Seated {
  begin(): void;
  ended: Promise<Played>;
}

async function playBoth(pages: readonly [Page, Page], game: Game): Promise<Played> {
  await sitDown(pages[0], game);
  await sitDown(pages[1], { ...game, seed: game.seed ^ 0x5555 });
  await pages[0].evaluate(() => (globalThis as unknown as Seated).begin());
  const [left, right] = (await Promise.all(
    pages.map((page) => page.evaluate(() => (globalThis as unknown as Seated).ended)),
  )) as [Played, Played];
  const both: Played = {
    reads: left.reads + right.reads,
    readsAlone: left.readsAlone + right.readsAlone,
  };
  const context = `seed ${game.seed}`;
  assert.isAtLeast(both.reads, game.lanes * game.turns, context);
  return both;
}

/** Tabs that open the database, commit, and go, one after the other, until told to stop. Resolves with their count. */
async function comeAndGo(
  tabs: { open(): Promise<Page> },
  name: string,
  isOver: () => boolean,
): Promise<number> {
  let count = 0;
  while (!isOver()) {
    const page = await tabs.open();
    await page.evaluate(async (name) => {
      await tools.openHere(name);
      await tools.increment(db, 'visits');
    }, name);
    await page.close();
    count += 1;
  }
  return count;
}

export function externalConsistency(world: World): void {
  describe('what one tab had acknowledged, the next transaction of another sees', () => {
    const tabs = withTabs(world);
    const turns = 5 * world.steps;

    it(`${turns} times, each tab often the only one`, async () => {
      const name = uniqueName();
      const pages = (await tabs.openMany(2)) as [Page, Page];
      const startedAt = Date.now();
      const played = await playBoth(pages, { name, lanes: 1, turns, closing: 0.3, seed: world.seed });
      const seconds = (Date.now() - startedAt) / 1000;
      console.log(
        `      ${played.reads} reads in ${seconds} s, ${played.readsAlone} of them by a tab that was alone`,
      );
      assert.isAbove(played.readsAlone, 0.05 * turns, 'no tab was ever alone');
    }).timeout(30_000 + 100 * turns);

    const silentTurns = Math.ceil(world.steps / 6);
    it(`${silentTurns} times, each tab often the only one, with the package's own messages all lost`, async () => {
      const name = uniqueName();
      const pages: [Page, Page] = [await openSilent(world), await openSilent(world)];
      const game = { name, lanes: 1, turns: silentTurns, closing: 0.4, seed: world.seed };
      const played = await playBoth(pages, game);
      assert.isAbove(played.readsAlone, 0, 'no tab was ever alone');
    }).timeout(30_000 + 4_000 * silentTurns);

    const turnsEach = Math.ceil((28.5 * world.steps) / LANES);
    it(`${LANES * turnsEach} times, while other tabs come and go`, async () => {
      const name = uniqueName();
      const pages = (await tabs.openMany(2)) as [Page, Page];
      const startedAt = Date.now();
      let isOver = false;
      const visits = comeAndGo(tabs, name, () => isOver);
      const game = {
        name,
        lanes: LANES,
        turns: turnsEach,
        closing: 0,
        seed: new Random(world.seed).below(1 << 30),
      };
      const played = await playBoth(pages, game).finally(() => {
        isOver = true;
      });
      const seconds = (Date.now() - startedAt) / 1000;
      console.log(`      ${played.reads} reads in ${seconds} s, ${await visits} tabs came and went`);
    }).timeout(30_000 + 100 * turnsEach * LANES);
  });
}

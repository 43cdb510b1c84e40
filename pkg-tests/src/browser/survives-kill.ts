/**
 * The whole browser is killed with SIGKILL at random moments, again and again on one profile.
 *
 * In each round a page first checks what the rounds before it left, then commits numbered transactions, strict and
 * relaxed, one by one and in bursts, and tells each acknowledged number to this process. Then comes the kill: after a
 * random number of acknowledgements, or a random time after the page began (which hits opening and recovery too).
 * Every acknowledged transaction must be found by the next round, and none of any kind may be torn: a transaction
 * writes `ROWS_EACH` rows, and every fifth also increments a counter, so that tearing shows.
 */
import { assert } from 'chai';
import { Random } from '../suite/random.ts';
import { Browser, withProfile } from '../support/browser.ts';
import type { World } from './world.ts';

/** Each with a backing store of its own; Chromium is changing from the first to the second. */
const STORES = [
  { title: 'on the default backing store', rounds: 20, flags: [] },
  { title: 'on the SQLite backing store', rounds: 5, flags: ['--enable-features=IdbSqliteBackingStore'] },
] as const;
const ROWS_EACH = 4;
const COUNTED_EVERY = 5;
const ACKNOWLEDGEMENTS_MAX = 60;
const DELAY_MS_MAX = 400;

interface Acknowledged {
  number: number;
  version: number;
}

interface Found {
  /** Transactions of which all rows are there. */
  whole: number[];
  /** Transactions of which only some rows are there, or wrong ones. */
  torn: number[];
  counter: number;
  version: number;
}

export function survivesKill(world: World): void {
  describe('SIGKILL of the whole browser', () => {
    for (const store of STORES) {
      it(`loses no acknowledged commit and tears none, ${store.rounds} times over, ${store.title}`, async () => {
        await withProfile((profile) => killRounds(world, profile, store));
      }).timeout(150_000);
    }
  });
}

async function killRounds(
  world: World,
  profile: string,
  { rounds, flags }: (typeof STORES)[number],
): Promise<void> {
  const random = new Random(world.seed);
  const acknowledged: Acknowledged[] = [];
  let first = 1;
  for (let round = 0; round <= rounds; round += 1) {
    const browser = await Browser.launch(profile, flags);
    try {
      const context = `seed ${world.seed}, round ${round}`;
      const page = await browser.openPage(world.toolsPage);
      const found = await page.evaluate(readBack, { rowsEach: ROWS_EACH });
      assertNothingLost(found, acknowledged, context);
      assert.deepEqual(browser.problems, [], context);
      if (round === rounds) break;

      const killed = nextMoment(random);
      let count = 0;
      await page.exposeBinding('acknowledge', (_source, number: number, version: number) => {
        acknowledged.push({ number, version });
        count += 1;
        if (count === killed.afterCount) killed.now();
      });
      first = Math.max(first, ...found.whole, ...acknowledged.map(({ number }) => number)) + 1;
      const kill = await browser.aim();
      // It never ends by itself; the kill rejects it.
      const commits = page.evaluate(commitForever, {
        first,
        rowsEach: ROWS_EACH,
        countedEvery: COUNTED_EVERY,
        seed: random.below(1 << 30),
      });
      const outcome = commits.then(
        () => 'the page stopped',
        (error: unknown) => `the page stopped: ${error}`,
      );
      killed.startClock();
      const stopped = await Promise.race([killed.moment, outcome]);
      assert.isUndefined(stopped, context);
      await kill();
      await outcome;
    } finally {
      await browser.close();
    }
  }
  assert.isAbove(acknowledged.length, 5 * rounds, `seed ${world.seed}: too few commits to mean anything`);
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

function assertNothingLost(found: Found, acknowledged: readonly Acknowledged[], context: string): void {
  assert.deepEqual(found.torn, [], `${context}: torn transactions`);
  const whole = new Set(found.whole);
  const lost = acknowledged.filter(({ number }) => !whole.has(number));
  assert.deepEqual(lost, [], `${context}: acknowledged transactions that are gone`);
  const counted = found.whole.filter((number) => number % COUNTED_EVERY === 0).length;
  assert.equal(found.counter, counted, `${context}: the counter and the transactions that incremented it`);
  for (const { version } of acknowledged)
    assert.isAtLeast(found.version, version, `${context}: versions go backwards`);
}

// -- in the page

declare function acknowledge(number: number, version: number): Promise<void>;

async function readBack({ rowsEach }: { rowsEach: number }): Promise<Found> {
  const db = await plinth.open('killed');
  const rowsByNumber = new Map<number, string[]>();
  for (const [key, value] of await db.getRangeAll('row/')) {
    const [, number, row] = (tools.text(key) ?? '').split('/').map(Number);
    const rows = rowsByNumber.get(number ?? -1) ?? [];
    rows[row ?? -1] = tools.text(value) ?? '';
    rowsByNumber.set(number ?? -1, rows);
  }
  const found: Found = { whole: [], torn: [], counter: await tools.numberAt(db, 'counter'), version: 0 };
  for (const [number, rows] of rowsByNumber) {
    const isWhole =
      rows.length === rowsEach && rows.every((value, row) => value.startsWith(`${number}/${row}/`));
    (isWhole ? found.whole : found.torn).push(number);
  }
  const writer = db.rawCreateTransaction();
  found.version = await writer.getReadVersion();
  await db.close();
  return found;
}

interface CommitOptions {
  first: number;
  rowsEach: number;
  countedEvery: number;
  seed: number;
}

async function commitForever({ first, rowsEach, countedEvery, seed }: CommitOptions): Promise<void> {
  const db = await plinth.open('killed');
  let next = first;
  let state = seed;
  function below(bound: number): number {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state % bound;
  }

  async function commit(durability: 'strict' | 'relaxed'): Promise<void> {
    const number = next;
    next += 1;
    // Now and then a record too large for one part.
    const padding = '.'.repeat(number % 37 === 0 ? 30_000 : below(200));
    let version = -1;
    const tn = db.rawCreateTransaction({ durability });
    for (;;) {
      for (let row = 0; row < rowsEach; row += 1) {
        tn.set(`row/${tools.numbered('', number)}/${row}`, `${number}/${row}/${padding}`);
      }
      if (number % countedEvery === 0) {
        const counter = Number(tools.text(await tn.get('counter')) ?? '0');
        tn.set('counter', `${counter + 1}`);
      }
      try {
        await tn.rawCommit();
        version = tn.getCommittedVersion();
        break;
      } catch (error) {
        if (!(error instanceof plinth.FDBError)) throw error;
        await tn.rawOnError(error.code);
      }
    }
    await acknowledge(number, version);
  }

  async function oneByOne(durability: 'strict' | 'relaxed'): Promise<never> {
    for (;;) await commit(durability);
  }

  async function inBursts(): Promise<never> {
    for (;;) {
      const burst = Array.from({ length: 2 + below(12) }, (_, index) =>
        commit(index % 2 === 0 ? 'strict' : 'relaxed'),
      );
      await Promise.all(burst);
    }
  }

  await Promise.all([oneByOne('strict'), oneByOne('relaxed'), inBursts()]);
}

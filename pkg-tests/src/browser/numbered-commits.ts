/**
 * Numbered commits of a page that is about to end, and what has to be left of them.
 *
 * The page commits strict and relaxed transactions, one by one and in bursts, and tells each acknowledged number to this
 * process. Afterwards every acknowledged transaction must be found, and none of any kind may be torn: a transaction
 * writes `ROWS_EACH` rows, and every fifth also increments a counter, so that tearing shows.
 */
import { assert } from 'chai';
import type { Random } from '../suite/random.ts';
import type { Page } from '../support/driver.ts';

const ROWS_EACH = 4;
const COUNTED_EVERY = 5;

interface Acknowledged {
  number: number;
  version: number;
  /** The newest version when its page began. */
  begunAt: number;
}

interface Found {
  /** Transactions of which all rows are there. */
  whole: number[];
  /** Transactions of which only some rows are there, or wrong ones. */
  torn: number[];
  counter: number;
  version: number;
  /** The browser's own word that it threw the whole store away (see `survives-kill.ts`); empty if it did not. */
  thrownAway: string;
}

export class NumberedCommits {
  readonly #name: string;
  readonly #acknowledged: Acknowledged[] = [];
  #totalCount = 0;
  #found: Found = { whole: [], torn: [], counter: 0, version: 0, thrownAway: '' };

  constructor(name: string) {
    this.#name = name;
  }

  /** Commits acknowledged so far, those of a store that the browser threw away included. */
  get totalCount(): number {
    return this.#totalCount;
  }

  /**
   * Reads everything back in `page` and compares it with what was acknowledged so far.
   *
   * If the browser says that it threw the store away, nothing may be left, and the numbered commits begin anew; resolves
   * with what it said then.
   */
  async assertNothingLost(page: Page, context: string): Promise<string> {
    const found = await page.evaluate(readBack, { name: this.#name, rowsEach: ROWS_EACH });
    this.#found = found;
    assert.deepEqual(found.torn, [], `${context}: torn transactions`);
    if (found.thrownAway !== '') {
      assert.deepEqual(found.whole, [], `${context}: rows in a new store`);
      this.#acknowledged.length = 0;
      return found.thrownAway;
    }
    const whole = new Set(found.whole);
    const lost = this.#acknowledged.filter(({ number }) => !whole.has(number));
    assert.deepEqual(lost, [], `${context}: acknowledged transactions that are gone`);
    const counted = found.whole.filter((number) => number % COUNTED_EVERY === 0).length;
    assert.equal(found.counter, counted, `${context}: the counter and the transactions that incremented it`);
    for (const { version, begunAt } of this.#acknowledged) {
      assert.isAbove(version, begunAt, `${context}: versions go backwards`);
      assert.isAtLeast(found.version, version, `${context}: versions go backwards`);
    }
    return '';
  }

  /**
   * Lets `page` commit until its end; `end` resolves with the reason. Call `assertNothingLost` before, so that numbers
   * go on above those that are there.
   *
   * `onAcknowledged` is called with the count of this page's acknowledged commits.
   */
  async begin(
    page: Page,
    random: Random,
    onAcknowledged: (count: number) => void,
  ): Promise<{ end: Promise<string> }> {
    const begunAt = this.#found.version;
    let count = 0;
    await page.exposeFunction('acknowledge', (number: number, version: number) => {
      this.#acknowledged.push({ number, version, begunAt });
      this.#totalCount += 1;
      count += 1;
      onAcknowledged(count);
    });
    const first = Math.max(0, ...this.#found.whole) + 1;
    const seed = random.below(1 << 30);
    const options = { name: this.#name, rowsEach: ROWS_EACH, countedEvery: COUNTED_EVERY, first, seed };
    const end = page.evaluate(commitForever, options).then(
      () => 'the page stopped',
      (error: unknown) => `the page stopped: ${error}`,
    );
    return { end };
  }
}

// -- in the page

declare function acknowledge(number: number, version: number): Promise<void>;

async function readBack({ name, rowsEach }: ReadOptions): Promise<Found> {
  const damage: string[] = [];
  const open = IDBFactory.prototype.open;
  IDBFactory.prototype.open = function (...request) {
    const opening = open.apply(this, request);
    opening.addEventListener('upgradeneeded', (event) => {
      // Chromium alone has these two.
      const { dataLoss, dataLossMessage } = event as IDBVersionChangeEvent & Record<string, string>;
      if (dataLoss === 'total') damage.push(dataLossMessage || 'no reason given');
    });
    return opening;
  };
  const db = await plinth.open(name).catch((error: unknown) => {
    // That may be how the package says it; the store is new then.
    if (damage.length > 0) return plinth.open(name);
    throw error;
  });
  IDBFactory.prototype.open = open;
  const rowsByNumber = new Map<number, string[]>();
  for (const [key, value] of await db.getRangeAll('row/')) {
    const [, number, row] = (tools.text(key) ?? '').split('/').map(Number);
    const rows = rowsByNumber.get(number ?? -1) ?? [];
    rows[row ?? -1] = tools.text(value) ?? '';
    rowsByNumber.set(number ?? -1, rows);
  }
  const found: Found = {
    whole: [],
    torn: [],
    counter: await tools.numberAt(db, 'counter'),
    version: 0,
    thrownAway: damage.join(),
  };
  for (const [number, rows] of rowsByNumber) {
    const isWhole =
      rows.length === rowsEach && rows.every((value, row) => value.startsWith(`${number}/${row}/`));
    (isWhole ? found.whole : found.torn).push(number);
  }
  const writer = db.rawCreateTransaction();
  found.version = plinth.versionNumber(await writer.getReadVersion());
  await db.close();
  return found;
}

interface ReadOptions {
  name: string;
  rowsEach: number;
}

interface CommitOptions extends ReadOptions {
  first: number;
  countedEvery: number;
  seed: number;
}

async function commitForever({ name, first, rowsEach, countedEvery, seed }: CommitOptions): Promise<void> {
  const db = await plinth.open(name);
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
        version = plinth.versionNumber(tn.getCommittedVersion());
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

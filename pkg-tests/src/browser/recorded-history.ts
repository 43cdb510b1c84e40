/**
 * Everything that the transactions of four tabs read, wrote and were told is recorded and judged as a whole, by a checker
 * that knows nothing of the engine: the history is strictly serializable.
 *
 * Keys hold lists; a write appends an element that nobody else appends, after reading the list or blindly, by an atomic
 * operation. Tabs close the database and open it again; some are closed in the middle and replaced. In the end the same
 * history with reads made stale shows how much the checker would have noticed.
 *
 * PLINTH_STEPS says for how long: 15 ms for each step.
 */
import { assert } from 'chai';
import { Random } from '../suite/random.ts';
import type { Page } from '../support/driver.ts';
import { PageClock } from '../support/page-clock.ts';
import { type Operation, type RecordedTransaction, violationsOf } from '../support/strict-serializability.ts';
import { uniqueName, type World, withTabs } from './world.ts';

const TABS = 4;
/** Lists grow; when one is long, its place gets a new key. */
const LIST_LENGTH_MAX = 60;
const PLACES = 5;
const MS_PER_STEP = 15;
/** Of the reads that are made stale on purpose. */
const FOUND_MIN = 0.5;
const PLANTED = 60;

/** As a page records it, in its own time. */
interface Recorded {
  name: string;
  begunAt: number;
  endedAt: number;
  fate: RecordedTransaction['fate'];
  operations: Operation[];
}

interface Tab {
  page: Page;
  clock: PageClock;
  recorded: Recorded[];
}

interface Settings {
  name: string;
  tab: number;
  seed: number;
  places: number;
  lengthMax: number;
}

/** As text: what Playwright makes of so many objects keeps this process from serving pages. */
declare function record(recorded: string): Promise<void>;

/** Runs in the page until `stopRecording` is called there. */
async function work({ name, tab, seed, places, lengthMax }: Settings): Promise<void> {
  const APPEND_IF_FITS = 9;
  let db = await plinth.open(name);
  let isStopped = false;
  let count = 0;
  let state = seed >>> 0;
  let unreported: Recorded[] = [];
  /** How often the key of a place was replaced, as far as this tab knows. */
  const generations: number[] = new Array(places).fill(0);
  function below(bound: number): number {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * bound);
  }
  function now(): number {
    return performance.timeOrigin + performance.now();
  }
  function listOf(value: Uint8Array | undefined): string[] {
    return (tools.text(value) ?? '').split(' ').filter((element) => element !== '');
  }

  async function run(lane: number): Promise<void> {
    const tn = db.rawCreateTransaction();
    const id = `${tab}.${lane}.${count}`;
    count += 1;
    const one: Recorded = { name: `T${id}`, begunAt: now(), endedAt: 0, fate: 'committed', operations: [] };
    const { operations } = one;
    const readsAll = below(5) === 0;
    const writes = below(3) > 0;
    try {
      if (readsAll) {
        // Also what is not there was read.
        const keys = generations.map((generation, place) => `list/${place}/${generation}`);
        const rows = new Map<string, string[]>();
        for await (const [key, value] of tn.getRange('list/', 'list0')) {
          rows.set(tools.text(key) ?? '', listOf(value));
        }
        for (const key of new Set([...keys, ...rows.keys()])) {
          operations.push({ kind: 'read', key, list: rows.get(key) ?? [] });
        }
      }
      for (let step = 0; step < 1 + below(3); step += 1) {
        const place = below(places);
        const key = `list/${place}/${generations[place]}`;
        const element = `${id}.${step}`;
        if (writes && below(3) === 0) {
          tn.atomicOp(APPEND_IF_FITS, key, ` ${element}`);
          operations.push({ kind: 'append', key, element });
          continue;
        }
        const list = listOf(await tn.get(key));
        operations.push({ kind: 'read', key, list });
        if (list.length >= lengthMax) generations[place] = (generations[place] ?? 0) + 1;
        if (!writes || below(2) === 0) continue;
        tn.set(key, [...list, element].join(' '));
        operations.push({ kind: 'append', key, element });
      }
      await tn.rawCommit();
    } catch (error) {
      if (!(error instanceof plinth.FDBError)) throw error;
      one.fate = error.code === plinth.errorCodes.commit_unknown_result ? 'unknown' : 'failed';
    }
    one.endedAt = now();
    unreported.push(one);
  }

  async function send(): Promise<void> {
    const filled = unreported;
    unreported = [];
    await record(JSON.stringify(filled));
  }

  async function workOn(lane: number): Promise<void> {
    while (!isStopped) {
      await run(lane);
      // Leaves the machine time for the tabs that come.
      await tools.sleep(1 + below(8));
      if (lane === 0 && below(40) === 0) {
        const closed = db;
        db = await plinth.open(name);
        // What the other lanes have begun with it fails, and is recorded as having failed.
        await closed.close();
      }
    }
  }

  async function sendOn(): Promise<void> {
    while (!isStopped) {
      await tools.sleep(100);
      await send();
    }
  }

  const lanes = [workOn(0), workOn(1), workOn(2)];
  const ended = Promise.all([...lanes, sendOn()]);
  Object.assign(globalThis, {
    stopRecording: async () => {
      isStopped = true;
      await ended;
      await send();
      await db.close();
    },
  });
  ended.catch((error: unknown) => console.error(`the work ended with ${error}`));
}

class Recording {
  readonly #world: World;
  readonly #name = uniqueName();
  readonly #random: Random;
  readonly #all: Tab[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#random = new Random(world.seed ^ 0x4157);
  }

  /** Puts a new tab to work. */
  async hire(open: () => Promise<Page>): Promise<Tab> {
    const page = await open();
    const tab: Tab = { page, clock: await PageClock.of(page), recorded: [] };
    const number = this.#all.push(tab) - 1;
    await page.exposeFunction('record', (recorded: string) => {
      tab.recorded.push(...(JSON.parse(recorded) as Recorded[]));
    });
    await page.evaluate(work, {
      name: this.#name,
      tab: number,
      seed: this.#world.seed + 77 * number,
      places: PLACES,
      lengthMax: LIST_LENGTH_MAX,
    });
    return tab;
  }

  /** Reads everything in the end, in a transaction that comes after all others. */
  async readAll(page: Page): Promise<RecordedTransaction> {
    const rows = await page.evaluate(async (name) => {
      const db = await plinth.open(name);
      const rows = await db.getRangeAll('list/', 'list0');
      await db.close();
      return rows.map(([key, value]) => [tools.text(key) ?? '', tools.text(value) ?? ''] as const);
    }, this.#name);
    const operations = rows.map(([key, value]): Operation => {
      return { kind: 'read', key, list: value.split(' ').filter((element) => element !== '') };
    });
    const at = performance.timeOrigin + performance.now();
    return { name: 'the last look', begunAt: at, endedAt: at, fate: 'committed', operations };
  }

  /** All of it on one clock, with those that nobody heard the end of. */
  history(last: RecordedTransaction): RecordedTransaction[] {
    const told = this.#all.flatMap(({ clock, recorded }) =>
      recorded.map((one) => ({
        ...one,
        begunAt: clock.earliest(one.begunAt),
        endedAt: clock.latest(one.endedAt),
      })),
    );
    return [...told, ...untold(told, last), last];
  }

  /** How unsure the clocks are. */
  get spanMs(): number {
    return Math.max(...this.#all.map(({ clock }) => clock.spanMs));
  }

  get random(): Random {
    return this.#random;
  }
}

/** Transactions of tabs that were closed before they told of them: known by what they appended. */
function untold(told: readonly RecordedTransaction[], last: RecordedTransaction): RecordedTransaction[] {
  const names = new Set(told.map(({ name }) => name));
  const found = new Map<string, Operation[]>();
  for (const { operations } of [...told, last]) {
    for (const operation of operations) {
      if (operation.kind !== 'read') continue;
      for (const element of operation.list) {
        const name = `T${element.split('.').slice(0, 3).join('.')}`;
        if (names.has(name)) continue;
        const appends = found.get(name) ?? [];
        found.set(name, appends);
        if (!appends.some((known) => known.kind === 'append' && known.element === element)) {
          appends.push({ kind: 'append', key: operation.key, element });
        }
      }
    }
  }
  return [...found].map(([name, operations]) => ({
    name,
    begunAt: Number.NEGATIVE_INFINITY,
    endedAt: Number.POSITIVE_INFINITY,
    fate: 'unknown',
    operations: operations.sort((left, right) => stepOf(left) - stepOf(right)),
  }));
}

function stepOf(operation: Operation): number {
  return operation.kind === 'append' ? Number(operation.element.split('.')[3]) : 0;
}

/** The history with one read that misses the newest element it saw; undefined if there is no such read there. */
function withStaleRead(
  history: readonly RecordedTransaction[],
  victim: number,
): RecordedTransaction[] | undefined {
  const read = history[victim]?.operations[0];
  if (read?.kind !== 'read' || read.list.length === 0 || history[victim]?.fate !== 'committed')
    return undefined;
  return history.map((one, index) => {
    if (index !== victim) return one;
    const operations = one.operations.map((operation) =>
      operation.kind === 'read' && operation.key === read.key
        ? { ...operation, list: operation.list.filter((element) => element !== read.list.at(-1)) }
        : operation,
    );
    return { ...one, operations };
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function recordedHistory(world: World): void {
  const runMs = MS_PER_STEP * world.steps;

  describe('the recorded history of all tabs', () => {
    const tabs = withTabs(world);

    it(`is strictly serializable, after ${runMs / 1000} s`, async () => {
      const recording = new Recording(world);
      const { random } = recording;
      const living: Tab[] = [];
      for (let count = 0; count < TABS; count += 1) living.push(await recording.hire(tabs.open));
      const begunAt = Date.now();
      let closed = 0;
      while (Date.now() - begunAt < runMs) {
        await sleep(200 + random.below(600));
        const victim = living[random.below(living.length)] as Tab;
        living.splice(living.indexOf(victim), 1);
        await victim.page.close();
        closed += 1;
        living.push(await recording.hire(tabs.open));
      }
      await Promise.all(
        living.map(({ page }) =>
          page.evaluate(() => (globalThis as unknown as { stopRecording(): Promise<void> }).stopRecording()),
        ),
      );
      const history = recording.history(await recording.readAll((living[0] as Tab).page));

      const context = `seed ${world.seed}`;
      const committed = history.filter(({ fate }) => fate === 'committed');
      assert.deepEqual(violationsOf(history), [], context);
      assert.isAbove(committed.length, runMs / 50, `${context}: too few transactions to mean anything`);

      let [planted, found] = [0, 0];
      for (let attempt = 0; attempt < 20 * PLANTED && planted < PLANTED; attempt += 1) {
        const stale = withStaleRead(history, random.below(history.length));
        if (stale === undefined) continue;
        planted += 1;
        if (violationsOf(stale).length > 0) found += 1;
      }
      console.log(
        `      ${committed.length} committed, ${history.length - committed.length} others; ${closed} tabs closed; clocks within ${recording.spanMs.toFixed(1)} ms;`,
      );
      console.log(`      of ${planted} reads made stale by one element, ${found} are found`);
      assert.isAbove(planted, 0, context);
      assert.isAtLeast(found / planted, FOUND_MIN, `${context}: the record is too coarse`);
    }).timeout(180_000 + 5 * runMs);
  });
}

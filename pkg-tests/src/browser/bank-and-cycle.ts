/**
 * FoundationDB's two favourite workloads for a page, mixed: transfers between accounts, whose sum never changes, and a
 * cycle of keys, each pointing at the next, in which three links are turned around; every reader must find one cycle.
 *
 * Each transaction also writes a row with its own number, so that none that was acknowledged can go lost unseen, and is
 * told to the test with the time it took. An auditor in the same page checks both invariants in one transaction each.
 */
import { assert } from 'chai';
import type { Transaction } from 'plinthdb';
import type { Page } from '../support/driver.ts';

const ACCOUNTS = 12;
const NODES = 12;
const SUM = 100 * ACCOUNTS;

/** One acknowledged transaction or audit, in `Date.now()` times. */
export interface Done {
  kind: 'transfer' | 'rotation' | 'audit';
  number: number;
  begunAt: number;
  endedAt: number;
}

export interface Report {
  tab: number;
  done: Done[];
  /** What was found broken. */
  broken: string[];
}

interface Settings {
  name: string;
  accounts: number;
  nodes: number;
}

export function fill(page: Page, name: string): Promise<void> {
  return page.evaluate(
    async ({ name, accounts, nodes }: Settings) => {
      const db = await plinth.open(name);
      await db.doTransaction((tn) => {
        for (let account = 0; account < accounts; account += 1) tn.set(`account/${account}`, '100');
        for (let node = 0; node < nodes; node += 1) tn.set(`node/${node}`, `${(node + 1) % nodes}`);
      });
      await db.close();
    },
    { name, accounts: ACCOUNTS, nodes: NODES },
  );
}

/**
 * Opens the database in `page` and begins to work there, until the page ends or `stopWork`. `tab` must be a number that no
 * other page ever had.
 */
export async function beginWork(
  page: Page,
  { name, tab, seed }: { name: string; tab: number; seed: number },
  onReport: (report: Report) => void,
): Promise<void> {
  await page.exposeFunction('report', (report: Report) => onReport(report));
  await page.evaluate(work, { name, tab, seed, accounts: ACCOUNTS, nodes: NODES, sum: SUM });
}

/** Lets the page finish what it is at; resolves when all of it is reported. */
export function stopWork(page: Page): Promise<void> {
  return page.evaluate(() => (globalThis as unknown as { stopWork(): Promise<void> }).stopWork());
}

/** Checks in `page` that the row of every acknowledged transaction is there. */
export async function assertWhole(
  page: Page,
  name: string,
  acknowledged: ReadonlyMap<number, readonly number[]>,
): Promise<void> {
  const rows = await page.evaluate(async (name) => {
    const db = await plinth.open(name);
    const rows = (await db.getRangeAll('done/')).map(([key]) => tools.text(key) ?? '');
    await db.close();
    return rows;
  }, name);
  const found = new Set(rows);
  const lost = [...acknowledged].flatMap(([tab, numbers]) =>
    numbers.map((number) => `done/${tab}/${number}`).filter((row) => !found.has(row)),
  );
  assert.deepEqual(lost, [], 'acknowledged transactions that are gone');
}

// -- in the page

declare function report(report: Report): Promise<void>;

async function work({
  name,
  tab,
  seed,
  accounts,
  nodes,
  sum,
}: Settings & { tab: number; seed: number; sum: number }): Promise<void> {
  const db = await plinth.open(name);
  const REPORT_EVERY_MS = 50;
  let isStopped = false;
  let next = 0;
  let state = seed >>> 0;
  let unreported: Report = { tab, done: [], broken: [] };
  function below(bound: number): number {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * bound);
  }

  async function numberAt(tn: Transaction, key: string): Promise<number> {
    return Number(tools.text(await tn.get(key)));
  }

  async function transfer(tn: Transaction, draw: readonly number[]): Promise<void> {
    const [from, to, amount] = [draw[0] ?? 0, draw[1] ?? 0, draw[2] ?? 0];
    if (from === to) return;
    const [left, right] = await Promise.all([numberAt(tn, `account/${from}`), numberAt(tn, `account/${to}`)]);
    tn.set(`account/${from}`, `${left - amount}`);
    tn.set(`account/${to}`, `${right + amount}`);
  }

  /** a -> b -> c -> d becomes a -> c -> b -> d. */
  async function rotate(tn: Transaction, draw: readonly number[]): Promise<void> {
    const a = draw[0] ?? 0;
    const b = await numberAt(tn, `node/${a}`);
    const c = await numberAt(tn, `node/${b}`);
    const d = await numberAt(tn, `node/${c}`);
    tn.set(`node/${a}`, `${c}`);
    tn.set(`node/${c}`, `${b}`);
    tn.set(`node/${b}`, `${d}`);
  }

  async function audit(tn: Transaction): Promise<string | undefined> {
    let found = 0;
    for await (const [, value] of tn.getRange('account/', 'account0')) found += Number(tools.text(value));
    if (found !== sum) return `the accounts' sum is ${found}, not ${sum}`;
    const path: number[] = [];
    let node = 0;
    do {
      path.push(node);
      node = await numberAt(tn, `node/${node}`);
    } while (node !== 0 && path.length <= nodes);
    return path.length === nodes ? undefined : `the cycle from 0 is ${path.join()}`;
  }

  async function writeOn(
    kind: 'transfer' | 'rotation',
    body: (tn: Transaction, draw: readonly number[]) => Promise<void>,
  ): Promise<void> {
    while (!isStopped) {
      const number = next;
      next += 1;
      const draw = [below(accounts), below(accounts), 1 + below(9)];
      const begunAt = Date.now();
      await db.doTransaction(async (tn) => {
        await body(tn, draw);
        tn.set(`done/${tab}/${number}`, '');
      });
      unreported.done.push({ kind, number, begunAt, endedAt: Date.now() });
    }
  }

  async function auditOn(): Promise<void> {
    while (!isStopped) {
      const begunAt = Date.now();
      const broken = await db.doTransaction(audit);
      unreported.done.push({ kind: 'audit', number: -1, begunAt, endedAt: Date.now() });
      if (broken !== undefined) unreported.broken.push(broken);
      await tools.sleep(10);
    }
  }

  async function send(): Promise<void> {
    const filled = unreported;
    unreported = { tab, done: [], broken: [] };
    await report(filled);
  }

  async function reportOn(): Promise<void> {
    while (!isStopped) {
      await tools.sleep(REPORT_EVERY_MS);
      await send();
    }
  }

  const loops = [writeOn('transfer', transfer), writeOn('transfer', transfer), writeOn('rotation', rotate)];
  const ended = Promise.all(
    [...loops, auditOn(), reportOn()].map((loop) =>
      loop.catch((error: unknown) => unreported.broken.push(`the work ended with ${error}`)),
    ),
  );
  Object.assign(globalThis, {
    stopWork: async () => {
      isStopped = true;
      await ended;
      await send();
      await db.close();
    },
  });
}

/** Watches what the package asks of IndexedDB: every transaction, with its mode and its real durability. */
import type { Page } from '../support/driver.ts';
import type { World } from './world.ts';

export interface SeenTransaction {
  mode: IDBTransactionMode;
  /** As the browser understood it, not as it was asked for. */
  durability: string;
}

interface Instrumented {
  seenTransactions: SeenTransaction[];
}

/** A tab in which `IDBDatabase.prototype.transaction` was wrapped before anything else ran. */
export async function openInstrumented(world: World): Promise<Page> {
  const page = await world.browser.newPage();
  await page.addInitScript(() => {
    const seen: SeenTransaction[] = [];
    Object.assign(globalThis, { seenTransactions: seen });
    const original = IDBDatabase.prototype.transaction;
    IDBDatabase.prototype.transaction = function (...request) {
      const transaction = original.apply(this, request);
      seen.push({ mode: transaction.mode, durability: transaction.durability });
      return transaction;
    };
  });
  await page.goto(world.toolsPage);
  return page;
}

/** The readwrite transactions since the last call. */
export async function takeWrites(page: Page): Promise<SeenTransaction[]> {
  return (await take(page)).filter(({ mode }) => mode !== 'readonly');
}

/** The readonly transactions since the last call. */
export async function takeReads(page: Page): Promise<SeenTransaction[]> {
  return (await take(page)).filter(({ mode }) => mode === 'readonly');
}

function take(page: Page): Promise<SeenTransaction[]> {
  return page.evaluate(() => (globalThis as unknown as Instrumented).seenTransactions.splice(0));
}

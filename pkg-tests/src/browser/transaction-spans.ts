/** When a page began each transaction of IndexedDB, and when it had called for its commit. */
import type { Page } from '../support/driver.ts';

/** Milliseconds of `performance.now()`. */
interface Span {
  begunAt: number;
  /** None for one that is left to end by itself, or has not got so far. */
  committedAt?: number;
}

interface WrittenDown {
  transactionSpans: Span[];
}

/** To run in a page before anything else. */
export function writeDownSpans(): void {
  const spans: Span[] = [];
  Object.assign(globalThis, { transactionSpans: spans });
  const spanOf = new WeakMap<IDBTransaction, Span>();
  const begin = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function (...request) {
    const span: Span = { begunAt: performance.now() };
    spans.push(span);
    const transaction = begin.apply(this, request);
    spanOf.set(transaction, span);
    return transaction;
  };
  const commit = IDBTransaction.prototype.commit;
  IDBTransaction.prototype.commit = function () {
    commit.call(this);
    const span = spanOf.get(this);
    if (span) span.committedAt = performance.now();
  };
}

/** The longest time from the beginning of a transaction to the call for its commit. */
export function longestSpanMs(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { transactionSpans } = globalThis as unknown as WrittenDown;
    const lengths = transactionSpans.map(({ begunAt, committedAt = begunAt }) => committedAt - begunAt);
    return Math.max(0, ...lengths);
  });
}

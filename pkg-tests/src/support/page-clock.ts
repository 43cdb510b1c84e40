/**
 * Brings the clocks of pages together: `performance.timeOrigin + performance.now()` of different processes may differ, and
 * a browser makes such clocks coarse on purpose. A page's clock is asked for between two looks at the clock here, many
 * times; what is left is a span in which the difference lies.
 */
import type { Page } from './driver.ts';

const QUESTIONS = 20;
/** Firefox rounds to a millisecond; and clocks may drift apart by a little meanwhile. */
const MARGIN_MS = 1.5;

export class PageClock {
  /** Bounds of what the page's clock is ahead of the one here. */
  readonly #aheadMin: number;
  readonly #aheadMax: number;

  private constructor(aheadMin: number, aheadMax: number) {
    this.#aheadMin = aheadMin;
    this.#aheadMax = aheadMax;
  }

  static async of(page: Page): Promise<PageClock> {
    let [aheadMin, aheadMax] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let question = 0; question < QUESTIONS; question += 1) {
      const before = now();
      const there = await page.evaluate(() => performance.timeOrigin + performance.now());
      const after = now();
      aheadMin = Math.max(aheadMin, there - after);
      aheadMax = Math.min(aheadMax, there - before);
    }
    return new PageClock(aheadMin - MARGIN_MS, aheadMax + MARGIN_MS);
  }

  /** How unsure it is. */
  get spanMs(): number {
    return this.#aheadMax - this.#aheadMin;
  }

  /** The earliest that a time of the page can be here. */
  earliest(there: number): number {
    return there - this.#aheadMax;
  }

  /** The latest. */
  latest(there: number): number {
    return there - this.#aheadMin;
  }
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

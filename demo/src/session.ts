/** What every panel works with: the open database and the page's own services. */

import type { Database } from 'plinthdb';
import type { Notices } from './notices';
import type { Timings } from './timings';

export const DATABASE_NAME = 'demo';

export interface Session {
  readonly db: Database;
  readonly notices: Notices;
  readonly timings: Timings;
  /** A short name for this tab, new with every page load. */
  readonly tab: string;
  /** When this page was loaded, as `Date.now()`: the key of its visit. */
  readonly visitAt: number;
  /** The line at the top of the page. */
  showState(text: string): void;
}

export function makeTabName(): string {
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ';
  const random = crypto.getRandomValues(new Uint8Array(3));
  return Array.from(random, (byte) => letters[byte % letters.length]).join('');
}

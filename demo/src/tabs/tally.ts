/** The counter and everybody's share of it, as of one version. */

import { type Database, type Row, tuple } from 'plinthdb';
import { type PeerReport, parseReport } from './peer';
import { type TabsSpace, unpackNumber } from './space';

export interface Tally {
  total: number;
  /** Increments by the name of the tab. */
  shares: Map<string, number>;
  reports: Map<string, PeerReport>;
  /** `Date.now()` until which every tab is to count. */
  raceUntil: number;
}

export function tallyOf(space: TabsSpace, rows: Iterable<Row>): Tally {
  const tally: Tally = { total: 0, shares: new Map(), reports: new Map(), raceUntil: 0 };
  for (const [key, value] of rows) {
    const [what, of] = space.count.unpackKey(key);
    if (what === 'total') tally.total = unpackNumber(value);
    if (what === 'race') tally.raceUntil = unpackNumber(value);
    if (what === 'by') tally.shares.set(String(of), unpackNumber(value));
    if (what === 'tab') tally.reports.set(String(of), parseReport(value));
  }
  return tally;
}

export async function readTally(db: Database, space: TabsSpace): Promise<Tally> {
  return tallyOf(space, await db.getRangeAll(space.count.prefix));
}

/** Has every tab count until then. */
export async function callRace(db: Database, space: TabsSpace, until: number): Promise<void> {
  await db.set(space.count.packKey(['race']), tuple.pack([until]));
}

/** Sets the counter and every share to zero, and forgets the tabs that are gone. */
export async function setToZero(db: Database, space: TabsSpace, present: ReadonlySet<string>): Promise<void> {
  const { count } = space;
  await db.doTransaction(async (tn) => {
    const rows = await tn.snapshot().getRangeAll(count.packKey(['tab']));
    for (const [key] of rows) {
      if (!present.has(String(count.unpackKey(key)[1]))) tn.clear(key);
    }
    tn.clearRange(count.packKey(['by']));
    tn.clear(count.packKey(['total']));
    tn.set(count.packKey(['epoch']), tuple.pack([crypto.randomUUID()]));
  });
}

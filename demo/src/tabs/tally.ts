/** The counter and everybody's share of it, as of one version. */

import { type Database, type Row, tuple } from 'plinthdb';
import { type PeerReport, parseReport, presentPeers } from './peer';
import { type TabsSpace, unpackNumber } from './space';

/** In place of a name, for the shares of those who are gone. */
const GONE = '';

/** Whoever has killed somebody looks at the share that is left, for a while. */
const GATHERED_AFTER_MS = 60_000;

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

/**
 * Puts the shares of those who are gone together and forgets what they said of themselves.
 *
 * The rows are found by snapshot reads, because a read of all shares would conflict with everybody who
 * counts. Only the shares that are moved are read with a conflict: should one that has just died have
 * an increment on its way, one of the two commits is refused.
 */
export async function gatherGone(db: Database, space: TabsSpace): Promise<void> {
  const { count } = space;
  const present = await presentPeers();
  await db.doTransaction(async (tn) => {
    const rows = await tn.snapshot().getRangeAll(count.prefix);
    const { reports } = tallyOf(space, rows);
    let gathered = 0;
    for (const [key] of rows) {
      const [what, of] = count.unpackKey(key);
      if (of === undefined || of === GONE || present.has(String(of))) continue;
      const silentMs = Date.now() - (reports.get(String(of))?.at ?? 0);
      if (silentMs < GATHERED_AFTER_MS) continue;
      if (what === 'by') gathered += unpackNumber(await tn.get(key));
      tn.clear(key);
    }
    if (gathered === 0) return;
    const key = count.packKey(['by', GONE]);
    tn.set(key, tuple.pack([unpackNumber(await tn.get(key)) + gathered]));
  });
}

/** Sets the counter and every share to zero. */
export async function setToZero(db: Database, space: TabsSpace): Promise<void> {
  const { count } = space;
  await db.doTransaction((tn) => {
    tn.clearRange(count.packKey(['by']));
    tn.clear(count.packKey(['total']));
    tn.set(count.packKey(['epoch']), tuple.pack([crypto.randomUUID()]));
  });
}

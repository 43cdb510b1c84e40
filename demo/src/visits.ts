/** Earlier openings of this page, kept in the database itself under `visit/TIME`. */

import type { Database } from 'plinthdb';
import { fromJson, toText } from './bytes';

export interface Visit {
  /** Date.now() */
  at: number;
  openMs: number;
  keyCount: number;
}

const PREFIX = 'visit/';

/** Date.now() has thirteen digits until the year 2286: byte order is order in time. */
export async function addVisit(db: Database, visit: Visit): Promise<void> {
  await db.set(`${PREFIX}${visit.at}`, JSON.stringify(visit));
}

/** Those before a time, the newest first. */
export async function readVisits(db: Database, before: number, limit: number): Promise<Visit[]> {
  const rows = await db.getRangeAll(PREFIX, `${PREFIX}${before}`, { limit, reverse: true });
  return rows.map(([key, value]) => ({
    ...fromJson<Visit>(value),
    at: Number(toText(key).slice(PREFIX.length)),
  }));
}

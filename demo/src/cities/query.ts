/**
 * The questions that can be asked, each one range of one index.
 *
 * A query is one transaction: it reads the first rows of the range and the records they
 * point to, then walks the rest of the range for the map. What a later keystroke has made
 * stale is given up between reads.
 */

import { type Database, strInc, type Transaction } from 'plinthdb';
import { keyAfter, toBytes } from '../bytes';
import { type City, decodeCity } from './city';
import { type Cell, cellPrefix, cityKey, idOf, indexName } from './keys';
import { type Point, unpackPoints } from './points';

export type Query =
  | { kind: 'prefix'; country: string; prefix: string }
  | { kind: 'range'; country: string; from: string; to: string }
  | { kind: 'cell'; cell: Cell };

/** Half-open. */
export interface KeyRange {
  begin: Uint8Array;
  end: Uint8Array;
}

export const LIST_ROWS = 50;
export const PLOT_ROWS_MAX = 20_000;

/** The rows of the list, as soon as they are there. */
export interface Listed {
  /** Until the transaction knew which version it reads: the newest that any tab has committed. */
  versionMs: number;
  cities: City[];
  keysRead: number;
  ms: number;
  /** Where the next rows begin, if the range may hold more. */
  next: Uint8Array | undefined;
}

/** The whole range, for the map and the count. */
export interface Plotted {
  points: Point[];
  ms: number;
  /** False if the range holds more than the map shows. */
  complete: boolean;
}

export interface QueryViews {
  isStale(): boolean;
  list(listed: Listed): void;
  plot(plotted: Plotted): void;
}

/** Undefined for a question that says nothing yet. */
export function keyRange(query: Query): KeyRange | undefined {
  if (query.kind === 'cell') return startingWith(`${cellPrefix(query.cell)}\0`);
  const index = query.country === '' ? 'name/' : `country/${query.country}/`;
  if (query.kind === 'prefix') {
    const prefix = indexName(query.prefix.trimStart());
    if (prefix === '' && query.country === '') return undefined;
    return startingWith(index + prefix);
  }
  const from = indexName(query.from.trimStart());
  const to = indexName(query.to.trimStart());
  if (from === '' && to === '') return undefined;
  const begin = toBytes(index + from);
  // "to m" means: everything that begins with m is still in.
  const end = strInc(toBytes(index + to));
  return { begin, end };
}

export async function runQuery(db: Database, range: KeyRange, views: QueryViews): Promise<void> {
  await db.doTransaction(async (tn) => {
    const listed = await readList(tn, range.begin, range.end);
    if (views.isStale()) return;
    views.list(listed);
    const plotted = await readPoints(tn, range, views);
    if (!views.isStale()) views.plot(plotted);
  });
}

/** The next rows of a list that was cut. */
export async function continueList(db: Database, begin: Uint8Array, end: Uint8Array): Promise<Listed> {
  return db.doTransaction((tn) => readList(tn, begin, end));
}

async function readList(tn: Transaction, begin: Uint8Array, end: Uint8Array): Promise<Listed> {
  const askedMs = performance.now();
  await tn.getReadVersion();
  const beganMs = performance.now();
  const rows = await tn.getRangeAll(begin, end, { limit: LIST_ROWS });
  const cities = await Promise.all(rows.map(([key]) => readCity(tn, idOf(key))));
  const last = rows.at(-1);
  return {
    versionMs: beganMs - askedMs,
    cities,
    keysRead: rows.length + cities.length,
    ms: performance.now() - beganMs,
    next: last !== undefined && rows.length === LIST_ROWS ? keyAfter(last[0]) : undefined,
  };
}

async function readCity(tn: Transaction, id: number): Promise<City> {
  const value = await tn.get(cityKey(id));
  // One transaction wrote the record together with its index entries.
  if (value === undefined) throw new Error(`an index names ${cityKey(id)}, which is not there`);
  return decodeCity(id, value);
}

async function readPoints(tn: Transaction, { begin, end }: KeyRange, views: QueryViews): Promise<Plotted> {
  const beganMs = performance.now();
  const points: Point[] = [];
  let rowCount = 0;
  for await (const rows of tn.getRangeBatch(begin, end, { limit: PLOT_ROWS_MAX })) {
    for (const [, value] of rows) unpackPoints(value, points);
    rowCount += rows.length;
    if (views.isStale()) break;
  }
  return { points, ms: performance.now() - beganMs, complete: rowCount < PLOT_ROWS_MAX };
}

function startingWith(prefix: string): KeyRange {
  const begin = toBytes(prefix);
  return { begin, end: strInc(begin) };
}

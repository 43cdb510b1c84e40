/**
 * React hooks: components that show what is in a database, and show it anew when it changes, whichever tab changes it.
 *
 * On the server, and while a page is hydrated, they show `initial` and touch no database.
 *
 * @module plinthdb/react
 */
import { useCallback, useSyncExternalStore } from 'react';
import type { Database, Row, Subject } from '../exports.js';
import { type LiveRows, liveRows } from './live-rows.js';

/** A database as hooks take it: with the functions that change it left out, any of them fits. */
type Readable<KeyIn, KeyOut, ValOut> = Database<KeyIn, KeyOut, never, ValOut>;

/** Options of the hooks. */
export interface LiveOptions<T> {
  /**
   * What is shown until the database has answered, on the server too. Without it a component suspends: the nearest
   * `Suspense` shows its fallback.
   */
  initial?: T | undefined;
}

const NOTHING: readonly never[] = [];

/**
 * The value of a key, `undefined` if there is no such key.
 *
 * Without a database it is `initial`: so a component can be rendered before the database is open, and on the server.
 * Its answer is the same object until the value changes. An error of the database is thrown to the nearest error
 * boundary.
 *
 * @example
 * ```tsx
 * const counters = db.at('counters/', encoders.string, encoders.json);
 *
 * function Visits() {
 *   const visits = useValue(counters, 'visits');
 *   return <p>{visits ?? 0} visits</p>;
 * }
 * ```
 */
export function useValue<KeyIn, KeyOut, ValOut>(
  db: Readable<KeyIn, KeyOut, ValOut> | undefined,
  key: KeyIn,
  options?: LiveOptions<ValOut>,
): ValOut | undefined {
  const rows = useLive(db, key, options !== undefined && 'initial' in options ? NOTHING : undefined);
  if (rows === NOTHING) return options?.initial;
  return rows[0]?.[1];
}

/**
 * The rows of a range in the order of their keys: of a prefix, `{ prefix }`, or from one key to another,
 * `{ begin, end }`. The array is the same until one of them changes, and so is each row.
 *
 * Without a database it is `initial`, or empty. Whoever shows many rows wants a narrow range: all of it is kept in
 * memory while it is shown.
 *
 * @example
 * ```tsx
 * const todos = db.at('todo/', encoders.string, encoders.json);
 *
 * function Todos() {
 *   const rows = useRange(todos, { prefix: '' });
 *   return <ul>{rows.map(([key, todo]) => <li key={key}>{todo.text}</li>)}</ul>;
 * }
 * ```
 */
export function useRange<KeyIn, KeyOut, ValOut>(
  db: Readable<KeyIn, KeyOut, ValOut> | undefined,
  subject: Subject<KeyIn>,
  options?: LiveOptions<readonly Row<KeyOut, ValOut>[]>,
): readonly Row<KeyOut, ValOut>[] {
  return useLive(db, subject, options?.initial);
}

/** The rows of a subject. Suspends while they are not known and there is nothing to show instead of them. */
function useLive<KeyIn, KeyOut, ValOut>(
  db: Readable<KeyIn, KeyOut, ValOut> | undefined,
  subject: Subject<KeyIn>,
  initial: readonly Row<KeyOut, ValOut>[] | undefined,
): readonly Row<KeyOut, ValOut>[] {
  const live: LiveRows<KeyOut, ValOut> | undefined = db && liveRows(db, subject);
  const subscribe = useCallback((changed: () => void) => live?.subscribe(changed) ?? stay, [live]);
  const state = useSyncExternalStore(subscribe, () => live?.state, nothingYet);
  if (state?.error !== undefined) throw state.error;
  if (state?.rows !== undefined) return state.rows;
  if (initial !== undefined) return initial;
  // What is thrown is what Suspense waits for. While a page is hydrated there is no state yet to wait for.
  if (state !== undefined) throw state.known;
  return NOTHING;
}

function stay(): void {}

function nothingYet(): undefined {}

/** The rows of a prefix, kept current by a subscription: whichever tab changes them. */

import type { Changes, Database, Row } from 'plinthdb';
import { isInRange, toHex } from './bytes';

export class RowCopy {
  readonly #rows = new Map<string, Row>();

  rows(): Iterable<Row> {
    return this.#rows.values();
  }

  take({ replaced, changes }: Changes): void {
    for (const { begin, end } of replaced) {
      for (const [id, [key]] of this.#rows) if (isInRange(key, begin, end)) this.#rows.delete(id);
    }
    for (const [key, value] of changes) {
      if (value === undefined) this.#rows.delete(toHex(key));
      else this.#rows.set(toHex(key), [key, value]);
    }
  }
}

/**
 * Until the database is closed. `changed` is called with all of it first, then at most once in
 * `everyMs`: what changes meanwhile comes together, as of one version.
 */
export function followRows(
  db: Database,
  prefix: Uint8Array,
  changed: (copy: RowCopy) => void,
  everyMs = 0,
): Promise<void> {
  const copy = new RowCopy();
  const subscription = db.subscribe({ prefix }, (changes) => {
    copy.take(changes);
    changed(copy);
    return everyMs === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, everyMs));
  });
  return subscription.ended;
}

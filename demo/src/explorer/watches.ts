/** Keys that are watched: each change flashes, whichever tab made it. */

import type { Database } from 'plinthdb';
import { toHex } from '../bytes';
import { button, element } from '../dom';
import { flash } from '../flash';
import { clockTime, integer } from '../format';
import { shortened } from './entry-table';

export interface WatchViews {
  /** The watch has fired, and this is the new value. */
  changed(key: Uint8Array, value: Uint8Array | undefined): void;
  failed(error: unknown): void;
}

export class Watches {
  readonly #list: HTMLElement;
  readonly #views: WatchViews;
  readonly #watched = new Map<string, { stop(): void }>();

  constructor(list: HTMLElement, views: WatchViews) {
    this.#list = list;
    this.#views = views;
  }

  /** `label` is how people know the key. */
  add(db: Database, key: Uint8Array, label: string): void {
    const id = toHex(key);
    if (this.#watched.has(id)) return;
    const value = element('span', { class: 'mono watch-value' });
    const note = element('span', { class: 'hint', text: 'no change yet' });
    const remove = (): void => {
      closing.abort();
      this.#watched.delete(id);
      item.remove();
    };
    const item = element('li', { class: 'watch' }, [
      element('code', { text: label }),
      value,
      note,
      button('✕', remove, { class: 'sign', label: `Stop watching ${label}` }),
    ]);
    const closing = new AbortController();
    this.#watched.set(id, { stop: remove });
    this.#list.append(item);
    let count = 0;
    void follow(db, key, closing.signal, (current, isChange) => {
      value.textContent = current === undefined ? '(no such key)' : shortened(current);
      if (!isChange) return;
      count += 1;
      note.textContent = `${integer(count)} ×, at ${clockTime(Date.now())}`;
      flash(item);
      this.#views.changed(key, current);
    }).catch((error: unknown) => {
      remove();
      this.#views.failed(error);
    });
  }

  /** The database is left. */
  stopAll(): void {
    for (const { stop } of [...this.#watched.values()]) stop();
  }
}

/** A watch fires once: each value is read and the next watch set in one transaction. */
async function follow(
  db: Database,
  key: Uint8Array,
  signal: AbortSignal,
  show: (value: Uint8Array | undefined, isChange: boolean) => void,
): Promise<void> {
  let isChange = false;
  while (!signal.aborted) {
    const watch = await db.getAndWatch(key);
    signal.addEventListener('abort', watch.cancel, { once: true });
    if (signal.aborted) watch.cancel();
    else show(watch.value, isChange);
    isChange = await watch.promise;
    signal.removeEventListener('abort', watch.cancel);
    if (!isChange) return;
  }
}

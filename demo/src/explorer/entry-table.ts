/** The rows and groups of one page of a level. */

import { toHex } from '../bytes';
import { button, element } from '../dom';
import { flash } from '../flash';
import { byteSize } from '../format';
import { show } from './encoding';
import type { Entry, Group, Leaf } from './listing';

/** As much of a value as a line shows. */
const VALUE_LENGTH_MAX = 120;

export interface EntryViews {
  enter(group: Group): void;
  choose(leaf: Leaf): void;
}

export class EntryTable {
  readonly #body: HTMLTableSectionElement;
  readonly #views: EntryViews;
  readonly #rows = new Map<string, HTMLTableRowElement>();

  constructor(body: HTMLTableSectionElement, views: EntryViews) {
    this.#body = body;
    this.#views = views;
  }

  show(entries: readonly Entry[]): void {
    this.#rows.clear();
    const rows = entries.map((entry) => (entry.kind === 'group' ? this.#group(entry) : this.#leaf(entry)));
    if (rows.length === 0) {
      const cell = element('td', { text: 'No keys here.' });
      cell.colSpan = 3;
      rows.push(element('tr', { class: 'nothing-yet' }, [cell]));
    }
    this.#body.replaceChildren(...rows);
  }

  /** Marks the row of a key; without a key, none. */
  mark(key: Uint8Array | undefined): void {
    const marked = key && toHex(key);
    for (const [id, row] of this.#rows) {
      if (id === marked) row.setAttribute('aria-current', 'true');
      else row.removeAttribute('aria-current');
    }
  }

  /** The value of a key that is shown has changed. */
  changed(key: Uint8Array, value: Uint8Array | undefined): void {
    const row = this.#rows.get(toHex(key));
    const cell = row?.cells[1];
    if (row === undefined || cell === undefined) return;
    cell.textContent = value === undefined ? '(cleared)' : shortened(value);
    flash(row);
  }

  focusFirst(): void {
    this.#body.querySelector('button')?.focus();
  }

  #group(group: Group): HTMLTableRowElement {
    const enter = button(group.label, () => this.#views.enter(group), { class: 'entry entry-group' });
    return element('tr', {}, [
      element('td', {}, [enter]),
      element('td', { class: 'hint', text: 'subspace' }),
      element('td', { class: 'number', text: byteSize(group.bytes) }),
    ]);
  }

  #leaf(leaf: Leaf): HTMLTableRowElement {
    const choose = button(leaf.label, () => this.#views.choose(leaf), { class: 'entry' });
    const row = element('tr', {}, [
      element('td', {}, [choose]),
      element('td', { class: 'mono value', text: shortened(leaf.value) }),
      element('td', { class: 'number', text: byteSize(leaf.key.length + leaf.value.length) }),
    ]);
    this.#rows.set(toHex(leaf.key), row);
    return row;
  }
}

export function shortened(value: Uint8Array): string {
  // Long values are cut before they are decoded; a cut in a character shows as hex.
  const text = show(value.length > 4 * VALUE_LENGTH_MAX ? value.subarray(0, VALUE_LENGTH_MAX) : value);
  return text.length > VALUE_LENGTH_MAX || value.length > 4 * VALUE_LENGTH_MAX
    ? `${text.slice(0, VALUE_LENGTH_MAX)}…`
    : text;
}

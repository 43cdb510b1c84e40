/** The keys of one city, read back from the database and shown as they are stored. */

import { printable, toBytes, toText } from '../bytes';
import { element, part } from '../dom';
import { duration } from '../format';
import type { Session } from '../session';
import type { City } from './city';
import { keysOf } from './keys';

export class RecordTable {
  readonly #session: Session;
  readonly #table: HTMLTableElement;
  readonly #hint: HTMLElement;
  #shown = 0;

  constructor(root: HTMLElement, session: Session) {
    this.#session = session;
    this.#table = part(root, '#cities-record', HTMLTableElement);
    this.#hint = part(root, '#cities-record-hint', HTMLElement);
  }

  async show(city: City): Promise<void> {
    this.#shown += 1;
    const shown = this.#shown;
    const { record, indexes } = keysOf(city);
    const beganMs = performance.now();
    const rows = await this.#session.db.doTransaction((tn) =>
      Promise.all([record, ...indexes].map(async (key) => ({ key, value: await tn.get(key) }))),
    );
    if (shown !== this.#shown) return;
    const tookMs = performance.now() - beganMs;
    this.#hint.textContent = `${rows.length} gets in one transaction, ${duration(tookMs)}`;
    part(this.#table, 'tbody', HTMLTableSectionElement).replaceChildren(
      ...rows.map(({ key, value }) => {
        const text = value === undefined ? '(nothing)' : key === record ? toText(value) : hex(value);
        const keyText = printable(toBytes(key));
        return element('tr', {}, [
          element('td', { class: 'mono', text: keyText, title: keyText }),
          element('td', { class: 'mono', text, title: text }),
        ]);
      }),
    );
    this.#table.hidden = false;
  }

  clear(): void {
    this.#shown += 1;
    this.#table.hidden = true;
    this.#hint.textContent = 'Choose a city from the list.';
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

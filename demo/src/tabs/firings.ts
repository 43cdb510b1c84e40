/** The log of watches that fired in this tab, the newest first. */

import { element } from '../dom';
import { clockTime } from '../format';
import type { Written } from './shared';

const ROWS_MAX = 60;

export class Firings {
  readonly #body: HTMLTableSectionElement;
  readonly #tab: string;

  constructor(body: HTMLTableSectionElement, tab: string) {
    this.#body = body;
    this.#tab = tab;
  }

  add(key: string, written: Written<unknown> | undefined): void {
    const now = Date.now();
    const isOwn = written?.by === this.#tab;
    const text = written === undefined ? '(cleared)' : String(written.value);
    const row = element('tr', { class: isOwn ? 'own' : '' }, [
      element('td', { class: 'number', text: clockTime(now) }),
      element('td', {}, [element('code', { text: key })]),
      element('td', { class: 'value', text, title: text }),
      element('td', { text: written === undefined ? '' : isOwn ? 'this tab' : `tab ${written.by}` }),
      element('td', {
        class: 'number',
        text: written === undefined ? '' : `${Math.max(0, now - written.at)} ms`,
      }),
    ]);
    this.#body.querySelector('.nothing-yet')?.remove();
    this.#body.prepend(row);
    while (this.#body.rows.length > ROWS_MAX) this.#body.deleteRow(-1);
  }
}

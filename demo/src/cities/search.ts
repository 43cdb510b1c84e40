/** The search form and its answer: every change asks again, the newest question wins. */

import { printable } from '../bytes';
import { element, part } from '../dom';
import { duration, integer } from '../format';
import type { Session } from '../session';
import { byName } from './countries';
import type { Cell } from './keys';
import type { CityMap } from './map';
import type { KeyRange, Listed, Plotted, Query } from './query';
import { continueList, keyRange, LIST_ROWS, PLOT_ROWS_MAX, runQuery } from './query';
import type { Results } from './results';

/** A median of fewer says little. */
const MEDIAN_OF_AT_LEAST = 5;

export class Search {
  readonly #session: Session;
  readonly #map: CityMap;
  readonly #results: Results;
  readonly #root: HTMLElement;
  readonly #form: HTMLFormElement;
  readonly #answer: HTMLElement;
  readonly #count: HTMLElement;
  readonly #cost: HTMLElement;
  readonly #more: HTMLButtonElement;
  #cell: Cell | undefined;
  #question = 0;
  #shownCount = 0;
  #rest: KeyRange | undefined;

  constructor(
    root: HTMLElement,
    session: Session,
    map: CityMap,
    results: Results,
    countries: readonly string[],
  ) {
    this.#root = root;
    this.#session = session;
    this.#map = map;
    this.#results = results;
    this.#form = part(root, '#cities-form', HTMLFormElement);
    this.#answer = part(root, '.answer', HTMLElement);
    this.#count = part(root, '#cities-count', HTMLElement);
    this.#cost = part(root, '#cities-cost', HTMLElement);
    this.#more = part(root, '#cities-more', HTMLButtonElement);
    const select = this.#field('country', HTMLSelectElement);
    for (const { code, name } of byName(countries)) select.append(new Option(name, code));
    this.#listen();
  }

  /** Asks the question that stands in the form. */
  ask(): void {
    void this.#session.notices.guard('The query', () => this.#ask());
  }

  pickCell(cell: Cell): void {
    this.#cell = cell;
    this.#setKind('cell');
    this.ask();
  }

  focus(): void {
    this.#field('prefix', HTMLInputElement).focus();
  }

  #listen(): void {
    this.#form.addEventListener('submit', (event) => event.preventDefault());
    this.#form.addEventListener('input', () => {
      this.#setKind(this.#kind());
      this.ask();
    });
    this.#form.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowDown' || !(event.target instanceof HTMLInputElement)) return;
      if (event.target.type === 'radio') return;
      this.#results.focusFirst();
      event.preventDefault();
    });
    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || this.#root.hidden) return;
      if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
      this.#setKind('prefix');
      this.focus();
      event.preventDefault();
    });
    for (const hint of this.#root.querySelectorAll<HTMLButtonElement>('#cities-hints button')) {
      hint.addEventListener('click', () => this.#take(hint.dataset));
    }
    this.#more.addEventListener('click', () => {
      void this.#session.notices.guard('Reading on', () => this.#readOn());
    });
  }

  #take({ prefix, from, to, country }: DOMStringMap): void {
    this.#setKind(prefix === undefined ? 'range' : 'prefix');
    this.#field('prefix', HTMLInputElement).value = prefix ?? '';
    this.#field('from', HTMLInputElement).value = from ?? '';
    this.#field('to', HTMLInputElement).value = to ?? '';
    this.#field('country', HTMLSelectElement).value = country ?? '';
    this.ask();
  }

  #field<E extends HTMLInputElement | HTMLSelectElement>(name: string, type: abstract new () => E): E {
    return part(this.#form, `[name="${name}"]`, type);
  }

  #kind(): Query['kind'] {
    return new FormData(this.#form).get('kind') as Query['kind'];
  }

  #setKind(kind: Query['kind']): void {
    part(this.#form, `[name="kind"][value="${kind}"]`, HTMLInputElement).checked = true;
    for (const fields of this.#form.querySelectorAll<HTMLElement>('.query-fields')) {
      fields.hidden = fields.dataset.kind !== kind;
    }
    part(this.#form, '.query-country', HTMLElement).hidden = kind === 'cell';
  }

  #query(): Query | undefined {
    const text = (name: string): string => String(new FormData(this.#form).get(name) ?? '');
    const kind = this.#kind();
    if (kind === 'prefix') return { kind, country: text('country'), prefix: text('prefix') };
    if (kind === 'range') {
      return { kind, country: text('country'), from: text('from'), to: text('to') };
    }
    return this.#cell === undefined ? undefined : { kind, cell: this.#cell };
  }

  async #ask(): Promise<void> {
    this.#question += 1;
    const question = this.#question;
    this.#answer.ariaBusy = 'true';
    const query = this.#query();
    const range = query === undefined ? undefined : keyRange(query);
    this.#rest = undefined;
    this.#showRange(range);
    try {
      if (range === undefined) this.#showNothing();
      else await this.#answerWith(range, query?.kind === 'cell' ? query.cell : undefined);
    } finally {
      if (question === this.#question) this.#answer.ariaBusy = 'false';
    }
  }

  async #answerWith(range: KeyRange, cell: Cell | undefined): Promise<void> {
    const question = this.#question;
    const beganMs = performance.now();
    let listed: Listed | undefined;
    await runQuery(this.#session.db, range, {
      isStale: () => question !== this.#question,
      list: (found) => {
        listed = found;
        this.#session.timings.sampleQuery(performance.now() - beganMs);
        this.#showList(found, range);
      },
      plot: (plotted) => {
        this.#map.showMatches(plotted.points, cell);
        if (listed !== undefined) this.#showCount(listed, plotted);
      },
    });
  }

  async #readOn(): Promise<void> {
    const { begin, end } = this.#rest ?? {};
    if (begin === undefined || end === undefined) return;
    const question = this.#question;
    const listed = await continueList(this.#session.db, begin, end);
    if (question !== this.#question) return;
    this.#results.append(listed.cities);
    this.#shownCount += listed.cities.length;
    this.#rest = listed.next === undefined ? undefined : { begin: listed.next, end };
    this.#more.hidden = this.#rest === undefined;
    this.#showCost(listed, `next ${listed.cities.length}`);
  }

  #showRange(range: KeyRange | undefined): void {
    const fields = this.#root.querySelectorAll('#cities-range dd');
    for (const [index, key] of [range?.begin, range?.end].entries()) {
      const field = fields[index];
      if (field !== undefined) field.textContent = key === undefined ? '' : `'${printable(key)}'`;
    }
  }

  #showNothing(): void {
    this.#results.show([]);
    this.#map.showMatches([], undefined);
    this.#count.textContent = '';
    this.#cost.replaceChildren();
    this.#more.hidden = true;
    this.#root.classList.remove('has-answer');
  }

  #showList(listed: Listed, { end }: KeyRange): void {
    this.#root.classList.add('has-answer');
    this.#results.show(listed.cities);
    this.#shownCount = listed.cities.length;
    this.#rest = listed.next === undefined ? undefined : { begin: listed.next, end };
    this.#more.hidden = this.#rest === undefined;
    this.#count.textContent = `${listed.cities.length}${listed.next === undefined ? '' : '+'} cities`;
    this.#showCost(listed, 'list');
  }

  #showCount(listed: Listed, plotted: Plotted): void {
    const total = plotted.complete ? integer(plotted.points.length) : `more than ${integer(PLOT_ROWS_MAX)}`;
    const noun = plotted.points.length === 1 ? 'city' : 'cities';
    this.#count.textContent =
      this.#shownCount < plotted.points.length
        ? `First ${LIST_ROWS} of ${total} ${noun}`
        : `${total} ${noun}`;
    this.#showCost(listed, 'list', plotted);
  }

  #showCost(listed: Listed, what: string, plotted?: Plotted): void {
    const parts = [
      `read version: ${duration(listed.versionMs)}`,
      `${what}: ${duration(listed.ms)}, ${integer(listed.keysRead)} keys`,
    ];
    if (plotted !== undefined) {
      parts.push(`map: ${duration(plotted.ms)}, ${integer(plotted.points.length)} keys`);
    }
    const { count, medianMs } = this.#session.timings.querySummary();
    if (count >= MEDIAN_OF_AT_LEAST) parts.push(`median of ${integer(count)} lists: ${duration(medianMs)}`);
    this.#cost.replaceChildren(...parts.map((text) => element('span', { text })));
  }
}

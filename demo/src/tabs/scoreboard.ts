/** Who is there and what each has added to the counter. The sum is checked in every state shown. */

import { element, part } from '../dom';
import { duration, integer } from '../format';
import type { Tally } from './tally';

export class Scoreboard {
  readonly #tab: string;
  readonly #total: HTMLElement;
  readonly #verdict: HTMLElement;
  readonly #body: HTMLTableSectionElement;
  readonly #sum: HTMLElement;
  readonly #here: HTMLElement;

  constructor(root: HTMLElement, tab: string) {
    this.#tab = tab;
    this.#total = part(root, '#tabs-total', HTMLElement);
    this.#verdict = part(root, '#tabs-verdict', HTMLElement);
    this.#body = part(root, '#tabs-shares', HTMLTableSectionElement);
    this.#sum = part(root, '#tabs-sum', HTMLElement);
    this.#here = part(root, '#tabs-here', HTMLElement);
  }

  show(tally: Tally, present: ReadonlySet<string>): void {
    const names = [...present].filter((name) => tally.reports.has(name) || name === this.#tab);
    names.sort((a, b) => this.#rank(a, tally) - this.#rank(b, tally));
    const gone = [...tally.shares].filter(([name]) => !present.has(name));
    const sum = [...tally.shares.values()].reduce((all, share) => all + share, 0);

    const rows = names.map((name) => this.#row(name, tally));
    if (gone.length > 0) {
      const share = gone.reduce((all, [, one]) => all + one, 0);
      rows.push(line('', 'tabs that are gone', integer(share), '', ''));
    }
    this.#body.replaceChildren(...rows);
    this.#sum.textContent = integer(sum);
    this.#total.textContent = integer(tally.total);
    const isRight = sum === tally.total;
    this.#verdict.textContent = isRight
      ? 'The shares add up to the counter: no increment is lost.'
      : `The shares add up to ${integer(sum)}: increments were lost.`;
    this.#verdict.classList.toggle('is-wrong', !isRight);
    this.#here.replaceChildren(
      ...names.map((name) =>
        element('li', {
          class: name === this.#tab ? 'chip is-own' : 'chip',
          text: name,
          title: what(name, tally),
        }),
      ),
    );
  }

  /** This tab first, then who has been there longest. */
  #rank(name: string, { reports }: Tally): number {
    return name === this.#tab ? 0 : (reports.get(name)?.since ?? Number.MAX_SAFE_INTEGER);
  }

  #row(name: string, tally: Tally): HTMLTableRowElement {
    const report = tally.reports.get(name);
    const kind = name === this.#tab ? 'this tab' : report?.kind === 'worker' ? 'no window' : 'tab';
    const isCounting = report?.isCounting === true;
    return line(
      name,
      kind,
      integer(tally.shares.get(name) ?? 0),
      isCounting ? integer(report.perSecond) : '',
      report !== undefined && report.longestMs > 0 ? duration(report.longestMs) : '',
    );
  }
}

function what(name: string, { reports }: Tally): string {
  return reports.get(name)?.kind === 'worker' ? `${name}, a tab without a window` : `tab ${name}`;
}

function line(name: string, kind: string, ...numbers: string[]): HTMLTableRowElement {
  const title = element('th', { attributes: { scope: 'row' } });
  if (name !== '') title.append(element('span', { class: 'share-name', text: name }));
  title.append(element('span', { class: 'hint', text: kind }));
  return element('tr', {}, [title, ...numbers.map((text) => element('td', { class: 'number', text }))]);
}

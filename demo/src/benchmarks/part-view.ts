/** One part of the work: its chart, and beside it the same in figures. */

import { element, part as partOf } from '../dom';
import { Chart } from './chart';
import { rate, spread, times } from './figures';
import { BASELINE, entryOf } from './order';
import type { Line, PartResult } from './results';

export class PartView {
  readonly section: HTMLElement;
  readonly #chart: Chart;
  readonly #body: HTMLTableSectionElement;

  constructor({ part }: PartResult) {
    this.section = element('section', { class: 'part' });
    const id = `benchmarks-${part.id.toLowerCase().replaceAll(' ', '-')}`;
    this.section.setAttribute('aria-labelledby', id);
    this.section.innerHTML = `
      <h3></h3>
      <div class="chart"></div>
      <div class="scroll" tabindex="0">
        <table>
          <thead><tr>
            <th scope="col">per second</th><th scope="col" class="number">median</th>
            <th scope="col" class="number">least – largest</th><th scope="col" class="number compared"></th>
          </tr></thead>
          <tbody></tbody>
        </table>
      </div>`;
    const head = partOf(this.section, 'h3', HTMLElement);
    head.id = id;
    head.textContent = `${part.title.charAt(0).toUpperCase()}${part.title.slice(1)}`;
    const scroll = partOf(this.section, '.scroll', HTMLElement);
    scroll.setAttribute('role', 'group');
    scroll.setAttribute('aria-labelledby', id);
    partOf(this.section, '.compared', HTMLElement).textContent = `× ${entryOf(BASELINE).title}`;
    this.#chart = new Chart(partOf(this.section, '.chart', HTMLElement));
    this.#body = partOf(this.section, 'tbody', HTMLTableSectionElement);
  }

  show({ lines }: PartResult): void {
    this.#chart.show(lines);
    this.#body.replaceChildren(...lines.map(rowOf));
  }
}

function rowOf({ contestant, title, rates, ratio, note }: Line): HTMLTableRowElement {
  const name = element('th', { text: title, attributes: { scope: 'row' } });
  if (note !== '') name.append(element('span', { class: 'hint note', text: note }));
  const cell = (text: string) => element('td', { class: 'number', text });
  return element('tr', { class: `of-${contestant}` }, [
    name,
    cell(rates === undefined ? '–' : rate(rates.median)),
    cell(rates === undefined ? '' : spread(rates)),
    cell(ratio === undefined ? '' : times(ratio)),
  ]);
}

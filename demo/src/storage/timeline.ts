/** The steps of this visit as a table with bars, all on one time axis. */

import { element } from '../dom';
import { duration, integer } from '../format';
import type { Timings } from '../timings';

export class Timeline {
  readonly #body: HTMLTableSectionElement;
  readonly #timings: Timings;

  constructor(body: HTMLTableSectionElement, timings: Timings) {
    this.#body = body;
    this.#timings = timings;
    timings.onChange(() => this.show());
  }

  show(): void {
    const { steps } = this.#timings;
    const endMs = Math.max(...steps.map((step) => step.endMs));
    const rows = steps.map((step) => {
      const bar = element('span', { class: 'bar' });
      bar.style.insetInlineStart = `${(step.beginMs / endMs) * 100}%`;
      bar.style.inlineSize = `${((step.endMs - step.beginMs) / endMs) * 100}%`;
      const axis = element('td', { class: 'axis' }, [bar]);
      axis.setAttribute('aria-hidden', 'true');
      return element('tr', {}, [
        element('th', { text: step.name }),
        element('td', { class: 'number began', text: duration(step.beginMs) }),
        element('td', { class: 'number strong', text: duration(step.endMs - step.beginMs) }),
        axis,
        element('td', { class: 'detail', text: step.detail }),
      ]);
    });
    const queries = this.#timings.querySummary();
    if (queries.count > 0) {
      rows.push(
        element('tr', {}, [
          element('th', { text: 'Queries' }),
          element('td', { class: 'number began', text: `${integer(queries.count)} ×` }),
          element('td', { class: 'number strong', text: duration(queries.medianMs) }),
          element('td', { class: 'axis' }),
          element('td', { class: 'detail', text: `median; 95 % within ${duration(queries.p95Ms)}` }),
        ]),
      );
    }
    for (const row of rows) row.querySelector('th')?.setAttribute('scope', 'row');
    this.#body.replaceChildren(...rows);
  }
}

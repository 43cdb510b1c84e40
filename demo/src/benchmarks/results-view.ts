/** The results as they come: a group for each workload, a part of the work in each section. */

import type { Workload } from 'plinthdb-bench/workload';
import { element } from '../dom';
import { type Order, WORK, workTitle } from './order';
import { PartView } from './part-view';
import type { Results } from './results';

interface Group {
  readonly parts: Map<string, PartView>;
  readonly failures: HTMLUListElement;
  readonly root: HTMLElement;
}

export class ResultsView {
  readonly #root: HTMLElement;
  readonly #groups = new Map<string, Group>();
  #shown: { results: Results; order: Order } | undefined;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** From here on it shows what these results have. */
  begin(results: Results, order: Order): void {
    this.#shown = { results, order };
    this.#groups.clear();
    this.#root.replaceChildren(
      ...WORK.filter(({ id }) => order.workloads.includes(id)).map(({ id }) => {
        const failures = element('ul', { class: 'failures' });
        const root = element('div', { class: 'group' }, [failures]);
        this.#groups.set(id, { parts: new Map(), failures, root });
        return root;
      }),
    );
  }

  show(workload: Workload): void {
    const group = this.#groups.get(workload.id);
    if (this.#shown === undefined || group === undefined) return;
    const { results, order } = this.#shown;
    for (const result of results.of(workload, order)) {
      let view = group.parts.get(result.part.id);
      if (view === undefined) {
        view = new PartView(result);
        group.parts.set(result.part.id, view);
        group.root.append(view.section);
      }
      view.show(result);
    }
    group.failures.replaceChildren(
      ...results
        .failuresOf(workload.id, order)
        .map(({ title, message }) =>
          element('li', {}, [
            element('strong', { text: `${workTitle(workload.id)}: ${title} failed. ` }),
            document.createTextNode(message),
          ]),
        ),
    );
  }
}

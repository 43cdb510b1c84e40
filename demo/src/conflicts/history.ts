/** The history: every step in the order in which it happened, A's to the left and B's to the right. */

import { button, element } from '../dom';
import type { Outcome } from './replay';
import { describe, type Step } from './steps';

export class History {
  readonly #list: HTMLOListElement;
  readonly #goTo: (position: number) => void;

  /** `goTo` is told how many steps are to be done. */
  constructor(list: HTMLOListElement, goTo: (position: number) => void) {
    this.#list = list;
    this.#goTo = goTo;
  }

  show(steps: readonly Step[], outcomes: readonly Outcome[]): void {
    const focused = [...this.#list.children].findIndex((item) => item.contains(document.activeElement));
    const items = steps.map(({ side, operation }, index) => {
      const outcome = outcomes[index];
      const isNewest = index === outcomes.length - 1;
      const text = describe(operation);
      const step = button('', () => this.#goTo(index + 1), {
        class: 'step',
        title: 'As it was after this step',
      });
      step.append(
        element('span', { class: 'unseen', text: `${side}: ` }),
        element('code', { text }),
        element('span', { class: `outcome is-${outcome?.tone ?? 'plain'}`, text: outcome?.text ?? '' }),
      );
      if (isNewest) step.setAttribute('aria-current', 'step');
      const item = element('li', { class: `side-${side}${outcome === undefined ? ' is-ahead' : ''}` }, [
        step,
      ]);
      // A row for each, so that the list reads downwards as time passes.
      item.style.gridRow = String(index + 1);
      return item;
    });
    if (items.length === 0) {
      items.push(element('li', { class: 'nothing-yet', text: 'No step yet.' }));
    }
    this.#list.replaceChildren(...items);
    items[focused]?.querySelector('button')?.focus();
  }
}

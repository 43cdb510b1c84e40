/** The form in which one of the two transactions is told what to do next. */

import { button, element } from '../dom';
import type { SideView } from './replay';
import type { Operation, Side } from './steps';

interface Field {
  name: string;
  label: string;
}

interface Choice {
  id: string;
  title: string;
  fields: Field[];
  make(first: string, second: string): Operation;
}

const KEY: Field = { name: 'first', label: 'key' };
const BEGIN: Field = { name: 'first', label: 'begin' };
const END: Field = { name: 'second', label: 'end' };

const CHOICES: readonly Choice[] = [
  { id: 'get', title: 'get', fields: [KEY], make: (key) => ({ kind: 'get', key, isSnapshot: false }) },
  {
    id: 'getRange',
    title: 'getRange',
    fields: [BEGIN, END],
    make: (begin, end) => ({ kind: 'getRange', begin, end, isSnapshot: false }),
  },
  {
    id: 'set',
    title: 'set',
    fields: [KEY, { name: 'second', label: 'value or =sum' }],
    make: (key, value) => ({ kind: 'set', key, value }),
  },
  {
    id: 'add',
    title: 'add',
    fields: [KEY, { name: 'second', label: 'amount' }],
    make: (key, amount) => ({ kind: 'add', key, amount: Number.parseInt(amount, 10) || 1 }),
  },
  { id: 'clear', title: 'clear', fields: [KEY], make: (key) => ({ kind: 'clear', key }) },
  {
    id: 'clearRange',
    title: 'clearRange',
    fields: [BEGIN, END],
    make: (begin, end) => ({ kind: 'clearRange', begin, end }),
  },
  {
    id: 'snapshotGet',
    title: 'snapshot get',
    fields: [KEY],
    make: (key) => ({ kind: 'get', key, isSnapshot: true }),
  },
  {
    id: 'snapshotGetRange',
    title: 'snapshot getRange',
    fields: [BEGIN, END],
    make: (begin, end) => ({ kind: 'getRange', begin, end, isSnapshot: true }),
  },
  {
    id: 'addReadConflictKey',
    title: 'addReadConflictKey',
    fields: [KEY],
    make: (key) => ({ kind: 'addReadConflictKey', key }),
  },
  {
    id: 'addWriteConflictKey',
    title: 'addWriteConflictKey',
    fields: [KEY],
    make: (key) => ({ kind: 'addWriteConflictKey', key }),
  },
];

const STATES: Record<SideView['state'], string> = {
  'not begun': 'has not begun',
  open: 'is open',
  committed: 'has committed',
  refused: 'was refused',
};

export interface StepFormViews {
  act(operation: Operation): void;
  /** Runs all that the transaction did again, from `onError` to the commit. */
  retry(): void;
}

export class StepForm {
  readonly #state: HTMLElement;
  readonly #fields: HTMLFieldSetElement;
  readonly #commit: HTMLButtonElement;
  readonly #retry: HTMLButtonElement;

  constructor(place: HTMLElement, side: Side, keyList: string, views: StepFormViews) {
    this.#state = element('span', { class: 'side-state', text: '' });
    const select = element('select', { attributes: { 'aria-label': `What ${side} does` } });
    for (const { id, title } of CHOICES) select.append(new Option(title, id));
    const inputs = ['first', 'second'].map((name) => {
      const input = element('input', { attributes: { list: keyList } });
      input.type = 'text';
      input.name = name;
      input.spellcheck = false;
      input.autocomplete = 'off';
      return input;
    });
    const submit = element('button', { text: 'Do it' });
    submit.type = 'submit';
    this.#fields = element('fieldset', { class: 'step-fields' }, [select, ...inputs, submit]);
    const form = element(
      'form',
      { class: 'step-form', attributes: { 'aria-label': `Next step of ${side}` } },
      [this.#fields],
    );

    const choice = (): Choice | undefined => CHOICES.find(({ id }) => id === select.value);
    const label = (): void => {
      for (const [index, input] of inputs.entries()) {
        const field = choice()?.fields[index];
        input.hidden = field === undefined;
        input.required = field !== undefined;
        input.placeholder = field?.label ?? '';
        input.setAttribute('aria-label', `${side}: ${field?.label ?? ''}`);
      }
    };
    select.addEventListener('change', label);
    label();
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const [first, second] = inputs;
      const operation = choice()?.make(first?.value.trim() ?? '', second?.value.trim() ?? '');
      if (operation !== undefined) views.act(operation);
    });

    this.#commit = button('Commit', () => views.act({ kind: 'commit' }), { class: 'commit' });
    this.#retry = button(`Retry ${side}`, () => views.retry(), { class: 'primary retry' });
    place.append(
      element('div', { class: 'side-head' }, [
        element('h3', { text: `Transaction ${side}` }),
        this.#state,
        this.#commit,
        this.#retry,
      ]),
      form,
    );
  }

  /** For another history. */
  empty(): void {
    for (const input of this.#fields.querySelectorAll('input')) input.value = '';
  }

  show({ state, attempt }: SideView): void {
    const times = attempt > 1 ? `, attempt ${attempt}` : '';
    this.#state.textContent = `${STATES[state]}${times}`;
    this.#state.dataset.state = state;
    const isOver = state === 'committed' || state === 'refused';
    this.#fields.disabled = isOver;
    this.#fields.hidden = isOver;
    this.#commit.hidden = isOver;
    this.#commit.disabled = state === 'not begun';
    this.#retry.hidden = state !== 'refused';
  }
}

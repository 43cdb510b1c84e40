/**
 * The board on the page: cards that are dragged by their handle, or moved with the arrow keys on it.
 * What is shown is what the database holds; a card is where it was dropped once that is committed.
 */

import { button, element, part } from '../dom';
import { flash } from '../flash';
import { type Card, COLUMNS } from './board';

export interface BoardViews {
  add(column: number, text: string): void;
  edit(id: string, text: string): void;
  delete(id: string): void;
  move(id: string, column: number, before: string | undefined): void;
}

interface CardElements {
  item: HTMLLIElement;
  text: HTMLElement;
  handle: HTMLButtonElement;
  card: Card;
}

const STEPS: Record<string, { column: number; row: number }> = {
  ArrowUp: { column: 0, row: -1 },
  ArrowDown: { column: 0, row: 1 },
  ArrowLeft: { column: -1, row: 0 },
  ArrowRight: { column: 1, row: 0 },
};

export class BoardView {
  readonly #views: BoardViews;
  readonly #tab: string;
  readonly #status: HTMLElement;
  readonly #lists: HTMLUListElement[] = [];
  readonly #shown = new Map<string, CardElements>();
  readonly #marker = element('li', { class: 'card-marker', attributes: { 'aria-hidden': 'true' } });
  #cards: readonly Card[] = [];
  #isFirst = true;

  constructor(place: HTMLElement, status: HTMLElement, tab: string, views: BoardViews) {
    this.#views = views;
    this.#tab = tab;
    this.#status = status;
    for (const [column, title] of COLUMNS.entries()) place.append(this.#column(column, title));
  }

  show(cards: readonly Card[]): void {
    this.#cards = cards;
    const focused = document.activeElement;
    const gone = new Set(this.#shown.keys());
    for (const card of cards) {
      gone.delete(card.id);
      this.#place(card);
    }
    for (const id of gone) this.#remove(id);
    // An element that is put elsewhere loses the focus.
    if (focused instanceof HTMLElement && focused.isConnected) focused.focus();
    this.#isFirst = false;
  }

  #place(card: Card): void {
    const known = this.#shown.get(card.id);
    const elements = known ?? this.#make(card);
    const before = elements.card;
    elements.card = card;
    elements.text.textContent = card.text;
    elements.handle.setAttribute('aria-label', `Move “${card.text}” with the arrow keys`);
    elements.item.dataset.column = String(card.column);
    const list = this.#lists[card.column];
    const place = this.#cards.filter((other) => other.column === card.column).indexOf(card);
    const items = [...(list?.children ?? [])].filter((item) => item !== this.#marker);
    if (items[place] !== elements.item) list?.insertBefore(elements.item, items[place] ?? null);
    const isChanged = known === undefined || before.text !== card.text || before.column !== card.column;
    if (isChanged && !this.#isFirst && card.by !== this.#tab) flash(elements.item);
  }

  #remove(id: string): void {
    const elements = this.#shown.get(id);
    this.#shown.delete(id);
    elements?.item.remove();
  }

  #column(column: number, title: string): HTMLElement {
    const heading = element('h4', { text: title });
    heading.id = `tabs-column-${column}`;
    const list = element('ul', { class: 'cards', attributes: { 'aria-labelledby': heading.id } });
    list.dataset.column = String(column);
    this.#lists.push(list);
    const input = element('input', { attributes: { 'aria-label': `New card in ${title}` } });
    input.type = 'text';
    input.placeholder = 'Add a card';
    input.autocomplete = 'off';
    const form = element('form', { class: 'card-form' }, [input]);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (text === '') return;
      input.value = '';
      this.#views.add(column, text);
      this.#say(`Added “${text}” to ${title}.`);
    });
    return element('section', { class: 'column' }, [heading, list, form]);
  }

  #make(card: Card): CardElements {
    const text = element('span', { class: 'card-text' });
    const handle = button('⠿', () => undefined, { class: 'sign card-handle', title: 'Drag' });
    const item = element('li', { class: 'card' }, [
      handle,
      text,
      button('✎', () => this.#edit(elements), { class: 'sign', label: 'Edit the card' }),
      button('✕', () => this.#delete(elements), { class: 'sign', label: 'Delete the card' }),
    ]);
    const elements: CardElements = { item, text, handle, card };
    handle.addEventListener('keydown', (event) => this.#step(event, elements));
    handle.addEventListener('pointerdown', (event) => this.#drag(event, elements));
    text.addEventListener('dblclick', () => this.#edit(elements));
    this.#shown.set(card.id, elements);
    return elements;
  }

  #delete({ card, item }: CardElements): void {
    const neighbour = item.nextElementSibling ?? item.previousElementSibling;
    const column = item.closest('.column');
    (neighbour?.querySelector('button') ?? column?.querySelector('input'))?.focus();
    this.#views.delete(card.id);
    this.#say(`Deleted “${card.text}”.`);
  }

  #edit({ card, item, text }: CardElements): void {
    if (item.querySelector('input') !== null) return;
    const input = element('input', { attributes: { 'aria-label': 'Text of the card' } });
    input.type = 'text';
    input.value = card.text;
    let isDone = false;
    const done = (isKept: boolean): void => {
      if (isDone) return;
      isDone = true;
      const value = input.value.trim();
      input.replaceWith(text);
      part(item, '.sign:not(.card-handle)', HTMLButtonElement).focus();
      if (isKept && value !== '' && value !== card.text) this.#views.edit(card.id, value);
    };
    input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') done(true);
      if (event.key === 'Escape') done(false);
    });
    input.addEventListener('blur', () => done(true));
    text.replaceWith(input);
    input.select();
  }

  #step(event: KeyboardEvent, { card }: CardElements): void {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const column = card.column + step.column;
    if (COLUMNS[column] === undefined) return;
    const inColumn = this.#cards.filter((other) => other.column === column && other.id !== card.id);
    const own = this.#cards.filter((other) => other.column === card.column).indexOf(card);
    const place = step.column === 0 ? own + step.row : Math.min(own, inColumn.length);
    if (place < 0 || place > inColumn.length) return;
    this.#views.move(card.id, column, inColumn[place]?.id);
    this.#say(`“${card.text}” is in ${COLUMNS[column]}, ${place + 1} of ${inColumn.length + 1}.`);
  }

  #drag(down: PointerEvent, { card, item, handle }: CardElements): void {
    if (down.button !== 0) return;
    handle.setPointerCapture(down.pointerId);
    item.classList.add('is-dragged');
    let target: { column: number; before: string | undefined } | undefined;
    const move = (event: PointerEvent): void => {
      item.style.translate = `${event.clientX - down.clientX}px ${event.clientY - down.clientY}px`;
      target = this.#target(event, card.id);
    };
    const end = (event: PointerEvent): void => {
      handle.removeEventListener('pointermove', move);
      handle.removeEventListener('pointerup', end);
      handle.removeEventListener('pointercancel', end);
      item.classList.remove('is-dragged');
      item.style.translate = '';
      this.#marker.remove();
      if (event.type === 'pointerup' && target !== undefined) {
        this.#views.move(card.id, target.column, target.before);
      }
    };
    handle.addEventListener('pointermove', move);
    handle.addEventListener('pointerup', end);
    handle.addEventListener('pointercancel', end);
  }

  /** Where a card would be dropped; shows the place. */
  #target(event: PointerEvent, dragged: string) {
    const under = document.elementsFromPoint(event.clientX, event.clientY);
    const section = under.map((found) => found.closest('.column')).find((found) => found !== null);
    const list = this.#lists.find((candidate) => candidate.parentElement === section);
    if (list === undefined) {
      this.#marker.remove();
      return undefined;
    }
    const column = this.#lists.indexOf(list);
    const others = this.#cards.filter((card) => card.column === column && card.id !== dragged);
    const before = others.find(({ id }) => {
      const box = this.#shown.get(id)?.item.getBoundingClientRect();
      return box !== undefined && event.clientY < box.top + box.height / 2;
    });
    const next = before === undefined ? undefined : this.#shown.get(before.id)?.item;
    list.insertBefore(this.#marker, next ?? null);
    return { column, before: before?.id };
  }

  #say(text: string): void {
    this.#status.textContent = text;
  }
}

/** The list of cities: buttons to walk through with the arrow keys, the chosen one marked. */

import { element } from '../dom';
import { degrees } from '../format';
import type { City } from './city';
import { countryName } from './countries';

export interface ResultViews {
  /** The city under the pointer or the focus; undefined when there is none. */
  consider(city: City | undefined): void;
  choose(city: City): void;
  /** Other cities than before stand in the list. */
  renewed(): void;
}

export class Results {
  readonly #list: HTMLOListElement;
  readonly #views: ResultViews;
  readonly #cities = new Map<HTMLButtonElement, City>();

  constructor(list: HTMLOListElement, views: ResultViews) {
    this.#list = list;
    this.#views = views;
    list.addEventListener('keydown', (event) => this.#walk(event));
    list.addEventListener('pointerleave', () => views.consider(undefined));
  }

  show(cities: readonly City[]): void {
    this.#cities.clear();
    this.#list.replaceChildren();
    this.#list.scrollTop = 0;
    this.append(cities);
    this.#views.renewed();
  }

  append(cities: readonly City[]): void {
    this.#list.append(...cities.map((city) => element('li', {}, [this.#row(city)])));
  }

  focusFirst(): void {
    this.#list.querySelector('button')?.focus();
  }

  #row(city: City): HTMLButtonElement {
    const place = [city.region, countryName(city.country)].filter((part) => part !== '');
    const row = element('button', { class: 'result' }, [
      element('span', { class: 'result-name', text: city.name }),
      element('span', { class: 'result-place', text: place.join(', ') }),
      element('span', {
        class: 'result-point',
        text: `${degrees(city.lat, 'N', 'S')}  ${degrees(city.lng, 'E', 'W')}`,
      }),
    ]);
    row.type = 'button';
    row.addEventListener('pointerenter', () => this.#views.consider(city));
    row.addEventListener('focus', () => this.#views.consider(city));
    row.addEventListener('click', () => {
      for (const other of this.#cities.keys()) other.removeAttribute('aria-current');
      row.setAttribute('aria-current', 'true');
      this.#views.choose(city);
    });
    this.#cities.set(row, city);
    return row;
  }

  #walk(event: KeyboardEvent): void {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const item = document.activeElement?.closest('li');
    const next = event.key === 'ArrowDown' ? item?.nextElementSibling : item?.previousElementSibling;
    next?.querySelector('button')?.focus();
    event.preventDefault();
  }
}

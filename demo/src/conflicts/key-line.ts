/**
 * The key line: the keys side by side in their order, A's conflict ranges above and B's below. Between
 * two keys there is room for all the keys that are not there, so a range can begin and end in it.
 */

import { compareKeys, keyAfter, toBytes } from '../bytes';
import { element } from '../dom';
import { type Interval, overlaps, showRange } from './ranges';
import type { Replay, SideView } from './replay';
import { SIDES, type Side } from './steps';

/** Rows of the grid, from the top. */
const ROWS: Record<Side, { reads: number; writes: number }> = {
  A: { reads: 1, writes: 2 },
  B: { reads: 5, writes: 4 },
};
const KEYS_ROW = 3;

export class KeyLine {
  readonly #line: HTMLElement;
  readonly #list: HTMLElement;

  constructor(line: HTMLElement, list: HTMLElement) {
    this.#line = line;
    this.#list = list;
  }

  show(names: readonly string[], { sides, rows }: Replay): void {
    const keys = names.map((name) => ({ name, bytes: toBytes(name) }));
    keys.sort((first, second) => compareKeys(first.bytes, second.bytes));
    const bytes = keys.map((key) => key.bytes);
    const half = 'minmax(0.25rem, 1fr)';
    this.#line.style.gridTemplateColumns = `${half} ${half} repeat(${keys.length}, minmax(0, 6fr) ${half} ${half})`;
    // One key alone would fill the whole width.
    this.#line.style.maxInlineSize = `${8 + 14 * keys.length}rem`;

    const parts: HTMLElement[] = [];
    for (const side of SIDES) {
      for (const kind of ['reads', 'writes'] as const) {
        const lane = element('span', { class: 'lane', text: `${side} ${kind}` });
        lane.style.gridRow = String(ROWS[side][kind]);
        parts.push(lane, ...this.#bars(side, kind, sides, bytes));
      }
    }
    for (const [index, { name }] of keys.entries()) {
      const value = rows.get(name);
      const cell = element('div', { class: value === undefined ? 'key is-absent' : 'key' }, [
        element('span', { class: 'key-name', text: name }),
        element('span', { class: 'key-value', text: value ?? '–' }),
      ]);
      cell.style.gridColumn = `${keyLine(index)} / span 1`;
      cell.style.gridRow = String(KEYS_ROW);
      parts.push(cell);
    }
    this.#line.replaceChildren(...parts);
    this.#list.replaceChildren(...SIDES.flatMap((side) => describeSide(side, sides[side])));
  }

  #bars(
    side: Side,
    kind: 'reads' | 'writes',
    sides: Record<Side, SideView>,
    keys: readonly Uint8Array[],
  ): HTMLElement[] {
    const own = sides[side];
    const other = sides[side === 'A' ? 'B' : 'A'];
    return own[kind].map((range) => {
      const isConflict =
        kind === 'reads'
          ? own.conflicts.some((conflict) => overlaps(conflict, range))
          : other.conflicts.some((conflict) => overlaps(conflict, range));
      const bar = element('span', {
        class: `bar bar-${kind} side-${side} is-${own.state.replace(' ', '-')}${isConflict ? ' is-conflict' : ''}`,
        title: `${side} ${kind} ${showRange(range)}`,
      });
      bar.style.gridRow = String(ROWS[side][kind]);
      bar.style.gridColumn = `${boundaryLine(range.begin, keys)} / ${boundaryLine(range.end, keys)}`;
      return bar;
    });
  }
}

/** The grid line at the left edge of a key. Before it are two halves of a gap, and so on from the left. */
function keyLine(index: number): number {
  return 3 * index + 3;
}

/** The grid line where a range begins or ends: at an edge of a key, or in the middle of a gap. */
function boundaryLine(boundary: Uint8Array, keys: readonly Uint8Array[]): number {
  const found = keys.findIndex((key) => compareKeys(key, boundary) >= 0);
  const index = found < 0 ? keys.length : found;
  const here = keys[index];
  const before = keys[index - 1];
  if (here !== undefined && compareKeys(here, boundary) === 0) return keyLine(index);
  if (before !== undefined && compareKeys(keyAfter(before), boundary) === 0) return keyLine(index) - 2;
  return keyLine(index) - 1;
}

function describeSide(side: Side, view: SideView): HTMLElement[] {
  const text = (ranges: readonly Interval[]): string =>
    ranges.length === 0 ? 'nothing' : ranges.map(showRange).join(', ');
  const conflicts =
    view.conflicts.length === 0 ? '' : `; another transaction has written in ${text(view.conflicts)}`;
  return [
    element('dt', { text: side }),
    element('dd', {
      class: view.conflicts.length === 0 ? '' : 'is-conflict',
      text: `reads ${text(view.reads)}; writes ${text(view.writes)}${conflicts}`,
    }),
  ];
}

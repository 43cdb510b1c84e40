/**
 * The lanes: a row for each tab, time to the right. A line is the life of a peer, thick while it knows that it is alone;
 * on it, what has happened to it; behind it, when its page was away. All of the day is always in view.
 */

import { element } from '../dom';
import type { Day } from './day';
import { MARKS, type Mark } from './marks';
import { PHASES } from './phases';

const GUTTER = 46;
const MARGIN = 10;
const AXIS = 38;
const ROW = 58;
/** Where in its row the line of a life is. */
const LINE = 36;
const LABEL_ROOM = 52;
/** The absences, with the custom property of their colour. */
const ABSENCES = [
  ['frozen', '--frozen'],
  ['hidden', '--hidden'],
  ['put away', '--put-away'],
] as const;

export class Lanes {
  readonly #canvas: HTMLCanvasElement;
  readonly #swatches: (() => void)[] = [];
  #day: Day | undefined;
  #isStale = false;

  constructor(canvas: HTMLCanvasElement, legend: HTMLElement) {
    this.#canvas = canvas;
    this.#fillLegend(legend);
    const redraw = (): void => {
      for (const draw of this.#swatches) draw();
      this.show(this.#day);
    };
    new ResizeObserver(redraw).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  }

  /** Draws the day, with the next frame. */
  show(day: Day | undefined): void {
    this.#day = day;
    if (this.#isStale) return;
    this.#isStale = true;
    requestAnimationFrame(() => {
      this.#isStale = false;
      this.#draw();
    });
  }

  #draw(): void {
    const day = this.#day;
    const width = this.#canvas.clientWidth;
    if (day === undefined || width === 0) return;
    const rows = day.scenario.peers;
    const height = AXIS + rows * ROW;
    const context = prepare(this.#canvas, width, height);
    const pen = new Pen(context, this.#canvas);
    const nowUs = day.view?.nowUs ?? 0;
    const endUs = day.isOver ? Math.max(1, nowUs) : roomFor(nowUs);
    const x = (timeUs: number): number => GUTTER + (timeUs / endUs) * (width - GUTTER - MARGIN);
    const y = (slot: number): number => AXIS + slot * ROW + LINE;

    drawAxis(pen, endUs, x, width, height);
    drawPhases(pen, day, x, height);
    for (let slot = 0; slot < rows; slot += 1) {
      pen.fill('--line');
      context.fillRect(0, AXIS + slot * ROW, width, 1);
      pen.text('--soft', 13, 'sans');
      context.fillText(`tab ${slot + 1}`, 0, y(slot) + 4);
    }
    if (day.view === undefined) return;
    const until = (endedUs: number | undefined): number => x(Math.min(endedUs ?? nowUs, nowUs));
    for (const { lane, how, beginUs, endUs: endedUs } of day.view.aways) {
      const slot = day.slotOf(lane);
      const colour = ABSENCES.find(([name]) => name === how)?.[1];
      if (slot === undefined || colour === undefined) continue;
      pen.fill(colour);
      context.fillRect(x(beginUs), y(slot) - 13, Math.max(1.5, until(endedUs) - x(beginUs)), 26);
    }
    drawLives(pen, day, x, y, until);
    this.#drawMarks(pen, day, x, y);
    if (!day.isOver) {
      pen.fill('--now');
      context.fillRect(x(nowUs), AXIS - 6, 1, height);
    }
  }

  #drawMarks(pen: Pen, day: Day, x: (timeUs: number) => number, y: (slot: number) => number): void {
    const { context } = pen;
    for (const { lane, timeUs } of day.ofKind('death')) {
      // The machine's own death strikes all.
      if (lane !== undefined) continue;
      pen.fill('--death');
      context.fillRect(x(timeUs) - 0.75, AXIS - 6, 1.5, day.scenario.peers * ROW + 6);
    }
    for (const mark of MARKS) {
      pen.both(mark.colour);
      context.lineWidth = mark.kind === 'death' ? 2 : 1.5;
      // Two at one place look like one: where thousands are, most need not be drawn.
      let drawn = '';
      for (const { lane, timeUs } of day.ofKind(mark.kind)) {
        const slot = day.slotOf(lane);
        if (slot === undefined) continue;
        const place = `${slot} ${Math.round(2 * x(timeUs))}`;
        if (place === drawn) continue;
        drawn = place;
        mark.draw(context, x(timeUs), y(slot) - mark.height);
      }
    }
  }

  #fillLegend(legend: HTMLElement): void {
    const add = (text: string, draw: (pen: Pen) => void): void => {
      const swatch = element('canvas', { class: 'swatch' });
      this.#swatches.push(() => draw(new Pen(prepare(swatch, 20, 16), swatch)));
      legend.append(element('li', {}, [swatch, element('span', { text })]));
    };
    add('peer, opening', (pen) => pen.life('opening', 1, 19, 8));
    add('peer', (pen) => pen.life('open', 1, 19, 8));
    add('peer that knows it is alone', (pen) => pen.life('alone', 1, 19, 8));
    for (const [name, colour] of ABSENCES) {
      add(`page ${name}`, (pen) => {
        pen.fill(colour);
        pen.context.fillRect(1, 1, 18, 14);
      });
    }
    for (const mark of MARKS) add(mark.text, (pen) => pen.mark(mark, 10, 8));
    add('the machine dies', (pen) => {
      pen.fill('--death');
      pen.context.fillRect(9.25, 0, 1.5, 16);
    });
  }
}

/** A context with the colours of the page. */
class Pen {
  readonly context: CanvasRenderingContext2D;
  readonly #style: CSSStyleDeclaration;

  constructor(context: CanvasRenderingContext2D, canvas: HTMLCanvasElement) {
    this.context = context;
    this.#style = getComputedStyle(canvas);
  }

  #value(property: string): string {
    return this.#style.getPropertyValue(property).trim();
  }

  fill(property: string): void {
    this.context.fillStyle = this.#value(property);
  }

  both(property: string): void {
    this.fill(property);
    this.context.strokeStyle = this.#value(property);
  }

  text(property: string, size: number, family: 'sans' | 'mono'): void {
    this.fill(property);
    this.context.font = `${size}px ${this.#value(`--${family}`)}`;
  }

  mark(mark: Mark, x: number, y: number): void {
    this.both(mark.colour);
    this.context.lineWidth = mark.kind === 'death' ? 2 : 1.5;
    mark.draw(this.context, x, y);
  }

  life(how: 'opening' | 'open' | 'alone', from: number, to: number, y: number): void {
    const { context } = this;
    context.strokeStyle = this.#value(how === 'alone' ? '--alone' : '--life');
    context.lineWidth = how === 'alone' ? 5 : 2;
    context.setLineDash(how === 'opening' ? [3, 3] : []);
    context.beginPath();
    context.moveTo(from, y);
    context.lineTo(Math.max(to, from + 1), y);
    context.stroke();
    context.setLineDash([]);
  }
}

/** A canvas of this size, empty, sharp on any screen. */
function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const scale = window.devicePixelRatio;
  const [pixelWidth, pixelHeight] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== pixelWidth || canvas.height !== pixelHeight) {
    canvas.width = pixelWidth;
    canvas.height = pixelHeight;
  }
  canvas.style.blockSize = `${height}px`;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('the browser has no canvas to draw on');
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

function drawLives(
  pen: Pen,
  day: Day,
  x: (timeUs: number) => number,
  y: (slot: number) => number,
  until: (endUs: number | undefined) => number,
): void {
  const alone = solitudes(day);
  const labelled = new Map<number, number>();
  for (const { slot, lane, beginUs, openUs, endUs } of day.view?.appearances ?? []) {
    pen.life('opening', x(beginUs), until(openUs ?? endUs), y(slot));
    if (openUs !== undefined) pen.life('open', x(openUs), until(endUs), y(slot));
    for (const [fromUs, toUs] of alone.get(lane) ?? []) {
      pen.life('alone', x(fromUs), until(Math.min(toUs, endUs ?? Number.POSITIVE_INFINITY)), y(slot));
    }
    if (x(beginUs) - (labelled.get(slot) ?? -LABEL_ROOM) < LABEL_ROOM) continue;
    labelled.set(slot, x(beginUs));
    pen.text('--faint', 11, 'mono');
    pen.context.fillText(`peer ${lane}`, x(beginUs) + 2, y(slot) + 20);
  }
}

/** When each peer knew that it was alone. */
function solitudes(day: Day): Map<number, [number, number][]> {
  const found = new Map<number, [number, number][]>();
  const turns = [...day.ofKind('alone'), ...day.ofKind('company')].sort((a, b) => a.timeUs - b.timeUs);
  for (const { lane, kind, timeUs } of turns) {
    if (lane === undefined) continue;
    const isEnd = kind === 'company';
    const own = found.get(lane) ?? [];
    found.set(lane, own);
    const newest = own.at(-1);
    const isOpen = newest?.[1] === Number.POSITIVE_INFINITY;
    if (isEnd && isOpen) newest[1] = timeUs;
    if (!isEnd && !isOpen) own.push([timeUs, Number.POSITIVE_INFINITY]);
  }
  return found;
}

function drawAxis(
  pen: Pen,
  endUs: number,
  x: (timeUs: number) => number,
  width: number,
  height: number,
): void {
  const { context } = pen;
  const stepUs = [...ladder()].find((step) => (step / endUs) * (width - GUTTER) > 84) ?? endUs;
  for (let timeUs = 0; timeUs <= endUs; timeUs += stepUs) {
    pen.fill('--line');
    context.fillRect(x(timeUs), 16, 1, height);
    pen.text('--faint', 11, 'mono');
    const isLast = x(timeUs) + 40 > width;
    context.textAlign = isLast ? 'right' : 'left';
    context.fillText(clock(timeUs, stepUs, endUs), x(timeUs) + (isLast ? MARGIN : 0), 12);
    context.textAlign = 'left';
  }
}

/** Where the parts of the day begin. */
function drawPhases(pen: Pen, day: Day, x: (timeUs: number) => number, height: number): void {
  const { context } = pen;
  let free = 0;
  for (const [index, { timeUs }] of day.ofKind('phase').entries()) {
    const name = PHASES[index + 1]?.[0];
    if (name === undefined) continue;
    pen.both('--soft');
    context.lineWidth = 1;
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(x(timeUs), 20);
    context.lineTo(x(timeUs), height);
    context.stroke();
    context.setLineDash([]);
    pen.text('--soft', 11, 'sans');
    const room = context.measureText(name).width + 6;
    const isLast = x(timeUs) + room > context.canvas.clientWidth;
    if (x(timeUs) < free) continue;
    free = x(timeUs) + room;
    context.textAlign = isLast ? 'right' : 'left';
    context.fillText(name, x(timeUs) + (isLast ? -4 : 4), 30);
    context.textAlign = 'left';
  }
}

/** 1, 2, 5, 10, … milliseconds. */
function* ladder(): Generator<number> {
  for (let power = 1_000; power <= 1e9; power *= 10) yield* [power, 2 * power, 5 * power];
}

function roomFor(nowUs: number): number {
  return [...ladder()].find((step) => step >= 50_000 && step >= 1.02 * nowUs) ?? nowUs;
}

function clock(timeUs: number, stepUs: number, endUs: number): string {
  if (endUs < 1_000_000) return `${Math.round(timeUs / 1_000)} ms`;
  return `${(timeUs / 1e6).toFixed(stepUs < 1_000_000 ? 1 : 0)} s`;
}

/**
 * The map: every loaded city as a faint dot (together they draw the land), the matches of
 * the last query over them, and the cell under the pointer or the keyboard's cursor.
 *
 * Two canvases: the ground changes when cities are added, the layer above with each query.
 * It knows nothing of the database.
 *
 * Longitude and latitude are drawn straight; the frame's shape (cities.css) makes a degree
 * of latitude 1.27 times as long as one of longitude, true to shape at about 38°.
 */

import { part } from '../dom';
import { CELL_DEGREES, type Cell, cellAt } from './keys';
import type { Point } from './points';

const LAT_MIN = -57;
const LAT_MAX = 79;
const LNG_MIN = -180;
const LNG_MAX = 180;
const GRATICULE_DEGREES = 30;
/** Opacity of a pixel with one city, of each doubling, and at most. */
const DENSITY = { first: 0.2, doubling: 0.09, most: 0.62 } as const;

const STEPS: Record<string, Cell> = {
  ArrowUp: { row: 1, column: 0 },
  ArrowDown: { row: -1, column: 0 },
  ArrowLeft: { row: 0, column: -1 },
  ArrowRight: { row: 0, column: 1 },
};

interface Colors {
  land: { red: number; green: number; blue: number };
  line: string;
  match: string;
  ink: string;
  halo: string;
}

export interface MapViews {
  pick(cell: Cell): void;
}

export class CityMap {
  readonly #ground: HTMLCanvasElement;
  readonly #layer: HTMLCanvasElement;
  readonly #cities: Point[] = [];
  #matches: readonly Point[] = [];
  #marked: { point: Point; label: string } | undefined;
  #cell: Cell | undefined;
  #cursor: Cell | undefined;
  #width = 0;
  #height = 0;
  #colors: Colors;
  /** Cities per pixel of the ground. */
  #counts = new Uint16Array(0);
  #groundIsStale = false;
  #layerIsStale = false;

  constructor(root: ParentNode, views: MapViews) {
    this.#ground = part(root, '#cities-ground', HTMLCanvasElement);
    this.#layer = part(root, '#cities-layer', HTMLCanvasElement);
    this.#colors = this.#readColors();
    new ResizeObserver(() => this.#resize()).observe(this.#layer);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#resize());
    this.#listen(part(root, '#cities-pointer', HTMLButtonElement), views);
  }

  addCities(points: readonly Point[]): void {
    for (const point of points) this.#cities.push(point);
    this.#count(points);
    this.#drawGround();
  }

  clearCities(): void {
    this.#cities.length = 0;
    this.#counts.fill(0);
    this.#matches = [];
    this.#marked = undefined;
    this.#drawGround();
    this.#drawLayer();
  }

  showMatches(points: readonly Point[], cell: Cell | undefined): void {
    this.#matches = points;
    this.#cell = cell;
    this.#drawLayer();
  }

  mark(marked: { point: Point; label: string } | undefined): void {
    this.#marked = marked;
    this.#drawLayer();
  }

  #listen(pointer: HTMLButtonElement, views: MapViews): void {
    const at = (event: MouseEvent): Cell => {
      const box = pointer.getBoundingClientRect();
      return cellAt(this.#unproject(event.clientX - box.left, event.clientY - box.top));
    };
    pointer.addEventListener('pointermove', (event) => {
      if (event.pointerType !== 'touch') this.#moveCursor(at(event));
    });
    pointer.addEventListener('pointerleave', () => this.#moveCursor(undefined));
    pointer.addEventListener('blur', () => this.#moveCursor(undefined));
    pointer.addEventListener('click', (event) => {
      // A click without a count comes from the keyboard.
      views.pick(event.detail === 0 ? this.#keyboardCell() : at(event));
    });
    pointer.addEventListener('keydown', (event) => {
      const step = STEPS[event.key];
      if (step === undefined) return;
      const from = this.#keyboardCell();
      const columns = 360 / CELL_DEGREES;
      this.#moveCursor({
        row: clamp(
          from.row + step.row,
          cellAt({ lat: LAT_MIN, lng: 0 }).row,
          cellAt({ lat: LAT_MAX, lng: 0 }).row,
        ),
        column: (from.column + step.column + columns) % columns,
      });
      event.preventDefault();
    });
  }

  #keyboardCell(): Cell {
    return this.#cursor ?? this.#cell ?? cellAt({ lat: 47, lng: 8 });
  }

  #moveCursor(cell: Cell | undefined): void {
    if (cell?.row === this.#cursor?.row && cell?.column === this.#cursor?.column) return;
    this.#cursor = cell;
    this.#drawLayer();
  }

  #x(lng: number): number {
    return ((lng - LNG_MIN) / (LNG_MAX - LNG_MIN)) * this.#width;
  }

  #y(lat: number): number {
    return ((LAT_MAX - lat) / (LAT_MAX - LAT_MIN)) * this.#height;
  }

  #unproject(x: number, y: number): Point {
    return {
      lng: clamp(LNG_MIN + (x / this.#width) * (LNG_MAX - LNG_MIN), -180, 179.99),
      lat: clamp(LAT_MAX - (y / this.#height) * (LAT_MAX - LAT_MIN), LAT_MIN, LAT_MAX),
    };
  }

  #resize(): void {
    const box = this.#layer.getBoundingClientRect();
    // A hidden panel has no size.
    if (box.width < 1 || box.height < 1) return;
    this.#width = box.width;
    this.#height = box.height;
    this.#colors = this.#readColors();
    this.#layer.width = Math.round(box.width * devicePixelRatio);
    this.#layer.height = Math.round(box.height * devicePixelRatio);
    // Finer than this, single places would vanish on a dense screen.
    const groundScale = Math.min(devicePixelRatio, 1.5);
    this.#ground.width = Math.round(box.width * groundScale);
    this.#ground.height = Math.round(box.height * groundScale);
    this.#counts = new Uint16Array(this.#ground.width * this.#ground.height);
    this.#count(this.#cities);
    this.#drawGround();
    this.#drawLayer();
  }

  #readColors(): Colors {
    const style = getComputedStyle(this.#layer);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    return {
      land: hexColor(color('--map-land')),
      line: color('--map-line'),
      match: color('--match'),
      ink: color('--ink'),
      halo: color('--surface'),
    };
  }

  #context(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('the browser gave no 2D canvas');
    const scale = canvas.width / this.#width;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    return context;
  }

  #count(points: readonly Point[]): void {
    const { width, height } = this.#ground;
    const scale = width / this.#width;
    if (!(scale > 0)) return;
    for (const { lat, lng } of points) {
      const x = Math.floor(this.#x(lng) * scale);
      const y = Math.floor(this.#y(lat) * scale);
      if (x < 0 || x >= width || y < 0 || y >= height) continue;
      const pixel = y * width + x;
      this.#counts[pixel] = (this.#counts[pixel] ?? 0) + 1;
    }
  }

  /** Drawn at most once a frame, however often it is asked for. */
  #drawGround(): void {
    if (this.#groundIsStale) return;
    this.#groundIsStale = true;
    requestAnimationFrame(() => {
      this.#groundIsStale = false;
      if (this.#width > 0) this.#drawGroundNow();
    });
  }

  #drawGroundNow(): void {
    const context = this.#context(this.#ground);
    const { width, height } = this.#ground;
    const { red, green, blue } = this.#colors.land;
    const image = context.createImageData(width, height);
    for (const [pixel, cities] of this.#counts.entries()) {
      if (cities === 0) continue;
      const opacity = Math.min(DENSITY.most, DENSITY.first + DENSITY.doubling * Math.log2(cities));
      image.data[pixel * 4] = red;
      image.data[pixel * 4 + 1] = green;
      image.data[pixel * 4 + 2] = blue;
      image.data[pixel * 4 + 3] = opacity * 255;
    }
    context.putImageData(image, 0, 0);
    context.globalCompositeOperation = 'destination-over';
    this.#drawGraticule(context);
    context.globalCompositeOperation = 'source-over';
  }

  #drawGraticule(context: CanvasRenderingContext2D): void {
    context.strokeStyle = this.#colors.line;
    context.lineWidth = 1;
    context.beginPath();
    for (let lng = LNG_MIN + GRATICULE_DEGREES; lng < LNG_MAX; lng += GRATICULE_DEGREES) {
      const x = Math.round(this.#x(lng)) + 0.5;
      context.moveTo(x, 0);
      context.lineTo(x, this.#height);
    }
    for (let lat = -30; lat <= 60; lat += GRATICULE_DEGREES) {
      const y = Math.round(this.#y(lat)) + 0.5;
      context.moveTo(0, y);
      context.lineTo(this.#width, y);
    }
    context.stroke();
  }

  /** Once a frame, too. */
  #drawLayer(): void {
    if (this.#layerIsStale) return;
    this.#layerIsStale = true;
    requestAnimationFrame(() => {
      this.#layerIsStale = false;
      if (this.#width > 0) this.#drawLayerNow();
    });
  }

  #drawLayerNow(): void {
    const context = this.#context(this.#layer);
    const colors = this.#colors;
    context.clearRect(0, 0, this.#width, this.#height);

    context.fillStyle = colors.match;
    const crowded = this.#matches.length > 2000;
    const size = (crowded ? 1.5 : 2.5) * (this.#width < 500 ? 0.8 : 1);
    context.globalAlpha = crowded ? 0.6 : 0.85;
    for (const { lat, lng } of this.#matches) {
      context.fillRect(this.#x(lng) - size / 2, this.#y(lat) - size / 2, size, size);
    }
    context.globalAlpha = 1;

    if (this.#cell !== undefined) this.#drawCell(context, this.#cell, colors.match);
    if (this.#cursor !== undefined) this.#drawCell(context, this.#cursor, colors.ink);
    if (this.#marked !== undefined) this.#drawMark(context, this.#marked);
  }

  #drawCell(context: CanvasRenderingContext2D, { row, column }: Cell, color: string): void {
    const lat = row * CELL_DEGREES - 90;
    const lng = column * CELL_DEGREES - 180;
    const x = this.#x(lng);
    const y = this.#y(lat + CELL_DEGREES);
    context.strokeStyle = color;
    context.lineWidth = 1.25;
    context.strokeRect(x, y, this.#x(lng + CELL_DEGREES) - x, this.#y(lat) - y);
  }

  #drawMark(context: CanvasRenderingContext2D, { point, label }: { point: Point; label: string }): void {
    const x = this.#x(point.lng);
    const y = this.#y(point.lat);
    context.beginPath();
    context.arc(x, y, 5.5, 0, Math.PI * 2);
    context.lineWidth = 4;
    context.strokeStyle = this.#colors.halo;
    context.stroke();
    context.lineWidth = 1.75;
    context.strokeStyle = this.#colors.ink;
    context.stroke();

    context.font = `600 13px ${getComputedStyle(this.#layer).fontFamily}`;
    const width = context.measureText(label).width;
    const left = x + 11 + width > this.#width ? x - 11 - width : x + 11;
    context.lineWidth = 4;
    context.lineJoin = 'round';
    context.strokeStyle = this.#colors.halo;
    context.strokeText(label, left, y + 4.5);
    context.fillStyle = this.#colors.ink;
    context.fillText(label, left, y + 4.5);
  }
}

/** `#rrggbb` */
function hexColor(text: string): Colors['land'] {
  const value = Number.parseInt(text.slice(1), 16);
  return { red: value >> 16, green: (value >> 8) & 0xff, blue: value & 0xff };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/**
 * A bar for each median, from zero, with a line from the least to the largest, by Chartist. It draws SVG that the
 * page's own style sheet colours, so light and dark need no second drawing.
 */

import { AutoScaleAxis, BarChart } from 'chartist';
import { rate } from './figures';
import type { Line } from './results';

type Measured = Line & { rates: NonNullable<Line['rates']> };

const BAR_PITCH = 34;
const AXIS_HEIGHT = 30;
const LABEL_WIDTH = 92;
const VALUE_WIDTH = 66;
const WHISKER_HALF = 5;

export class Chart {
  readonly #place: HTMLElement;
  #lines: readonly Measured[] = [];
  #chart: BarChart | undefined;

  constructor(place: HTMLElement) {
    this.#place = place;
    place.setAttribute('role', 'img');
    // It has no width while its panel is hidden; then there is nothing that could be drawn.
    new ResizeObserver(() => this.#draw()).observe(place);
  }

  show(lines: readonly Line[]): void {
    // From the bottom to the top.
    this.#lines = lines.filter((line): line is Measured => line.rates !== undefined).reverse();
    const said = this.#lines.map(({ title, rates }) => `${title} ${rate(rates.median)}`).reverse();
    this.#place.setAttribute('aria-label', `Bars, per second: ${said.join(', ')}`);
    this.#place.style.blockSize = `${this.#lines.length * BAR_PITCH + AXIS_HEIGHT}px`;
    this.#draw();
  }

  #draw(): void {
    if (this.#place.clientWidth === 0 || this.#lines.length === 0) return;
    const data = {
      labels: this.#lines.map(({ title }) => title),
      series: this.#lines.map(({ contestant, rates }) => ({
        value: rates.median,
        className: `bar-${contestant}`,
      })),
    };
    const high = Math.max(...this.#lines.map(({ rates }) => rates.max));
    if (this.#chart === undefined) this.#chart = this.#make(data, high);
    else this.#chart.update(data, { high }, true);
  }

  #make(data: ConstructorParameters<typeof BarChart>[1], high: number): BarChart {
    const chart = new BarChart(this.#place, data, {
      horizontalBars: true,
      distributeSeries: true,
      low: 0,
      high,
      chartPadding: { top: 0, right: VALUE_WIDTH, bottom: 0, left: 0 },
      axisX: {
        type: AutoScaleAxis,
        onlyInteger: true,
        scaleMinSpace: 70,
        offset: AXIS_HEIGHT,
        labelInterpolationFnc: (value) => rate(Number(value)),
      },
      axisY: { offset: LABEL_WIDTH, showGrid: false },
    });
    chart.on('draw', (drawn) => {
      if (drawn.type !== 'bar') return;
      const line = this.#lines[drawn.seriesIndex];
      if (line === undefined) return;
      const { min, max, median } = line.rates;
      const at = (value: number) => drawn.chartRect.x1 + drawn.axisX.projectValue(value);
      const y = drawn.y1;
      const whisker = (x1: number, y1: number, x2: number, y2: number) =>
        drawn.group.elem('line', { x1, y1, x2, y2 }, 'whisker');
      if (max > min) {
        whisker(at(min), y, at(max), y);
        for (const end of [min, max]) whisker(at(end), y - WHISKER_HALF, at(end), y + WHISKER_HALF);
      }
      drawn.group.elem('text', { x: at(max) + 6, y: y + 4 }, 'bar-value').text(rate(median));
    });
    // It would draw again with every change of the window, also when it has no width.
    chart.on('created', () => queueMicrotask(() => chart.detach()));
    return chart;
  }
}

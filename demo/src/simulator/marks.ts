/** How each kind of thing that happens is drawn: a shape and a colour, the same in the lanes and in the legend. */

import type { DayView } from './simulator.worker';

export type Kind = DayView['happenings'][number]['kind'];

export interface Mark {
  readonly kind: Kind;
  /** What it stands for, in the legend. */
  readonly text: string;
  /** The custom property of the colour. */
  readonly colour: string;
  /** How far above the line of its tab its middle is, in pixels. */
  readonly height: number;
  draw(context: CanvasRenderingContext2D, x: number, y: number): void;
}

const RADIUS = 3.5;

/** In the order in which they are drawn: what is rare lies above what is frequent. */
export const MARKS: readonly Mark[] = [
  {
    kind: 'commit',
    text: 'commit',
    colour: '--commit',
    height: 7,
    draw: (context, x, y) => context.fillRect(x - 0.5, y - 5, 1, 10),
  },
  {
    kind: 'conflict',
    text: 'conflict, told to a transaction',
    colour: '--conflict',
    height: -8,
    draw: (context, x, y) => context.fillRect(x - 0.75, y - 5, 1.5, 10),
  },
  {
    kind: 'fold',
    text: 'fold of the log into pages',
    colour: '--fold',
    height: 0,
    draw: (context, x, y) =>
      polygon(context, [
        [x, y - 5],
        [x + 5, y],
        [x, y + 5],
        [x - 5, y],
      ]),
  },
  {
    kind: 'news',
    text: 'message lost, repeated or forged',
    colour: '--news',
    height: 19,
    draw(context, x, y) {
      context.beginPath();
      context.arc(x, y, RADIUS - 0.75, 0, 2 * Math.PI);
      context.stroke();
    },
  },
  {
    kind: 'storage',
    text: 'storage: aborted, slow, full, no answer, connection lost',
    colour: '--storage',
    height: 19,
    draw: (context, x, y) =>
      polygon(context, [
        [x, y + 4],
        [x - 4, y - 3],
        [x + 4, y - 3],
      ]),
  },
  {
    kind: 'clock',
    text: 'clock jumps or stops',
    colour: '--clock',
    height: 19,
    draw: (context, x, y) => context.fillRect(x - 3, y - 3, 6, 6),
  },
  {
    kind: 'death',
    text: 'peer killed, trapped or closed',
    colour: '--death',
    height: 0,
    draw(context, x, y) {
      context.beginPath();
      context.moveTo(x - 4.5, y - 4.5);
      context.lineTo(x + 4.5, y + 4.5);
      context.moveTo(x + 4.5, y - 4.5);
      context.lineTo(x - 4.5, y + 4.5);
      context.stroke();
    },
  },
];

function polygon(context: CanvasRenderingContext2D, corners: readonly (readonly [number, number])[]): void {
  context.beginPath();
  for (const [x, y] of corners) context.lineTo(x, y);
  context.fill();
}

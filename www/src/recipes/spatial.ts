import type { Transaction, TupleItem } from '../exports.js';
import { type Place, type TupleSpace, tupleSpace } from './common.js';

/** A point of the plane; its coordinates are safe integers. */
export interface Point {
  x: number;
  y: number;
}

/** The points with `x[0] <= x <= x[1]` and `y[0] <= y <= y[1]`. */
export interface Box {
  x: readonly [min: number, max: number];
  y: readonly [min: number, max: number];
}

/** Bits of a coordinate once it is counted from the smallest safe integer. */
const BITS = 54;
const ORIGIN = 2n ** 53n;
/** How many ranges a box is read in. More fit closer, fewer are fewer reads. */
const RANGES_MAX = 16;

/**
 * Points in the plane, found by the box they are in. They are stored in Z-order: the bits of both coordinates
 * in turn make one number, so that what is near is mostly stored near, and a box is a few ranges of keys.
 *
 * @example
 * ```ts
 * const places = new Spatial<string>(new Subspace('places'));
 * await db.doTransaction(async (tn) => {
 *   await places.set(tn, 'tower', { x: 2_294, y: 48_858 });
 *   const box: Box = { x: [2_000, 3_000], y: [48_000, 49_000] };
 *   for await (const [name, point] of places.within(tn, box)) console.log(name, point);
 * });
 * ```
 */
export class Spatial<K extends TupleItem> {
  readonly #points: TupleSpace;
  readonly #byZ: TupleSpace;

  constructor(place: Place) {
    const space = tupleSpace(place);
    this.#points = space.at([0]);
    this.#byZ = space.at([1]);
  }

  /** Puts something at a point, and away from where it was. */
  async set(tn: Transaction, key: K, { x, y }: Point): Promise<void> {
    const entry = this.#byZ.packKey([zOrder(checked(x), checked(y)), key]);
    await this.delete(tn, key);
    const point = this.#byZ.keyXf.pack([x, y]);
    tn.set(this.#points.packKey([key]), point);
    tn.set(entry, point);
  }

  /**
   * Where something is.
   *
   * @example
   * ```ts
   * const point = await places.get(tn, 'tower');
   * ```
   */
  async get(tn: Transaction, key: K): Promise<Point | undefined> {
    const bytes = await tn.get(this.#points.packKey([key]));
    return bytes && this.#point(bytes);
  }

  /**
   * Takes something away: whether it was there.
   *
   * @example
   * ```ts
   * const wasThere = await places.delete(tn, 'tower');
   * ```
   */
  async delete(tn: Transaction, key: K): Promise<boolean> {
    const old = await this.get(tn, key);
    if (old === undefined) return false;
    tn.clear(this.#points.packKey([key]));
    tn.clear(this.#byZ.packKey([zOrder(old.x, old.y), key]));
    return true;
  }

  /** What is in a box, in Z-order. */
  async *within(tn: Transaction, box: Box): AsyncGenerator<[key: K, point: Point], void> {
    for (const { begin, end } of zRanges(box)) {
      for await (const [key, value] of tn.getRange(this.#byZ.packKey([begin]), this.#byZ.packKey([end]))) {
        const point = this.#point(value);
        if (isWithin(point, box)) yield [this.#byZ.unpackKey(key)[1] as K, point];
      }
    }
  }

  #point(bytes: Uint8Array): Point {
    const [x, y] = this.#points.keyXf.unpack(bytes) as [number, number];
    return { x, y };
  }
}

/**
 * The bits of both coordinates in turn, the highest first.
 *
 * @example
 * ```ts
 * zOrder(1, 1); // -> 3n
 * ```
 */
export function zOrder(x: number, y: number): bigint {
  return interleave(BigInt(x) + ORIGIN, BigInt(y) + ORIGIN);
}

function interleave(x: bigint, y: bigint): bigint {
  const [xBits, yBits] = [x, y].map((bits) => bits.toString(2).padStart(BITS, '0')) as [string, string];
  let both = '0b';
  for (let bit = 0; bit < BITS; bit++) both += `${xBits[bit]}${yBits[bit]}`;
  return BigInt(both);
}

/** A square whose side is a power of two and whose corner is a multiple of it: one range of Z-order. */
interface Cell {
  x: bigint;
  y: bigint;
  side: bigint;
}

/**
 * Ranges of Z-order that together hold a box, at most so many, in order. Cells that are partly in the box are
 * cut in four, the largest first, and parts outside of it are dropped, as long as there are not too many.
 *
 * @example
 * ```ts
 * zRanges({ x: [0, 8], y: [0, 8] }); // one range
 * ```
 */
export function zRanges({ x, y }: Box, rangesMax = RANGES_MAX): { begin: bigint; end: bigint }[] {
  const [left, right, bottom, top] = [...x, ...y].map((at) => BigInt(checked(at)) + ORIGIN) as [
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const overlaps = (cell: Cell) =>
    cell.x <= right && cell.y <= top && cell.x + cell.side > left && cell.y + cell.side > bottom;
  const isInside = (cell: Cell) =>
    cell.x >= left && cell.y >= bottom && cell.x + cell.side - 1n <= right && cell.y + cell.side - 1n <= top;

  const inside: Cell[] = [];
  // In the order in which they are made, which is the order of their sizes.
  const partly = [{ x: 0n, y: 0n, side: 1n << BigInt(BITS) }].filter(overlaps);
  // Neighbours in Z-order become one range, so there may be more cells than ranges.
  while (partly.length > 0 && inside.length + partly.length < rangesMax * 4) {
    for (const cell of quarters(partly.shift() as Cell).filter(overlaps)) {
      (isInside(cell) ? inside : partly).push(cell);
    }
  }
  const ranges = [...inside, ...partly].map((cell) => {
    const begin = interleave(cell.x, cell.y);
    return { begin, end: begin + cell.side * cell.side };
  });
  return joined(ranges, rangesMax);
}

function quarters({ x, y, side }: Cell): Cell[] {
  const half = side / 2n;
  return [
    { x, y, side: half },
    { x, y: y + half, side: half },
    { x: x + half, y, side: half },
    { x: x + half, y: y + half, side: half },
  ];
}

/** Joins what touches, and then what is nearest to each other, until it is few enough. */
function joined(ranges: { begin: bigint; end: bigint }[], rangesMax: number) {
  const sorted = ranges.sort((a, b) => (a.begin < b.begin ? -1 : 1));
  const gapBefore = (index: number) => (sorted[index]?.begin ?? 0n) - (sorted[index - 1]?.end ?? 0n);
  for (;;) {
    let nearest = 1;
    for (let index = 2; index < sorted.length; index++) {
      if (gapBefore(index) < gapBefore(nearest)) nearest = index;
    }
    const [first, second] = sorted.slice(nearest - 1, nearest + 1);
    if (!first || !second || (sorted.length <= rangesMax && gapBefore(nearest) > 0n)) return sorted;
    sorted.splice(nearest - 1, 2, { begin: first.begin, end: second.end });
  }
}

function isWithin(point: Point, { x, y }: Box): boolean {
  return point.x >= x[0] && point.x <= x[1] && point.y >= y[0] && point.y <= y[1];
}

function checked(coordinate: number): number {
  if (Number.isSafeInteger(coordinate)) return coordinate;
  throw new RangeError(`a coordinate that is a safe integer was expected, found ${coordinate}`);
}

/**
 * The rows: 16-byte keys in ascending order, 100 bytes of random value each, all of it computed from the row's index.
 *
 * The first four bytes of a value are a tally, little-endian, zero at first: transactions count there. The rest never
 * changes, so whatever is read back can be checked.
 */

/** A key as text, for those whose keys are text, and as bytes. */
export interface Key {
  text: string;
  bytes: Uint8Array;
}

export interface Row {
  key: Key;
  value: Uint8Array;
}

export const VALUE_BYTES = 100;
const TALLY_BYTES = 4;

const textEncoder = /* @__PURE__ */ new TextEncoder();

/** Row `index` of a set of `count` rows. Keys ascend with the index. */
export function row(index: number, count: number): Row {
  return { key: rowKey(index, count), value: rowValue(index) };
}

/** Eight hexadecimal digits that ascend, and eight of chance. */
export function rowKey(index: number, count: number): Key {
  const ascending = Math.floor(((index + 0.5) / count) * 2 ** 32);
  return key(hex(ascending) + hex(scramble(index)));
}

/** Key `index` of those that are in no set of rows. */
export function freshKey(index: number): Key {
  return key(`+${hex(scramble(index)).slice(0, 7)}${hex(index)}`);
}

export function rowValue(index: number): Uint8Array {
  const value = new Uint8Array(VALUE_BYTES);
  let state = scramble(index + 1) || 1;
  for (let place = TALLY_BYTES; place < VALUE_BYTES; place++) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    value[place] = state;
  }
  return value;
}

/** Whether `value` is that of row `index`, whatever its tally. */
export function isRowValue(index: number, value: Uint8Array | undefined): boolean {
  if (value?.length !== VALUE_BYTES) return false;
  const expected = rowValue(index);
  for (let place = TALLY_BYTES; place < VALUE_BYTES; place++) {
    if (value[place] !== expected[place]) return false;
  }
  return true;
}

export function tallyOf(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset).getUint32(0, true);
}

/** The value with one more in its tally. */
export function tallied(value: Uint8Array): Uint8Array {
  const next = value.slice();
  new DataView(next.buffer).setUint32(0, tallyOf(value) + 1, true);
  return next;
}

/** Chance that repeats: the same seed gives the same indices. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = scramble(seed) || 1;
  }

  /** An integer from 0 to below `end`. */
  below(end: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % end;
  }

  /** Different integers from 0 to below `end`. */
  different(count: number, end: number): number[] {
    const found = new Set<number>();
    while (found.size < count) found.add(this.below(end));
    return [...found];
  }
}

function key(text: string): Key {
  return { text, bytes: textEncoder.encode(text) };
}

function hex(number: number): string {
  return (number >>> 0).toString(16).padStart(8, '0');
}

/** The finalizer of MurmurHash3: a bijection of 32-bit integers. */
function scramble(number: number): number {
  let mixed = (number + 0x9e3779b9) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

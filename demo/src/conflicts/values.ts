/**
 * The values of the lab. Integers are stored as eight little-endian bytes, which is what `add` adds to;
 * everything else is text.
 */

import { toBytes, toText } from '../bytes';

const INTEGER = /^-?\d{1,15}$/;
const INTEGER_BYTES = 8;

export function packInteger(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(INTEGER_BYTES);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
  return bytes;
}

export function packValue(text: string): Uint8Array<ArrayBuffer> {
  return INTEGER.test(text) ? packInteger(Number(text)) : toBytes(text);
}

export function showValue(value: Uint8Array | undefined): string {
  if (value === undefined) return 'nothing';
  if (value.length !== INTEGER_BYTES) return toText(value);
  return String(new DataView(value.buffer, value.byteOffset, INTEGER_BYTES).getBigInt64(0, true));
}

/** What a transaction has read, for formulas. */
export interface Known {
  /** Values as shown, by key. */
  values: ReadonlyMap<string, string>;
  /** How many keys the last range had. */
  rowCount: number | undefined;
}

/**
 * The value that a `set` writes: its text as it is, or, after a "=", a sum of integers, of keys, which
 * stand for what was read there, and of "#", the number of keys in the range that was read last.
 */
export function evaluate(text: string, known: Known): string {
  if (!text.startsWith('=')) return text;
  let sum = 0;
  let rest = text.slice(1).replaceAll(' ', '');
  if (rest === '') throw new Error('a sum was expected after “=”, found nothing');
  while (rest !== '') {
    const [term, sign, name] = /^([+-]?)([^+-]+)/.exec(rest) ?? [];
    if (term === undefined || name === undefined) {
      throw new Error(`a key or an integer was expected in ${text}, found ${rest}`);
    }
    sum += (sign === '-' ? -1 : 1) * termValue(name, known);
    rest = rest.slice(term.length);
  }
  return String(sum);
}

function termValue(name: string, { values, rowCount }: Known): number {
  if (INTEGER.test(name)) return Number(name);
  if (name === '#') {
    if (rowCount === undefined) throw new Error('“#” counts the keys of a range; no range has been read');
    return rowCount;
  }
  const value = values.get(name);
  if (value === undefined) throw new Error(`the formula needs ${name}, which has not been read`);
  const number = value === 'nothing' ? 0 : Number(value);
  if (!Number.isSafeInteger(number)) throw new Error(`an integer was expected at ${name}, found ${value}`);
  return number;
}

/** Tuples of the vectors and random ones, as JavaScript has them. */
import type { tuple } from 'plinthdb';
import { fromHex } from './bytes.ts';
import type { Random } from './random.ts';

/** An element as the vectors write it. */
export type VectorItem = null | boolean | string | VectorItem[] | Record<string, string | number>;

/** The element, of the kind that keeps every bit. */
export function toItem(item: VectorItem): tuple.TupleItem {
  if (item === null || typeof item === 'boolean' || typeof item === 'string') return item;
  if (Array.isArray(item)) return item.map(toItem);
  const [entry] = Object.entries(item);
  if (!entry) throw new Error('a vector has an element without a type');
  const [type, value] = entry;
  switch (type) {
    case 'bytes':
      return fromHex(String(value));
    case 'integer':
      return toInteger(String(value));
    case 'float':
    case 'double':
      return toFloat(type, fromHex(String(value)));
    case 'uuid':
    case 'versionstamp':
    case 'versionstamp80':
      return { type, value: fromHex(String(value)) };
    case 'unbound':
      return { type: 'unbound versionstamp', code: Number(value) };
    default:
      throw new Error(`a vector has an element of type ${type}`);
  }
}

function toInteger(text: string): number | bigint {
  const integer = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
  return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
}

function toFloat(type: 'float' | 'double', rawEncoding: Uint8Array): tuple.TupleItem {
  const view = new DataView(rawEncoding.buffer);
  return { type, value: type === 'float' ? view.getFloat32(0) : view.getFloat64(0), rawEncoding };
}

const CHARACTERS = ['a', 'b', '\0', 'é', '\ufeff', '\uff5e', '\u{1f525}', '\ud800', '\udc00'] as const;
const NUMBERS = [
  0,
  -0,
  1,
  -1,
  255,
  256,
  -256,
  2 ** 31,
  -(2 ** 32),
  2 ** 53,
  0.5,
  -1e300,
  Number.NaN,
] as const;

/** A random tuple of what both this package and `fdb-tuple` can pack. */
export function randomTuple(random: Random, depth = 2): tuple.TupleItem[] {
  return Array.from({ length: random.below(4) }, () => randomItem(random, depth));
}

function randomItem(random: Random, depth: number): tuple.TupleItem {
  switch (random.below(11)) {
    case 0:
      return null;
    case 1:
      return random.chance(0.5);
    case 2:
      return random.bytes(random.below(40));
    case 3:
      return Array.from({ length: random.below(40) }, () => random.pick(CHARACTERS)).join('');
    case 4:
      return random.pick(NUMBERS);
    case 5:
      return Math.floor((random.fraction() - 0.5) * 2 ** random.below(54));
    case 6:
      return (random.fraction() - 0.5) * 2 ** random.below(80);
    case 7:
      return (
        BigInt(`0x0${'123456789abcdef'.repeat(40).slice(0, random.below(510))}`) * random.pick([1n, -1n])
      );
    case 8:
      return depth > 0 ? randomTuple(random, depth - 1) : null;
    case 9:
      return random.pick([
        { type: 'uuid', value: random.bytes(16) },
        { type: 'versionstamp', value: random.bytes(12) },
      ]);
    default:
      return {
        type: random.pick(['float', 'double']),
        value: random.pick([1, 0.1, -0, Number.POSITIVE_INFINITY]),
      };
  }
}

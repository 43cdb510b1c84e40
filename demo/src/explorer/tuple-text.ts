/**
 * Tuples as text and back: JSON, with an object of one property for what JSON does not have.
 *
 *   ["card", 2, null, true, 1.5, ["nested"]]
 *   {"bytes": "00ff"}   {"int": "12345678901234567890"}   {"double": 2}   {"float": 1.5}
 *   {"uuid": "…"}       {"versionstamp": "24 hex digits"} {"versionstamp80": "20 hex digits"}
 */

import { type TupleItem, tuple } from 'plinthdb';
import { compareKeys, fromHex, toHex } from '../bytes';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** `undefined` for bytes that are no tuple, or one that the text would not give back byte for byte. */
export function showTuple(bytes: Uint8Array): string | undefined {
  try {
    const text = write(tuple.unpack(bytes, true).map(toJson));
    return compareKeys(parseTuple(text), bytes) === 0 ? text : undefined;
  } catch {
    return undefined;
  }
}

/** JSON with a space after each comma and colon. */
function write(json: Json): string {
  if (json === null || typeof json !== 'object') return JSON.stringify(json);
  if (Array.isArray(json)) return `[${json.map(write).join(', ')}]`;
  const properties = Object.entries(json).map(([name, value]) => `${JSON.stringify(name)}: ${write(value)}`);
  return `{${properties.join(', ')}}`;
}

export function parseTuple(text: string): Uint8Array {
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch {
    throw new Error(`a tuple such as ["card", 2] was expected, found ${text}`);
  }
  if (!Array.isArray(json)) throw new Error(`a tuple in square brackets was expected, found ${text}`);
  return tuple.pack(json.map(fromJson));
}

/** The first element of a packed tuple: how it is written, and the bytes that it takes. */
export function firstElement(bytes: Uint8Array): { text: string; bytes: Uint8Array } | undefined {
  try {
    const [first] = tuple.unpack(bytes, true);
    if (first === undefined) return undefined;
    const packed = tuple.pack([first]);
    const isSame = compareKeys(packed, bytes.subarray(0, packed.length)) === 0;
    return isSame ? { text: write(toJson(first)), bytes: packed } : undefined;
  } catch {
    return undefined;
  }
}

function toJson(item: TupleItem): Json {
  if (item === null || typeof item === 'boolean' || typeof item === 'string') return item;
  if (typeof item === 'number') return item;
  if (typeof item === 'bigint') return { int: String(item) };
  if (item instanceof Uint8Array) return { bytes: toHex(item) };
  if (Array.isArray(item)) return item.map(toJson);
  switch (item.type) {
    case 'double': {
      const { value } = item;
      if (Number.isFinite(value) && !Number.isInteger(value)) return value;
      return { double: Number.isFinite(value) && !Object.is(value, -0) ? value : named(value) };
    }
    case 'float':
      return {
        float: Number.isFinite(item.value) && !Object.is(item.value, -0) ? item.value : named(item.value),
      };
    case 'uuid': {
      const hex = toHex(item.value);
      const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
      return { uuid: parts.join('-') };
    }
    case 'versionstamp':
    case 'versionstamp80':
      return { [item.type]: toHex(item.value) };
    case 'unbound versionstamp':
      throw new TypeError('a stored tuple has no unbound versionstamp');
  }
}

function named(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function fromJson(json: Json): TupleItem {
  if (json === null || typeof json !== 'object') return json;
  if (Array.isArray(json)) return json.map(fromJson);
  const [[type, value] = ['', null], ...rest] = Object.entries(json);
  if (rest.length === 0 && (typeof value === 'string' || typeof value === 'number')) {
    switch (type) {
      case 'int':
        return BigInt(value);
      case 'bytes':
        return fromHex(String(value));
      case 'double':
      case 'float':
        return { type, value: Number(value) };
      case 'uuid':
        return { type, value: fromHex(String(value).replaceAll('-', '')) };
      case 'versionstamp':
      case 'versionstamp80':
        return { type, value: fromHex(String(value)) };
    }
  }
  throw new Error(`an element such as {"bytes": "00ff"} was expected, found ${JSON.stringify(json)}`);
}

import { toBytes } from './bytes.js';
import { errorCodes } from './error-codes.js';
import { fdbError } from './fdb-error.js';
import type { OptionTable } from './option-codes.js';

/** What an option is set to: a number, text or bytes; nothing for a flag. */
export type OptionValue = number | string | Uint8Array | null | undefined;

/** Options of `open` that FoundationDB does not have. */
export const OWN_OPTIONS: readonly string[] = ['durability', 'cacheBytes', 'salvage', 'fallback', 'inspect'];

const EXPECTED = 'an integer, text or bytes';

/**
 * The bytes of an option's value, as FoundationDB's C API takes them: nothing for a flag, eight
 * little-endian bytes for an integer.
 */
export function optionBytes(value: OptionValue): Uint8Array {
  if (value === undefined || value === null) return new Uint8Array(0);
  if (typeof value === 'string' || value instanceof Uint8Array) return toBytes(value);
  if (!Number.isSafeInteger(value)) throw wrongValue('an option', EXPECTED, value);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
  return bytes;
}

/**
 * Sets options by their names. `undefined` and `false` leave an option as it is.
 *
 * @param others Names that the caller deals with.
 */
export function setOptions(
  options: object,
  table: OptionTable,
  others: readonly string[],
  set: (number: number, value: Uint8Array) => void,
): void {
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (value === undefined || value === false || others.includes(name)) continue;
    const entry = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!entry) {
      throw fdbError(errorCodes.invalid_option, `the name of an option was expected, found ${name}`);
    }
    const [number, isFlag] = entry;
    set(number, isFlag ? flagBytes(name, value) : valueBytes(name, value));
  }
}

function flagBytes(name: string, value: unknown): Uint8Array {
  if (value === true || value === 1) return optionBytes(undefined);
  throw wrongValue(name, 'true or 1', value);
}

function valueBytes(name: string, value: unknown): Uint8Array {
  if (Number.isSafeInteger(value) || typeof value === 'string' || value instanceof Uint8Array) {
    return optionBytes(value as OptionValue);
  }
  throw wrongValue(name, EXPECTED, value);
}

function wrongValue(name: string, expected: string, found: unknown) {
  const message = `${name}: ${expected} was expected, found ${String(found)}`;
  return fdbError(errorCodes.invalid_option_value, message);
}

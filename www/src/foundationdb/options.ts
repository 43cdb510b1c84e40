/** Options as the npm package `foundationdb` takes them: what it does not know is a warning, not an error. */
import { errorCodes } from '../error-codes.js';
import { FDBError } from '../fdb-error.js';
import type { OptionTable } from '../option-codes.js';
import { setOptions } from '../options.js';

/** Sets options by their names; warns of unknown names and of values that don't fit. */
export function setOptionsOrWarn(
  options: object,
  table: OptionTable,
  others: readonly string[],
  set: (number: number, value: Uint8Array) => void,
): void {
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (others.includes(name)) continue;
    if (!Object.hasOwn(table, name)) {
      console.warn(`Warning: Ignoring unknown option ${name}`);
      continue;
    }
    try {
      setOptions({ [name]: value }, table, others, set);
    } catch (error) {
      if (!(error instanceof FDBError) || error.code !== errorCodes.invalid_option_value) throw error;
      console.warn(`Warning: Ignoring value ${String(value)} for option ${name}`);
    }
  }
}

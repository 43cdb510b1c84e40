import { errorCodes, errorTexts } from './error-codes.js';

/**
 * A failure with a code that programs can act on. Codes and their names are FoundationDB's; the texts
 * say what was expected and what was found.
 *
 * @example
 * ```ts
 * try {
 *   await db.set('k', new Uint8Array(200_000));
 * } catch (error) {
 *   if (error instanceof FDBError && error.code === errorCodes.value_too_large) {
 *     // cut it into chunks
 *   }
 * }
 * ```
 */
export class FDBError extends Error {
  override readonly name = 'FDBError';
  /** FoundationDB's number, such as 1020 for `not_committed`. */
  readonly code: number;

  constructor(description: string, code: number) {
    super(description);
    this.code = code;
  }

  /** FoundationDB's name of the code, such as `not_committed`; `unknown_error` for unknown numbers. */
  get codeName(): string {
    for (const [name, code] of Object.entries(errorCodes)) {
      if (code === this.code) return name;
    }
    return 'unknown_error';
  }
}

/** An error with the standard text of its code, or a more specific one. */
export function fdbError(code: number, message?: string): FDBError {
  return new FDBError(message || errorTexts[code] || `Error ${code}`, code);
}

import { errorCodes, errorTexts } from './error-codes.js';
import { FDBError } from './fdb-error.js';

/** A directory operation that can't be: the code, one from 2250 to 2267, says why. */
export class DirectoryError extends FDBError {
  /** The same error as a directory's, if it is one. @internal */
  static from(error: unknown): unknown {
    if (!(error instanceof FDBError) || error instanceof DirectoryError) return error;
    const { code, message } = error;
    const isDirectory =
      code >= errorCodes.invalid_tuple_data_type && code <= errorCodes.cannot_modify_root_directory;
    return isDirectory ? new DirectoryError(message, code) : error;
  }
}

/** An error with the standard text of its code. */
export function directoryError(code: number): DirectoryError {
  return new DirectoryError(errorTexts[code] ?? `Error ${code}`, code);
}

/** Callbacks, which came before promises and still work. */
import type { FDBError } from '../fdb-error.js';

/** Gets an error, or null and what was asked for. */
export type Callback<T> = (error: FDBError | null, result?: T) => void;

/** Tells a callback how a promise ended. */
export function tell<T>(promise: Promise<T>, callback: Callback<T>): void {
  promise.then(
    (result) => callback(null, result),
    (error: FDBError) => callback(error),
  );
}

import type { WatchCalls } from './engine.js';
import { settle } from './engine.js';
import { errorCodes } from './error-codes.js';
import { FDBError } from './fdb-error.js';

/** Tells once that the value of a key has changed. */
export interface Watch {
  /**
   * `true` when the value has changed, after the new value is readable; `false` when the watch was
   * cancelled or its transaction did not commit. Rejects when watching failed. A rejection that
   * nobody handles is not reported as unhandled.
   */
  readonly promise: Promise<boolean>;
  /**
   * Ends the watch. Harmless when it has ended.
   *
   * @example
   * ```ts
   * const watch = await db.getAndWatch('inbox');
   * watch.cancel();
   * ```
   */
  cancel(): void;
}

/** A watch, and what the key was when it began. */
export type WatchWithValue<Value> = Watch & { value: Value | undefined };

/** Options of {@link Transaction.watch}. */
export interface WatchOptions {
  /** Reject where the promise would otherwise be `false`. */
  throwAllErrors?: boolean | undefined;
  /** Ends the watch when it aborts, as `cancel` does. */
  signal?: AbortSignal | undefined;
}

const QUIET_CODES: readonly number[] = [
  errorCodes.operation_cancelled,
  errorCodes.transaction_cancelled,
  errorCodes.not_committed,
];

/** Wraps a watch of the engine. */
export function wrapWatch(handle: WatchCalls, options: WatchOptions | undefined): Watch {
  const promise = settle(handle.promise as Promise<void>).then(
    () => true,
    (error: unknown) => {
      const isQuiet = error instanceof FDBError && QUIET_CODES.includes(error.code);
      if (isQuiet && !options?.throwAllErrors) return false;
      throw error;
    },
  );
  let isOpen = true;
  const free = () => {
    isOpen = false;
    handle.free();
  };
  promise.then(free, free);
  const cancel = () => {
    if (isOpen) handle.cancel();
  };
  const signal = options?.signal;
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal) promise.finally(() => signal.removeEventListener('abort', cancel)).catch(() => undefined);
  return { promise, cancel };
}

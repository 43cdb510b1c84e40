/** The loops that run a body in a transaction until an attempt of it succeeds. */
import { FDBError } from './fdb-error.js';
import type { RecentActivity } from './recent-activity.js';
import { orAborted } from './signal.js';
import type { Transaction } from './transaction.js';
import { turnGate } from './turn-gate.js';

/** What a loop needs of a transaction. */
type Retried = Pick<Transaction, 'commitAttempt' | 'free' | 'rawCancel' | 'rawOnError'>;

/** How attempts are made. */
export interface RetryOptions<Tn> {
  /** Ends the transaction when it aborts. */
  signal: AbortSignal | undefined;
  /** Sets what a retry forgets. */
  prepareRetry: ((tn: Tn) => void) | undefined;
  /** Whether it waits for its turn if many are begun together. */
  isGated: boolean;
  /** Is told of the attempts that fail. */
  recent: RecentActivity;
  /** What an attempt failed with that was made before, in another transaction. */
  failure: unknown;
}

/** Runs a body and commits, again after each failure that can be retried, and frees the transaction. */
export async function commitRetrying<Tn extends Retried, T>(
  tn: Tn,
  body: (tn: Tn) => Promise<T> | T,
  { signal, prepareRetry, isGated, recent, failure }: RetryOptions<Tn>,
): Promise<T> {
  const cancel = () => tn.rawCancel();
  signal?.addEventListener('abort', cancel);
  const turn = isGated ? turnGate.enter() : undefined;
  const prepareNext = async (error: unknown) => {
    if (!(error instanceof FDBError)) throw error;
    signal?.throwIfAborted();
    recent.failed(error);
    await retryOrThrow(tn, error);
    prepareRetry?.(tn);
  };
  try {
    if (turn) await orAborted(turn, signal);
    if (failure !== undefined) await prepareNext(failure);
    for (;;) {
      let bake: (() => void) | undefined;
      let result: T;
      try {
        const outcome = isGated ? turnGate.call(() => body(tn)) : body(tn);
        // What is not waited for is committed in the order of the calls. A body that hangs must not keep an aborted
        // transaction from ending.
        result = isPromiseLike(outcome) ? await orAborted(Promise.resolve(outcome), signal) : outcome;
        bake = await tn.commitAttempt();
      } catch (error) {
        await prepareNext(error);
        continue;
      }
      bake?.();
      return result;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
    if (isGated) turnGate.leave();
    tn.free();
  }
}

/** Runs a body that only reads, and nothing with a conflict: it has nothing to commit. Frees the transaction. */
export async function readRetrying<Tn extends Retried & { snapshot(): Tn }, T>(
  tn: Tn,
  body: (snapshot: Tn) => Promise<T>,
): Promise<T> {
  const snapshot = tn.snapshot();
  try {
    for (;;) {
      try {
        return await body(snapshot);
      } catch (error) {
        if (!(error instanceof FDBError)) throw error;
        await retryOrThrow(tn, error);
      }
    }
  } finally {
    tn.free();
  }
}

function isPromiseLike<T>(outcome: PromiseLike<T> | T): outcome is PromiseLike<T> {
  return typeof (outcome as PromiseLike<T> | null | undefined)?.then === 'function';
}

async function retryOrThrow(tn: Retried, error: FDBError): Promise<void> {
  try {
    await tn.rawOnError(error.code);
  } catch (final) {
    // The engine knows the code only; the first error has the details.
    throw final instanceof FDBError && final.code === error.code ? error : final;
  }
}

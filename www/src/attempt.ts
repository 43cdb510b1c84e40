import { call, lastError, settle, type TransactionCalls, type TransactionHandle } from './engine.js';
import { errorCodes } from './error-codes.js';
import { fdbError } from './fdb-error.js';
import { orAborted, type ReadOptions } from './signal.js';
import { turnGate } from './turn-gate.js';
import { VersionstampBaking } from './versionstamp-baking.js';

/**
 * What the views of a transaction share: the engine's side of it, which is as good as new for each attempt, and what
 * waits for the versionstamp of its commit.
 *
 * @internal
 */
export class Attempt {
  /** Gives the engine's bytes the class that the entry of the package hands out. */
  readonly own: (bytes: Uint8Array) => Uint8Array;
  readonly baking: VersionstampBaking = new VersionstampBaking();
  #calls: TransactionCalls | undefined;
  /** What is known of the commit after the engine's side is gone. */
  #committedVersion = -1;

  constructor(calls: TransactionCalls, own: (bytes: Uint8Array) => Uint8Array) {
    this.#calls = calls;
    this.own = own;
  }

  /** The engine's side. */
  get calls(): TransactionCalls {
    const calls = this.#calls;
    if (!calls) {
      const message = 'this transaction has ended; a transaction can be used until its doTransaction returns';
      throw fdbError(errorCodes.transaction_cancelled, message);
    }
    return calls;
  }

  /** The version at which it took effect; -1 before that and if it wrote nothing. */
  get committedVersion(): number {
    const calls = this.#calls;
    return calls ? call(() => calls.committedVersion()) : this.#committedVersion;
  }

  /** Bytes that the engine answered with at once or later. Throws if it is a number, the code of a failure. */
  bytesOf(answer: unknown, options: ReadOptions | undefined): Promise<Uint8Array | undefined> {
    if (typeof answer === 'number') throw lastError(answer);
    options?.signal?.throwIfAborted();
    if (answer instanceof Promise) {
      return orAborted(settle(answer as Promise<Uint8Array | undefined>), options?.signal);
    }
    const bytes = answer as Uint8Array | undefined;
    return turnGate.answer(bytes, bytes);
  }

  /** The versionstamp that the commit uses. A rejection that nobody handles is not reported as unhandled. */
  versionstamp(): Promise<Uint8Array> {
    const stamp = settle(call(() => this.calls.versionstamp()) as Promise<Uint8Array>);
    const owned = stamp.then(this.own);
    owned.catch(() => undefined);
    return owned;
  }

  /**
   * Commits; the answer, if there is one, puts the versionstamp where it is waited for. That can fail in
   * the encoding, which is no reason to try again what has been committed.
   */
  async commit(): Promise<(() => void) | undefined> {
    const { baking } = this;
    if (baking.isEmpty) {
      await settle(call(() => this.calls.commit()));
      return undefined;
    }
    const stamping = this.versionstamp();
    await settle(call(() => this.calls.commit()));
    const stamp = await stamping;
    return () => baking.bake(stamp);
  }

  /** Prepares the next attempt after a failure with this code, or rejects with the error. */
  async onError(code: number): Promise<void> {
    await settle(call(() => this.calls.onError(code)));
    this.baking.reset();
  }

  /** Makes it as good as new. */
  reset(): void {
    call(() => this.calls.reset());
    this.baking.reset();
  }

  /** Lets go of the engine's side: uses from now on fail with `transaction_cancelled`. */
  free(): void {
    const calls = this.#calls;
    if (!calls) return;
    this.#committedVersion = call(() => calls.committedVersion());
    this.#calls = undefined;
    calls.free();
  }

  /** Does with the engine's side what is built on transactions. */
  withHandle<T>(operation: (handle: TransactionHandle) => Promise<T>): Promise<T> {
    const { calls } = this;
    return settle(call(() => calls.whenOpen?.(operation) ?? operation(calls as TransactionHandle)));
  }
}

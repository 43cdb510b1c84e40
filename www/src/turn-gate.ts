/** So many transactions begin in one task. */
const AT_ONCE = 64;
/** No more of them begin when the bodies of those that did have taken so long before they first waited. */
const TURN_MS = 4;
/** A body that takes less counts for nothing. */
const LONG_BODY_MS = 1;
/** So many reads, or so many pieces of what they read, are answered at once in one task: some milliseconds of work. */
const ANSWERS_AT_ONCE = 1_000;
/** A piece of 2 KB. */
const PIECE_BITS = 11;

/**
 * Lets the page have its turn: what the engine answers at once never leaves the task in which it was asked.
 *
 * A thousand transactions that are begun together would be one long task. They begin in their order, and while the first
 * ones are being committed, the next ones run. A loop of reads would be another one, an endless one if it waits for what
 * happens in a task of its own.
 */
class TurnGate {
  #open = 0;
  /** Those that began since the page had its turn, and how long their bodies took. */
  #begun = 0;
  #busyMs = 0;
  #waiting: (() => void)[] = [];
  /** Reads that were answered since then. */
  #answers = 0;
  #nextTask: Promise<void> | undefined;

  /** Says that a transaction begins. It waits for what is returned, if there is something. */
  enter(): Promise<void> | undefined {
    this.#open++;
    if (this.#open === 1) this.#beginTurn(0);
    const isFull = this.#open > AT_ONCE || this.#busyMs >= TURN_MS;
    if (!isFull && this.#waiting.length === 0) {
      this.#begun++;
      return undefined;
    }
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) === 1) inNextTask(() => this.#admit());
    });
  }

  /** Calls the body of a transaction that has entered, and looks at how long it takes before it first waits. */
  call<T>(body: () => T): T {
    const called = performance.now();
    const outcome = body();
    const ms = performance.now() - called;
    if (ms >= LONG_BODY_MS) this.#busyMs += ms;
    return outcome;
  }

  /** Says that a transaction has ended. */
  leave(): void {
    this.#open--;
  }

  /** What was found for a read of these bytes: at once, or once the page has had its turn. */
  answer<T>(found: T, bytes: Uint8Array | undefined): Promise<T> {
    this.#answers += 1 + ((bytes?.length ?? 0) >> PIECE_BITS);
    if (this.#answers >= ANSWERS_AT_ONCE) {
      this.#answers = 0;
      // Whatever is asked meanwhile waits, too, so that the task ends.
      this.#nextTask ??= new Promise((resolve) => {
        inNextTask(() => {
          this.#nextTask = undefined;
          resolve();
        });
      });
    }
    return this.#nextTask ? this.#nextTask.then(() => found) : Promise.resolve(found);
  }

  #beginTurn(begun: number): void {
    this.#begun = begun;
    this.#busyMs = 0;
  }

  #admit(): void {
    // As many as would take no longer than that, if they are like the ones before.
    const fitting =
      this.#busyMs > 0 ? Math.max(1, Math.floor((this.#begun * TURN_MS) / this.#busyMs)) : AT_ONCE;
    const admitted = this.#waiting.slice(0, Math.min(fitting, AT_ONCE));
    this.#waiting = this.#waiting.slice(admitted.length);
    this.#beginTurn(admitted.length);
    if (this.#waiting.length > 0) inNextTask(() => this.#admit());
    for (const resolve of admitted) resolve();
  }
}

/** All databases share the page. */
export const turnGate: TurnGate = /* @__PURE__ */ new TurnGate();

let channel: MessageChannel | undefined;
const callbacks: (() => void)[] = [];

/**
 * Calls back in a task of its own. A timer would wait for longer: browsers make each of a chain of them wait four
 * milliseconds.
 */
function inNextTask(callback: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void };
  if (setImmediate) {
    setImmediate(callback);
    return;
  }
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => callbacks.shift()?.();
  }
  callbacks.push(callback);
  channel.port2.postMessage(undefined);
}

/** So many transactions begin in one task: some milliseconds of work. */
const AT_ONCE = 64;

/**
 * Lets the page have its turn between transactions that are begun together. A transaction whose reads are answered at once
 * never leaves the task in which it was begun: a thousand of them would be one long task. They begin in their order,
 * and while the first ones are being committed, the next ones run.
 */
class TurnGate {
  #open = 0;
  #waiting: (() => void)[] = [];

  /** Says that a transaction begins. It waits for what is returned, if there is something. */
  enter(): Promise<void> | undefined {
    this.#open++;
    if (this.#open <= AT_ONCE && this.#waiting.length === 0) return undefined;
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) === 1) inNextTask(() => this.#admit());
    });
  }

  /** Says that it has ended. */
  leave(): void {
    this.#open--;
  }

  #admit(): void {
    const admitted = this.#waiting.slice(0, AT_ONCE);
    this.#waiting = this.#waiting.slice(AT_ONCE);
    if (this.#waiting.length > 0) inNextTask(() => this.#admit());
    for (const resolve of admitted) resolve();
  }
}

/** Transactions of all databases share the page. */
export const turnGate: TurnGate = /* @__PURE__ */ new TurnGate();

let channel: MessageChannel | undefined;

/**
 * Calls back in a task of its own, one callback at a time. A timer would wait for longer: browsers make each of a chain of
 * them wait four milliseconds.
 */
function inNextTask(callback: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void };
  if (setImmediate) {
    setImmediate(callback);
    return;
  }
  channel ??= new MessageChannel();
  channel.port1.onmessage = callback;
  channel.port2.postMessage(undefined);
}

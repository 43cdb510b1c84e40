/**
 * How long the page's thread is busy at a stretch. Messages are sent to and fro without a pause; where one comes late,
 * a task ran in between. That slows other work a little, so nothing else is measured meanwhile.
 */

export interface Responsiveness {
  longestMs: number;
  /** 99 % of the time was spent in tasks shorter than this. */
  p99Ms: number;
  /** Tasks of more than 50 ms, as the browser counts them. */
  longTasks: number;
}

/** Shorter ones are the messages themselves. */
const TASK_MS_MIN = 0.5;

export class TaskSampler {
  readonly #channel = new MessageChannel();
  readonly #tasks: number[] = [];
  readonly #begin = performance.now();
  readonly #observer: PerformanceObserver | undefined;
  #last = this.#begin;
  #longTasks = 0;

  constructor() {
    this.#channel.port1.onmessage = () => {
      this.#note();
      this.#channel.port2.postMessage(undefined);
    };
    this.#channel.port2.postMessage(undefined);
    if (PerformanceObserver.supportedEntryTypes.includes('longtask')) {
      this.#observer = new PerformanceObserver((list) => {
        this.#longTasks += list.getEntries().length;
      });
      this.#observer.observe({ type: 'longtask' });
    }
  }

  end(): Responsiveness {
    this.#note();
    this.#channel.port1.close();
    this.#longTasks += this.#observer?.takeRecords().length ?? 0;
    this.#observer?.disconnect();
    const tasks = this.#tasks.sort((left, right) => right - left);
    const hundredth = (this.#last - this.#begin) / 100;
    let above = 0;
    const p99 = tasks.find((task) => {
      above += task;
      return above > hundredth;
    });
    return { longestMs: tasks[0] ?? TASK_MS_MIN, p99Ms: p99 ?? TASK_MS_MIN, longTasks: this.#longTasks };
  }

  #note(): void {
    const now = performance.now();
    if (now - this.#last >= TASK_MS_MIN) this.#tasks.push(now - this.#last);
    this.#last = now;
  }
}

/**
 * What the page did and how long each step took, since the navigation began.
 * Steps happen once and form the timeline; samples repeat (queries) and are summarized.
 */

export interface Step {
  name: string;
  detail: string;
  beginMs: number;
  endMs: number;
}

export interface Summary {
  count: number;
  medianMs: number;
  p95Ms: number;
}

const SAMPLES_MAX = 1000;

export class Timings {
  readonly steps: Step[] = [];
  readonly #samples: number[] = [];
  #sampleCount = 0;
  readonly #listeners: (() => void)[] = [];

  /** Runs `work` and records how long it took; a failure is recorded too, then passed on. */
  async measure<T>(
    name: string,
    work: () => Promise<T>,
    detail: (result: T) => string = () => '',
  ): Promise<T> {
    const beginMs = performance.now();
    try {
      const result = await work();
      this.add({ name, detail: detail(result), beginMs, endMs: performance.now() });
      return result;
    } catch (error) {
      this.add({ name, detail: 'failed', beginMs, endMs: performance.now() });
      throw error;
    }
  }

  add(step: Step): void {
    this.steps.push(step);
    this.#changed();
  }

  sampleQuery(ms: number): void {
    this.#samples[this.#sampleCount % SAMPLES_MAX] = ms;
    this.#sampleCount += 1;
    this.#changed();
  }

  querySummary(): Summary {
    const sorted = [...this.#samples].sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
    return { count: this.#sampleCount, medianMs: at(0.5), p95Ms: at(0.95) };
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** A simulator in a worker of its own, as promises; and what a panic in it means. */

import type { Answer, Choice, Job, Played, Scenario, Verdict } from './simulator.worker';

/** The simulated engine has panicked: a violation, told by an exception. Its simulator is gone. */
export class Panic extends Error {}

const PANIC = 'panic: ';

export class Simulator {
  #worker: Worker | undefined;
  #newest: Promise<unknown> = Promise.resolve();
  #abandon: (why: Error) => void = () => undefined;

  faults(): Promise<readonly Choice[]> {
    return this.#ask({ kind: 'faults' });
  }

  begin(seed: bigint, fault: string): Promise<Scenario> {
    return this.#ask({ kind: 'begin', seed, fault });
  }

  play(untilUs: number, budgetMs: number): Promise<Played> {
    return this.#ask({ kind: 'play', untilUs, budgetMs });
  }

  step(): Promise<Played> {
    return this.#ask({ kind: 'step' });
  }

  whole(seed: bigint, fault: string): Promise<Verdict> {
    return this.#ask({ kind: 'whole', seed, fault });
  }

  /** Ends it wherever it is; what was asked fails, and the next job gets a new worker. */
  end(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#abandon(new Error('the simulator was ended'));
  }

  /** One job after the other. */
  #ask<T>(job: Job): Promise<T> {
    const answer = this.#newest.then(() => this.#send<T>(job));
    this.#newest = answer.catch(() => undefined);
    return answer;
  }

  #send<T>(job: Job): Promise<T> {
    this.#worker ??= new Worker(new URL('./simulator.worker.ts', import.meta.url), { type: 'module' });
    const worker = this.#worker;
    return new Promise<T>((resolve, reject) => {
      this.#abandon = reject;
      worker.onerror = (event) => {
        reject(new Error(event.message || 'the simulator could not be loaded'));
        this.end();
      };
      worker.onmessage = ({ data }: MessageEvent<Answer>) => {
        if ('result' in data) {
          resolve(data.result as T);
          return;
        }
        const isPanic = data.failed.startsWith(PANIC);
        reject(isPanic ? new Panic(data.failed) : new Error(data.failed));
        if (isPanic) this.end();
      };
      worker.postMessage(job);
    });
  }
}

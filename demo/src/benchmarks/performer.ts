/** The page's side of the worker that does the work. */

import type { Measured } from 'plinthdb-bench/stopwatch';
import type { Answer, Job } from './performer.worker';

export class Performer {
  readonly #worker = new Worker(new URL('./performer.worker.ts', import.meta.url), { type: 'module' });

  /** One job at a time. Rejects if it fails, and with the signal's reason when that aborts: then the worker is gone. */
  ask(job: Job, signal?: AbortSignal): Promise<readonly Measured[]> {
    const listening = new AbortController();
    return new Promise<readonly Measured[]>((resolve, reject) => {
      const listener = { signal: listening.signal };
      signal?.throwIfAborted();
      signal?.addEventListener(
        'abort',
        () => {
          this.end();
          reject(signal.reason);
        },
        listener,
      );
      this.#worker.addEventListener(
        'message',
        ({ data }: MessageEvent<Answer>) => {
          if ('failed' in data) reject(new Error(data.failed));
          else resolve(data.measured);
        },
        listener,
      );
      this.#worker.addEventListener(
        'error',
        ({ message }) => reject(new Error(`the worker failed: ${message}`)),
        listener,
      );
      this.#worker.postMessage(job);
    }).finally(() => listening.abort());
  }

  /** At once, wherever it is. */
  end(): void {
    this.#worker.terminate();
  }
}

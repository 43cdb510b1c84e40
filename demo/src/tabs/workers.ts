/** The tabs without a window that this page has started. */

import { DATABASE_NAME, makeTabName } from '../session';
import type { Begin, Told } from './peer.worker';

export interface WorkerTab {
  readonly name: string;
  /** The number of its increments that it has told us of: each was acknowledged before. */
  acknowledged: number;
  /** Resolves with the first of them. */
  readonly began: Promise<void>;
}

export class WorkerTabs {
  readonly #workers = new Map<WorkerTab, Worker>();

  get size(): number {
    return this.#workers.size;
  }

  start(): WorkerTab {
    const worker = new Worker(new URL('./peer.worker.ts', import.meta.url), { type: 'module' });
    const name = makeTabName();
    let told = (_: Told): void => undefined;
    const began = new Promise<void>((resolve, reject) => {
      told = (what) => {
        if ('failed' in what) reject(new Error(`the worker ${name} failed: ${what.failed}`));
        else resolve();
      };
    });
    const tab: WorkerTab = { name, acknowledged: 0, began };
    worker.addEventListener('message', ({ data }: MessageEvent<Told>) => {
      if ('acknowledged' in data) tab.acknowledged = data.acknowledged;
      told(data);
    });
    worker.addEventListener('error', (event) => told({ failed: event.message }));
    const begin: Begin = { database: DATABASE_NAME, name };
    worker.postMessage(begin);
    this.#workers.set(tab, worker);
    return tab;
  }

  /** Ends it at once, wherever it is: nothing in it runs any more, no commit is waited for. */
  kill(tab: WorkerTab): void {
    this.#workers.get(tab)?.terminate();
    this.#workers.delete(tab);
  }

  newest(): WorkerTab | undefined {
    return [...this.#workers.keys()].at(-1);
  }
}

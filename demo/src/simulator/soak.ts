/** Many days, one seed after the other, on some of the cores, until something is wrong or it is enough. */

import { Panic, Simulator } from './simulator';
import type { Verdict } from './simulator.worker';

export interface Totals {
  runs: number;
  transactions: number;
  commits: number;
  reads: number;
  virtualUs: number;
  /** Since it began. */
  ms: number;
}

export interface Found {
  seed: bigint;
  violation: string;
}

/** A core is left to the page, and more than these are not needed to see it work. */
const WORKERS_MAX = 4;

export function workerCount(): number {
  return Math.max(1, Math.min(WORKERS_MAX, navigator.hardwareConcurrency - 1));
}

/** The first violation, or nothing when `signal` ends it. */
export async function soak(
  first: bigint,
  fault: string,
  signal: AbortSignal,
  told: (totals: Totals, newest: bigint) => void,
): Promise<Found | undefined> {
  const totals: Totals = { runs: 0, transactions: 0, commits: 0, reads: 0, virtualUs: 0, ms: 0 };
  const beganMs = performance.now();
  const simulators = Array.from({ length: workerCount() }, () => new Simulator());
  const endAll = (): void => {
    for (const simulator of simulators) simulator.end();
  };
  let next = first;
  let found: Found | undefined;
  const isDone = (): boolean => signal.aborted || found !== undefined;

  const work = async (simulator: Simulator): Promise<void> => {
    while (!isDone()) {
      const seed = next;
      // After the largest seed comes the first.
      next = BigInt.asUintN(64, next + 1n);
      const result = await judge(simulator, seed, fault).catch((error: unknown) => {
        // What was cut off by the end of it all is no failure.
        if (!isDone()) throw error;
        return undefined;
      });
      if (result === undefined || isDone()) return;
      if (typeof result === 'string') {
        found = { seed, violation: result };
      } else {
        totals.runs += 1;
        totals.transactions += result.transactions;
        totals.commits += result.commits;
        totals.reads += result.reads;
        totals.virtualUs += result.virtualUs;
        if (result.violation !== undefined) found = { seed, violation: result.violation };
      }
      totals.ms = performance.now() - beganMs;
      told(totals, seed);
    }
  };

  signal.addEventListener('abort', endAll);
  try {
    await Promise.all(simulators.map(work));
    return found;
  } finally {
    signal.removeEventListener('abort', endAll);
    endAll();
  }
}

/** A verdict, or what a panic says. */
async function judge(simulator: Simulator, seed: bigint, fault: string): Promise<Verdict | string> {
  try {
    return await simulator.whole(seed, fault);
  } catch (error) {
    if (error instanceof Panic) return error.message;
    throw error;
  }
}

/** What the tests of the recipes share. */
import { type Database, Subspace, type Transaction } from 'plinthdb';
import type { Storage } from '../fixture.ts';
import { Random } from '../random.ts';

/** Where the recipe under test has its keys; next to it are keys that it must not touch. */
export const place = new Subspace('recipe/');

/** Runs a random test; if it fails, the message says how to repeat it. */
export async function withSeed(storage: Storage, run: (random: Random) => Promise<void>): Promise<void> {
  try {
    await run(new Random(storage.seed));
  } catch (error) {
    if (error instanceof Error) error.message = `seed ${storage.seed}: ${error.message}`;
    throw error;
  }
}

/** How many transactions a random test runs. Each does a few things. */
export function transactionCount(storage: Storage): number {
  return Math.ceil(storage.steps / 5);
}

/**
 * Runs a random program in transactions of a few steps. What a step did to the model has to be true in the
 * database at once and after the commit.
 */
export async function runSteps(
  db: Database,
  storage: Storage,
  step: (tn: Transaction, random: Random) => Promise<void>,
): Promise<void> {
  await withSeed(storage, async (random) => {
    for (let left = transactionCount(storage); left > 0; left -= 1) {
      // Nobody else writes, so the body runs once.
      await db.doTransaction(async (tn) => {
        for (let steps = 1 + random.below(5); steps > 0; steps -= 1) await step(tn, random);
      });
    }
  });
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Everything at once. */
export function atOnce<T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => run(index)));
}

/** How often a transaction's body ran beyond its first time, over all calls. */
export class Attempts {
  /** Runs of bodies that had to be repeated. */
  repeated = 0;

  async run<T>(db: Database, body: (tn: Transaction) => Promise<T> | T): Promise<T> {
    let runs = 0;
    const result = await db.doTransaction((tn) => {
      runs += 1;
      return body(tn);
    });
    this.repeated += runs - 1;
    return result;
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Small numbers in order, as `sort` doesn't do it. */
export function ascending(numbers: Iterable<number>): number[] {
  return [...numbers].sort((a, b) => a - b);
}

/**
 * The database for one caller, with something happening between what its transactions do and their commits: the first
 * hook after the first body has run, and so on; a body that is repeated counts again.
 */
export function meddledWith(db: Database, hooks: readonly (() => Promise<unknown> | unknown)[]): Database {
  let runs = 0;
  const doTransaction: Database['doTransaction'] = (body, options) =>
    db.doTransaction(async (tn) => {
      const result = await body(tn);
      await hooks[runs++]?.();
      return result;
    }, options);
  return { doTransaction } as Database;
}

/** A promise that is settled by hand. */
export class Latch {
  readonly opened: Promise<void>;
  open: () => void = () => undefined;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}

/** The workloads as they are run in tabs of one browser: contestants take turns in every round. */
import { setTimeout } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { Chromium } from '../../../pkg-tests/src/support/chromium.ts';
import { type ContestantName, entryOf } from '../catalogue.ts';
import type { Durability } from '../contestant.ts';
import type { BenchPage, Job, TabJob } from '../page/bench.ts';
import type { FirstRead } from '../page/first-read.ts';
import { quantile, summarize } from '../statistics.ts';
import type { Measured } from '../stopwatch.ts';
import { turns } from '../turns.ts';
import type { Sizes } from '../workload.ts';
import { workloads } from '../workloads/all.ts';
import type { Options, WorkloadId } from './options.ts';
import { profiled } from './profile.ts';
import { ResultCollector, type Unit } from './results.ts';

/** Who has not answered by then fails, so that the others' results are not lost. */
const TURN_MS_MAX = 600_000;
const SAMPLING_ROUNDS = 3;
const CHANGES = 60;
const PINGS = 40;
const MILLION = 1_000_000;
const MILLION_CONTESTANTS: readonly ContestantName[] = ['plinth', 'raw-indexeddb', 'sqlite'];

interface Entrant {
  contestant: ContestantName;
  durability: Durability;
}

/** The names of functions whose result is a promise of `T`. */
type Answers = { [Name in keyof BenchPage]: Awaited<ReturnType<BenchPage[Name]>> };

export class Competition {
  readonly collector = new ResultCollector();
  /** Results that were checked and found right. */
  checked = 0;
  readonly #browser: Chromium;
  readonly #origin: string;
  readonly #options: Options;
  readonly #onPart: () => void;

  /** @param onPart Called when a part has all its results. */
  constructor(browser: Chromium, origin: string, options: Options, onPart: () => void) {
    this.#browser = browser;
    this.#origin = origin;
    this.#options = options;
    this.#onPart = onPart;
  }

  async run(): Promise<void> {
    const page = await this.#tab();
    for (const { id, isWriting, database } of workloads) {
      if (!this.#isWanted(id as WorkloadId)) continue;
      const entrants = this.#entrants(id, isWriting);
      await this.#rounds(entrants, id, async (entrant, seed) => {
        if (database === 'loaded') await this.#prepare(page, entrant);
        await this.#round(page, entrant, id, seed);
      });
    }
    await page.close();
    if (this.#isWanted('tasks')) await this.#tasks();
    if (this.#isWanted('W5')) await this.#firstReads();
    if (this.#isWanted('W8')) await this.#watches();
    if (this.#isWanted('W9')) await this.#severalTabs();
    if (this.#isWanted('memory')) await this.#memory();
  }

  /** All turns. Who fails has no more of them; the others go on. */
  async #rounds(
    entrants: readonly Entrant[],
    part: string,
    body: (entrant: Entrant, seed: number) => Promise<void>,
    rounds = this.#options.rounds,
  ): Promise<void> {
    const failed = new Set<Entrant>();
    for (const { entrant, round } of turns(entrants, rounds)) {
      if (failed.has(entrant)) continue;
      const begin = Date.now();
      try {
        await withinLimit(body(entrant, round));
        this.checked++;
      } catch (error) {
        failed.add(entrant);
        this.#fail(part, entrant, error instanceof Error ? error.message : String(error));
      }
      for (const problem of this.#browser.problems.splice(0)) this.#fail(part, entrant, problem);
      const took = ((Date.now() - begin) / 1000).toFixed(1);
      console.log(`   ${part}, round ${round}: ${entrant.contestant} (${entrant.durability}), ${took} s`);
    }
    this.#onPart();
  }

  #fail(part: string, { contestant }: Entrant, message: string): void {
    this.collector.failures.push({ part, contestant, message });
    console.log(`   ${part}, ${contestant}: FAILED: ${message}`);
  }

  async #round(page: Page, entrant: Entrant, workload: string, seed: number): Promise<void> {
    const job = { ...this.#job(entrant, seed), workload, isSampling: false };
    const run = () => ask(page, 'round', job);
    const isProfiled = this.#options.isProfiling && entrant.contestant === 'plinth';
    const measured = isProfiled
      ? await profiled(page.context(), page, `${workload} ${entrant.durability}`, run)
      : await run();
    for (const { part, operations, milliseconds } of measured) {
      this.#add(part, entrant, '/s', (1000 * operations) / milliseconds);
    }
  }

  async #tasks(): Promise<void> {
    for (const workload of ['W2', 'W7']) {
      const [first] = this.#entrants(workload, true).filter(({ contestant }) => contestant === 'plinth');
      const rivals = this.#entrants(workload, false).filter(({ contestant }) => contestant !== 'plinth');
      const page = await this.#tab();
      await this.#rounds(
        first === undefined ? rivals : [first, ...rivals],
        `${workload} tasks`,
        async (entrant, seed) => {
          if (workload === 'W7') await this.#prepare(page, entrant);
          const job = { ...this.#job(entrant, seed), workload, isSampling: true };
          this.#addTasks(entrant, await ask(page, 'round', job));
        },
        Math.min(SAMPLING_ROUNDS, this.#options.rounds),
      );
      await page.close();
    }
  }

  #addTasks(entrant: Entrant, measured: readonly Measured[]): void {
    for (const { part, responsiveness } of measured) {
      if (responsiveness === undefined) throw new Error('the page measured no tasks');
      this.#add(`${part} longest task`, entrant, 'ms', responsiveness.longestMs);
      this.#add(`${part} p99 task`, entrant, 'ms', responsiveness.p99Ms);
    }
  }

  async #firstReads(): Promise<void> {
    const { sizes, isMillion } = this.#options;
    await this.#firstReadsOf('W5', sizes, this.#entrants('W5', false));
    if (!isMillion) return;
    const entrants = this.#entrants('W5', false).filter(({ contestant }) =>
      MILLION_CONTESTANTS.includes(contestant),
    );
    await this.#firstReadsOf('W5 million', { ...sizes, rows: MILLION }, entrants);
  }

  async #firstReadsOf(part: string, sizes: Sizes, entrants: readonly Entrant[]): Promise<void> {
    const preparing = await this.#tab();
    for (const entrant of entrants) {
      await ask(preparing, 'prepare', { ...this.#job(entrant, 0), sizes });
      // Its code is in the browser's cache from here on, as it is for whoever has rows stored.
      await this.#firstRead(entrant, sizes, 0);
    }
    await preparing.close();
    await this.#rounds(entrants, part, async (entrant, seed) => {
      const { loaded, opened, read, script } = await this.#firstRead(entrant, sizes, seed);
      this.#add(part, entrant, 'ms', read);
      if (part !== 'W5') return;
      this.#add('W5 code', entrant, 'ms', loaded - script);
      this.#add('W5 open', entrant, 'ms', opened - loaded);
    });
  }

  async #firstRead({ contestant, durability }: Entrant, sizes: Sizes, seed: number): Promise<FirstRead> {
    const query = new URLSearchParams({
      contestant,
      durability,
      rows: `${sizes.rows}`,
      index: `${(seed * 7919) % sizes.rows}`,
    });
    const page = await this.#open(`first-read.html?${query}`);
    const times = await page.evaluate(
      () => (globalThis as unknown as { firstRead: Promise<FirstRead> }).firstRead,
    );
    await page.close();
    return times;
  }

  async #watches(): Promise<void> {
    const entrants = this.#entrants('W8', false);
    const changes = this.#options.isSmoke ? 3 : CHANGES;
    await this.#rounds(entrants, 'W8 same tab', async (entrant, seed) => {
      const page = await this.#tab();
      const times = await ask(page, 'watchHere', this.#job(entrant, seed), changes);
      await page.close();
      const latencies = times.map(({ acknowledged, fired }) => fired - acknowledged);
      this.#addLatencies('W8 same tab', entrant, latencies);
    });
    const across = entrants.filter(({ contestant }) => !('W8 other tab' in entryOf(contestant).absent));
    await this.#rounds(across, 'W8 other tab', async (entrant, seed) => {
      const [here, there] = [await this.#tab(), await this.#tab()];
      const job: TabJob = { ...this.#job(entrant, seed), work: 'commits', tab: 0 };
      await ask(here, 'remove', job, 'shared');
      await ask(here, 'join', job);
      await ask(there, 'join', job);
      await ask(there, 'answerPings');
      const { aheadMs } = await ask(here, 'compareClocks', PINGS);
      const committing = ask(here, 'commitWhenWatched', changes);
      const [fired, times] = await Promise.all([ask(there, 'watchThere', changes), committing]);
      const latencies = fired.map(
        (time, place) => time - aheadMs - (times[place]?.acknowledged ?? Number.NaN),
      );
      this.#addLatencies('W8 other tab', entrant, latencies);
      await Promise.all([here, there].map((page) => ask(page, 'leave')));
      await Promise.all([here, there].map((page) => page.close()));
    });
  }

  #addLatencies(part: string, entrant: Entrant, latencies: readonly number[]): void {
    const sorted = [...latencies].sort((left, right) => left - right);
    this.#add(part, entrant, 'ms', summarize(latencies).median);
    this.#add(`${part}, 99 %`, entrant, 'ms', quantile(sorted, 0.99));
  }

  async #severalTabs(): Promise<void> {
    for (const work of ['commits', 'reads'] as const) {
      const entrants = this.#entrants('W9', work === 'commits');
      for (const count of [2, 4]) {
        const part = `W9 ${work}, ${count} tabs`;
        await this.#rounds(entrants, part, async (entrant, seed) => {
          const tabs: Page[] = [];
          for (let index = 0; index < count; index++) tabs.push(await this.#tab());
          const job = (tab: number): TabJob => ({ ...this.#job(entrant, seed), work, tab });
          const [first] = tabs;
          if (first === undefined) throw new Error('no tabs');
          if (work === 'reads') await this.#prepare(first, entrant);
          else await ask(first, 'remove', job(0), 'shared');
          for (const [tab, page] of tabs.entries()) await ask(page, 'join', job(tab));
          const took = await Promise.all(tabs.map((page, tab) => ask(page, 'go', job(tab))));
          const { operations, reads } = job(0).sizes;
          const done = count * (work === 'reads' ? reads : operations);
          this.#add(part, entrant, '/s', (1000 * done) / Math.max(...took));
          await Promise.all(tabs.map((page) => ask(page, 'leave')));
          await Promise.all(tabs.map((page) => page.close()));
        });
      }
    }
  }

  async #memory(): Promise<void> {
    await this.#rounds(
      this.#entrants('memory', false),
      'memory',
      async (entrant, seed) => {
        const page = await this.#tab();
        const { before, after } = await ask(page, 'memory', this.#job(entrant, seed));
        await page.close();
        this.#add('memory', entrant, 'MB', (after - before) / 1e6);
      },
      Math.min(SAMPLING_ROUNDS, this.#options.rounds),
    );
    const plinth = this.#entrants('instantiate', false).filter(({ contestant }) => contestant === 'plinth');
    await this.#rounds(plinth, 'instantiate', async (entrant) => {
      const page = await this.#tab();
      this.#add('instantiate', entrant, 'ms', await ask(page, 'instantiate'));
      await page.close();
    });
  }

  async #prepare(page: Page, entrant: Entrant): Promise<void> {
    const loaded = await ask(page, 'prepare', { ...this.#job(entrant, 0), sizes: this.#options.sizes });
    if (loaded > 0) console.log(`   ${entrant.contestant}: ${loaded} rows loaded`);
  }

  /** Who takes part in a workload. Where durability does not matter, the strictest is enough. */
  #entrants(workload: string, isEveryDurability: boolean): Entrant[] {
    return this.#options.contestants.flatMap((contestant) => {
      const { absent, durabilities } = entryOf(contestant);
      if (workload in absent) return [];
      const wanted = durabilities.filter((durability) => this.#options.durabilities.includes(durability));
      return (isEveryDurability ? wanted : wanted.slice(0, 1)).map((durability) => ({
        contestant,
        durability,
      }));
    });
  }

  #job({ contestant, durability }: Entrant, seed: number): Job {
    const { sizes, isSmoke } = this.#options;
    const { share } = entryOf(contestant);
    if (isSmoke) return { contestant, durability, sizes, seed };
    const part = (count: number) => Math.max(1, Math.round(count * share));
    const shared = { operations: part(sizes.operations), reads: part(sizes.reads), scans: part(sizes.scans) };
    return { contestant, durability, sizes: { ...sizes, ...shared }, seed };
  }

  #add(part: string, { contestant, durability }: Entrant, unit: Unit, sample: number): void {
    this.collector.add({ part, contestant, durability, unit }, sample);
  }

  #isWanted(id: WorkloadId): boolean {
    return this.#options.only.includes(id);
  }

  #tab(): Promise<Page> {
    return this.#open('bench.html');
  }

  async #open(path: string): Promise<Page> {
    const { raw: page } = await this.#browser.newPage();
    await page.goto(`${this.#origin}/${path}`, { waitUntil: 'load' });
    return page;
  }
}

/** Calls a function of the page. */
function ask<Name extends keyof BenchPage>(
  page: Page,
  name: Name,
  ...parameters: Parameters<BenchPage[Name]>
): Promise<Answers[Name]> {
  return page.evaluate(
    ([called, given]) => {
      const { bench } = globalThis as unknown as {
        bench: Record<string, (...parameters: unknown[]) => unknown>;
      };
      return bench[called as string]?.(...(given as unknown[]));
    },
    [name, parameters] as const,
  ) as Promise<Answers[Name]>;
}

async function withinLimit(turn: Promise<void>): Promise<void> {
  const limit = new AbortController();
  const expired = setTimeout(TURN_MS_MAX, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`no answer within ${TURN_MS_MAX / 1000} s`);
  });
  try {
    await Promise.race([turn, expired]);
  } finally {
    limit.abort();
    // Given up with the limit, or by whoever was too late.
    await Promise.allSettled([expired]);
  }
}

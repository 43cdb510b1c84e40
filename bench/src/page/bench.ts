/** The benchmark's page: does what the runner asks for. */
import { type ContestantName, contestantOf as load } from '../catalogue.ts';
import type { Connection, Contestant, Durability } from '../contestant.ts';
import { freshKey, isRowValue, Random, row, rowKey, rowValue } from '../dataset.ts';
import { loadedDatabase, prepare, runRound } from '../round.ts';
import type { Measured } from '../stopwatch.ts';
import { expectEqual, type Sizes } from '../workload.ts';
import { workloads } from '../workloads/all.ts';
import {
  answerPings,
  type Clocks,
  type CommitTimes,
  commitWhenWatched,
  compareClocks,
  type WatchTimes,
  watchHere,
  watchThere,
} from '../workloads/watch-latency.ts';

export interface Job {
  contestant: ContestantName;
  durability: Durability;
  sizes: Sizes;
  seed: number;
}

export interface RoundJob extends Job {
  workload: string;
  isSampling: boolean;
}

/** What one of several tabs does. */
export interface TabJob extends Job {
  work: 'commits' | 'reads';
  tab: number;
}

export interface BenchPage {
  prepare(job: Job): Promise<number>;
  round(job: RoundJob): Promise<Measured[]>;
  /** Bytes of memory before and after loading the rows and letting go of them. */
  memory(job: Job): Promise<{ before: number; after: number }>;
  join(job: TabJob): Promise<void>;
  /** Resolves with the milliseconds that it took. */
  go(job: TabJob): Promise<number>;
  leave(): Promise<void>;
  watchHere(job: Job, changes: number): Promise<WatchTimes[]>;
  watchThere(changes: number): Promise<number[]>;
  commitWhenWatched(changes: number): Promise<CommitTimes[]>;
  answerPings(): void;
  compareClocks(pings: number): Promise<Clocks>;
  remove(job: Job, database: string): Promise<void>;
  /** Milliseconds until Plinth's engine is there, its code and wasm in the browser's cache. */
  instantiate(): Promise<number>;
}

/** Databases that several tabs share. */
const SHARED = 'shared';
const WATCHED = freshKey(1);

const loading = new Map<ContestantName, Promise<Contestant>>();
let joined: Connection | undefined;

function contestantOf({ contestant }: Job): Promise<Contestant> {
  const found = loading.get(contestant) ?? load(contestant);
  loading.set(contestant, found);
  return found;
}

function shared(): Connection {
  if (joined === undefined) throw new Error('join comes first');
  return joined;
}

async function memoryBytes(): Promise<number> {
  const { measureUserAgentSpecificMemory } = performance as Performance & {
    measureUserAgentSpecificMemory?(): Promise<{ bytes: number }>;
  };
  if (measureUserAgentSpecificMemory === undefined) throw new Error('the browser does not measure memory');
  return (await measureUserAgentSpecificMemory.call(performance)).bytes;
}

async function loadRows(connection: Connection, sizes: Sizes): Promise<void> {
  await connection.load(Array.from({ length: sizes.rows }, (_, index) => row(index, sizes.rows)));
}

const page: BenchPage = {
  async prepare(job) {
    return prepare(await contestantOf(job), job.durability, job.sizes);
  },
  async round(job) {
    const workload = workloads.find(({ id }) => id === job.workload);
    if (workload === undefined) throw new Error(`there is no workload ${job.workload}`);
    return runRound({ ...job, contestant: await contestantOf(job), workload });
  },
  async memory(job) {
    const before = await memoryBytes();
    const contestant = await contestantOf(job);
    await contestant.remove(SHARED);
    const connection = await contestant.open(SHARED, job.durability);
    await loadRows(connection, job.sizes);
    const after = await memoryBytes();
    expectEqual(await connection.count(), job.sizes.rows, 'rows');
    await connection.close();
    await contestant.remove(SHARED);
    return { before, after };
  },
  async join(job) {
    const database = job.work === 'commits' ? SHARED : loadedDatabase(job.sizes);
    joined = await (await contestantOf(job)).open(database, job.durability);
    if (job.work === 'reads') await joined.getEach(tabKeys(job).keys);
    else await joined.put(freshKey(0), rowValue(0));
  },
  async go(job) {
    const connection = shared();
    const { indices, keys } = tabKeys(job);
    const values: (Uint8Array | undefined)[] = [];
    const begin = performance.now();
    if (job.work === 'reads') values.push(...(await connection.getEach(keys)));
    else
      for (const [place, key] of keys.entries())
        await connection.put(key, rowValue(indices[place] as number));
    const milliseconds = performance.now() - begin;
    if (job.work === 'commits') values.push(...(await connection.getEach(keys)));
    const right = values.filter((value, place) => isRowValue(indices[place] as number, value));
    expectEqual(right.length, keys.length, 'rows');
    return milliseconds;
  },
  async leave() {
    await shared().close();
    joined = undefined;
  },
  async watchHere(job, changes) {
    const contestant = await contestantOf(job);
    await contestant.remove(SHARED);
    const connection = await contestant.open(SHARED, job.durability);
    await connection.put(WATCHED, rowValue(changes));
    const times = await watchHere(connection, WATCHED, changes);
    await connection.close();
    return times;
  },
  watchThere: (changes) => watchThere(shared(), WATCHED, changes),
  commitWhenWatched: (changes) => commitWhenWatched(shared(), WATCHED, changes),
  answerPings() {
    answerPings();
  },
  compareClocks,
  async remove(job, database) {
    await (await contestantOf(job)).remove(database);
  },
  async instantiate() {
    const { init } = await import('plinthdb');
    const begin = performance.now();
    await init();
    return performance.now() - begin;
  },
};

function tabKeys({ work, tab, seed, sizes }: TabJob) {
  if (work === 'commits') {
    const first = tab * 100_000_000 + seed * 1_000_000;
    const indices = Array.from({ length: sizes.operations }, (_, index) => first + index);
    return { indices, keys: indices.map(freshKey) };
  }
  const random = new Random(seed * 100 + tab);
  const indices = Array.from({ length: sizes.reads }, () => random.below(sizes.rows));
  return { indices, keys: indices.map((index) => rowKey(index, sizes.rows)) };
}

Object.assign(globalThis, { bench: page });

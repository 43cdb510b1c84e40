/**
 * A database much larger than its cache: loaded, opened, read at random and in order, half cleared, packed, exported,
 * imported and checked. What is read is compared, memory stays within its bound, and what it costs is printed.
 *
 * PLINTH_ROWS says how many rows; from a million on, the cache has 16 MiB, and smaller databases come first, to show how
 * costs grow. A row has a key of 16 bytes and a value of 100 that does not compress.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import type { Page } from 'playwright-core';
import { Chromium } from '../support/chromium.ts';
import { type Tasks, tasksOf } from '../support/main-thread.ts';
import { withProfile } from '../support/profile.ts';
import { leaveOut, uniqueName, type World } from './world.ts';

const MEBIBYTE = 2 ** 20;
/** Changes that are not in pages: 32 MiB, and as much again while they are being folded. */
const RECENT_BYTES_MAX = 64 * MEBIBYTE;
/** The code and what is under way: a batch, a fold's pages, an import's frame; and what the allocator can't use. */
const SLACK_BYTES = 48 * MEBIBYTE;
const ROW_BYTES = 116;
const LOAD_ROWS = 500;
/** Of a loaded main thread: one task in a hundred may take longer, in milliseconds. */
const TASK_MS_MAX = 8;
const TOO_OLD = 1007;

interface Numbers {
  [name: string]: number;
}

declare global {
  /** The engine's memory, for measuring it. */
  var engineMemory: WebAssembly.Memory | undefined;
}

/** A tab in which the engine's memory can be measured. */
async function openTab(browser: Chromium, address: string): Promise<Page> {
  const { raw: page } = await browser.newPage();
  await page.addInitScript(() => {
    function keep({ instance }: WebAssembly.WebAssemblyInstantiatedSource) {
      const { memory } = instance.exports;
      if (memory instanceof WebAssembly.Memory) globalThis.engineMemory = memory;
    }
    const { instantiate, instantiateStreaming } = WebAssembly;
    WebAssembly.instantiateStreaming = async (source, imports) => {
      const instantiated = await instantiateStreaming(source, imports);
      keep(instantiated);
      return instantiated;
    };
    WebAssembly.instantiate = (async (bytes: BufferSource, imports?: WebAssembly.Imports) => {
      const instantiated = await instantiate(bytes, imports);
      keep(instantiated);
      return instantiated;
    }) as typeof WebAssembly.instantiate;
  });
  await page.goto(address, { waitUntil: 'load' });
  return page;
}

/** A fraction of the database. */
function cacheBytesOf(world: World): number {
  return world.rows < 1_000_000 ? MEBIBYTE : 16 * MEBIBYTE;
}

/** Memory of WebAssembly only grows: what it is now is what it was at most. */
function memoryBytes(page: Page): Promise<number> {
  return page.evaluate(() => globalThis.engineMemory?.buffer.byteLength ?? 0);
}

/** Loads the rows, opens the database with the log that the load has left, and folds that. */
function load(page: Page, name: string, rows: number, cacheBytes: number): Promise<Numbers> {
  return page.evaluate(
    async ({ name, rows, batch, cacheBytes }) => {
      const db = await plinth.open(name, { cacheBytes });
      const began = performance.now();
      const commits: number[] = [];
      for (let first = 0; first < rows; first += batch) {
        // Making the rows is no work of the database: it has tasks of its own.
        const made: [string, Uint8Array][] = [];
        for (let row = first; row < Math.min(rows, first + batch); row += 1) {
          if (row % 50 === 0) await tools.nextTask();
          made.push([tools.rowKey(row), tools.rowValue(row)]);
        }
        await tools.nextTask();
        const asked = performance.now();
        await db.doTransaction((tn) => {
          for (const [key, value] of made) tn.set(key, value);
        });
        commits.push(performance.now() - asked);
        await tools.nextTask();
      }
      const load = performance.now() - began;
      const { recentBytes, foldCount, logBytes } = await db.stats();
      await db.close();
      const asked = performance.now();
      const opened = await plinth.open(name, { cacheBytes });
      const openWithLog = performance.now() - asked;
      // What is younger than a transaction may be is not folded.
      await tools.sleep(5_500);
      await opened.set('other', '');
      await opened.compact();
      await opened.close();
      commits.sort((one, other) => one - other);
      return {
        load,
        commitMedian: commits[commits.length >> 1] ?? 0,
        commitP99: commits[Math.floor(commits.length * 0.99)] ?? 0,
        commitSlowest: commits.at(-1) ?? 0,
        recentBytes,
        logBytes,
        foldCount,
        openWithLog,
      };
    },
    { name, rows, batch: LOAD_ROWS, cacheBytes },
  );
}

function read(page: Page, name: string, rows: number, cacheBytes: number): Promise<Numbers> {
  return page.evaluate(
    async ({ name, rows, cacheBytes, tooOld }) => {
      await plinth.init();
      const began = performance.now();
      globalThis.db = await plinth.open(name, { cacheBytes });
      const open = performance.now() - began;
      let asked = performance.now();
      const middle = rows >> 1;
      if (!tools.isRowValue(middle, await db.get(tools.rowKey(middle)))) throw new Error('the first read');
      const firstRead = performance.now() - asked;

      async function readAll(wanted: readonly number[]): Promise<number> {
        const asked = performance.now();
        for (let first = 0; first < wanted.length; first += 1_000) {
          await db.doTransaction(async (tn) => {
            for (const row of wanted.slice(first, first + 1_000)) {
              const value = await tn.snapshot().get(tools.rowKey(row));
              if (!tools.isRowValue(row, value)) throw new Error(`row ${row} is another`);
            }
          });
        }
        return ((performance.now() - asked) * 1_000) / wanted.length;
      }
      // Strides that meet every part of the database.
      const scattered = Array.from({ length: 1_000 }, (_, index) => (index * 7_919 * 977) % rows);
      const coldRead = await readAll(scattered);
      const few = scattered.slice(0, 40);
      await readAll(few);
      const warmRead = await readAll(Array.from({ length: 20_000 }, (_, index) => few[index % 40] ?? 0));

      const numbers = Array.from({ length: rows }, (_, row) => row);
      asked = performance.now();
      await tools.scanRows(db, numbers, false, tooOld);
      const scan = performance.now() - asked;
      asked = performance.now();
      await tools.scanRows(db, numbers, true, tooOld);
      const scanBack = performance.now() - asked;
      const { cacheBytes: cached } = await db.stats();
      return { open, firstRead, coldRead, warmRead, scan, scanBack, cached };
    },
    { name, rows, cacheBytes, tooOld: TOO_OLD },
  );
}

/** Clears the middle half, packs, and makes a copy by export and import. */
function clearAndCopy(page: Page, copy: string, rows: number, cacheBytes: number): Promise<Numbers> {
  return page.evaluate(
    async ({ copy, rows, cacheBytes, tooOld }) => {
      let asked = performance.now();
      const timeOf = () => {
        const took = performance.now() - asked;
        asked = performance.now();
        return took;
      };
      const [begin, end] = [rows >> 2, rows - (rows >> 2)];
      await db.clearRange(tools.rowKey(begin), tools.rowKey(end));
      const clear = timeOf();
      await tools.sleep(5_500);
      await db.set('other', '');
      timeOf();
      await db.compact();
      const compact = timeOf();
      const other = await plinth.open(copy, { cacheBytes });
      let told = 0;
      const { bytes, rows: imported } = await other.importFrom(db.export(), {
        onProgress: ({ bytes }) => {
          if (bytes <= told) throw new Error('progress goes back');
          told = bytes;
        },
      });
      const transfer = timeOf();
      const left = [];
      for (let row = 0; row < rows; row += 1) if (row < begin || row >= end) left.push(row);
      await tools.scanRows(db, left, false, tooOld);
      await tools.scanRows(other, left, true, tooOld);
      timeOf();
      const reports = [await db.check(), await other.check()];
      const check = timeOf();
      for (const { damage } of reports) if (damage.length > 0) throw new Error(String(damage));
      await other.close();
      await db.close();
      return { clear, compact, transfer, check, bytes, imported, left: left.length };
    },
    { copy, rows, cacheBytes, tooOld: TOO_OLD },
  );
}

async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    // A file may be gone by now: the browser compacts what it has.
    if (entry.isFile())
      bytes += (await stat(join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}

function print(rows: number, numbers: Numbers, tasks: Tasks): void {
  const shown = Object.entries(numbers).map(([name, value]) => `${name} ${Math.round(value * 100) / 100}`);
  const { count, longestMs, longestWallMs, p99Ms, p99OfLongMs, over8Ms } = tasks;
  console.log(`      ${rows} rows (ms; us for single reads): ${shown.join(', ')}`);
  console.log(
    `      tasks of the main thread while loading: ${count}, p99 ${p99Ms} ms, p99 of those over 1 ms ${p99OfLongMs} ms,` +
      ` ${over8Ms} over 8 ms, longest ${longestMs} ms (${longestWallMs} ms on the clock)`,
  );
}

export function largeDatabase(world: World): void {
  if (!(world.browser instanceof Chromium)) {
    leaveOut(world, 'a database larger than its cache', 'its measurements are made through DevTools');
    return;
  }
  describe('a database larger than its cache', () => {
    const sizes = [10_000, 100_000].filter((rows) => world.rows >= 1_000_000 && rows < world.rows);
    for (const rows of [...sizes, world.rows]) {
      it(`${rows} rows are loaded, read, scanned, cleared, packed, copied and checked within bounds`, async () => {
        await withProfile(async (profile) => {
          const browser = await Chromium.launch(profile);
          try {
            await prove(world, browser, profile, rows);
            assert.deepEqual(browser.problems, []);
          } finally {
            await browser.close();
          }
        });
      }).timeout(30_000 + rows * 2);
    }
  });
}

async function prove(world: World, browser: Chromium, profile: string, rows: number): Promise<void> {
  const [name, copy, cacheBytes] = [uniqueName(), uniqueName(), cacheBytesOf(world)];
  const page = await openTab(browser, world.toolsPage);
  const { result: loaded, tasks } = await tasksOf(page, () => load(page, name, rows, cacheBytes));
  const loadMemory = await memoryBytes(page);
  const diskBytes = await folderBytes(join(profile, 'Default', 'IndexedDB'));
  await page.reload();
  const reads = await read(page, name, rows, cacheBytes);
  const readMemory = await memoryBytes(page);
  const copied = await clearAndCopy(page, copy, rows, cacheBytes);
  const copyMemory = await memoryBytes(page);
  const numbers: Numbers = {
    ...loaded,
    ...reads,
    ...copied,
    loadMemory: loadMemory / MEBIBYTE,
    readMemory: readMemory / MEBIBYTE,
    copyMemory: copyMemory / MEBIBYTE,
    diskPerDataByte: diskBytes / (rows * ROW_BYTES),
  };
  print(rows, numbers, tasks);
  assert.equal(copied.imported, (copied.left ?? 0) + 1);
  assert.isAbove(loadMemory, 0, 'the memory was measured');
  assert.isBelow(loadMemory, cacheBytes + RECENT_BYTES_MAX + SLACK_BYTES, 'memory after loading');
  // Here nothing is recent.
  assert.isBelow(readMemory, cacheBytes + SLACK_BYTES, 'memory after reading');
  // The second database has a cache and recent changes of its own.
  assert.isBelow(copyMemory, 2 * (cacheBytes + RECENT_BYTES_MAX) + SLACK_BYTES, 'memory after copying');
  assert.isAbove(reads.cached ?? 0, 0, 'pages were read');
  assert.isAtMost(reads.cached ?? 0, cacheBytes);
  assert.isAbove(tasks.count, 100, 'tasks were traced');
  assert.isBelow(tasks.p99Ms, TASK_MS_MAX, 'one task in a hundred');
}

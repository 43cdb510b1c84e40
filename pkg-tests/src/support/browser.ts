/**
 * A real headless Chromium on a profile on disk.
 *
 * Always a persistent context: Playwright's `newContext()` is incognito, where IndexedDB lives in memory. Every console
 * error, uncaught error and unhandled rejection of any page is kept in `problems`. Every browser started here is ended
 * here, at the latest when this process exits.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { chromiumPath } from './paths.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Process groups of the browsers that run. */
const running = new Set<number>();

process.on('exit', () => {
  for (const group of running) signalGroup(group);
});

interface Pids {
  /** The browser itself, leader of the process group. */
  main: number;
  all(): Promise<number[]>;
}

export class Browser {
  /** What went wrong in its pages; a test that leaves something here has failed. */
  readonly problems: string[] = [];
  readonly context: BrowserContext;
  readonly #pids: Pids;

  private constructor(context: BrowserContext, pids: Pids) {
    this.context = context;
    this.#pids = pids;
    context.on('weberror', (error) =>
      this.problems.push(`uncaught: ${error.error().stack ?? error.error()}`),
    );
    context.on('console', (message) => {
      if (message.type() === 'error') {
        this.problems.push(`console error: ${message.text()} (${message.location().url})`);
      }
    });
    context.on('page', (page) => page.on('crash', () => this.problems.push('a page crashed')));
  }

  static async launch(profile: string, flags: readonly string[] = []): Promise<Browser> {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: chromiumPath(),
      headless: true,
      args: [...FLAGS, ...flags],
    });
    const handle = context.browser();
    if (handle === null) throw new Error('the persistent context has no browser');
    const session = await handle.newBrowserCDPSession();
    async function all(): Promise<number[]> {
      const { processInfo } = await session.send('SystemInfo.getProcessInfo');
      return processInfo.map(({ id }) => id);
    }
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    const main = processInfo.find(({ type }) => type === 'browser')?.id;
    if (main === undefined) throw new Error('the browser does not tell its process id');
    running.add(main);
    return new Browser(context, { main, all });
  }

  get version(): string {
    return this.context.browser()?.version() ?? 'unknown';
  }

  get pid(): number {
    return this.#pids.main;
  }

  /** A new tab on `address`; resolves when its modules have run. */
  async openPage(address: string): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(address, { waitUntil: 'load' });
    return page;
  }

  /**
   * Takes aim: the function it resolves with sends SIGKILL to the whole process tree at once, and resolves when no
   * process of it is left.
   */
  async aim(): Promise<() => Promise<void>> {
    const pids = await this.#pids.all();
    const closed = new Promise((resolve) => this.context.once('close', resolve));
    return async () => {
      signalGroup(this.#pids.main);
      await closed;
      await Promise.all(pids.map(isGone));
      running.delete(this.#pids.main);
    };
  }

  async close(): Promise<void> {
    await this.context.close();
    running.delete(this.#pids.main);
  }
}

/** Runs `body` with the path of an empty profile folder, and removes the folder afterwards. */
export async function withProfile<T>(body: (profile: string) => Promise<T>): Promise<T> {
  const profile = await mkdtemp(join(tmpdir(), 'plinth-profile-'));
  try {
    return await body(profile);
  } finally {
    // The browser's last writes may still be under way when its process has gone.
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

/** Playwright starts the browser as the leader of a process group of its own. */
function signalGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A process has no event that tells a stranger of its end, hence the polling. */
async function isGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    // A zombie holds nothing any more; nobody may be there to reap it.
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/**
 * A real headless Chromium on a profile on disk.
 *
 * Always a persistent context: Playwright's `newContext()` is incognito, where IndexedDB lives in memory. Every console
 * error, uncaught error and unhandled rejection of any page is kept in `problems`. Every browser started here is ended
 * here, at the latest when this process exits.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BrowserContext,
  type CDPSession,
  type Browser as Connection,
  chromium,
  type Page,
} from 'playwright-core';
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

/** What is needed of a browser besides its tabs. */
interface Control {
  session: CDPSession;
  /** The process of the browser itself, leader of the process group. */
  pid: number;
  end(): Promise<void>;
}

export class Browser {
  /** What went wrong in its pages; a test that leaves something here has failed. */
  readonly problems: string[] = [];
  readonly context: BrowserContext;
  readonly #control: Control;
  readonly #doomed = new WeakSet<Page>();

  private constructor(context: BrowserContext, control: Control) {
    this.context = context;
    this.#control = control;
    context.on('weberror', (error) =>
      this.problems.push(`uncaught: ${error.error().stack ?? error.error()}`),
    );
    context.on('console', (message) => {
      if (message.type() === 'error') {
        this.problems.push(`console error: ${message.text()} (${message.location().url})`);
      }
    });
    context.on('page', (page) =>
      page.on('crash', () => {
        if (!this.#doomed.has(page)) this.problems.push('a page crashed');
      }),
    );
  }

  static async launch(profile: string, flags: readonly string[] = []): Promise<Browser> {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: chromiumPath(),
      headless: true,
      args: [...FLAGS, ...flags],
    });
    const handle = context.browser();
    if (handle === null) throw new Error('the persistent context has no browser');
    return Browser.#begin(handle, context, () => context.close());
  }

  /**
   * A browser whose tabs live as they do on a desk: hidden behind the tab in front, frozen when they are told to, kept in
   * the back-forward cache. Playwright otherwise pretends that every page has the focus, and turns that cache off.
   */
  static async launchUnemulated(profile: string): Promise<Browser> {
    const child = spawn(
      chromiumPath(),
      [...FLAGS, '--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
      { stdio: 'ignore', detached: true },
    );
    if (child.pid === undefined) throw new Error('the browser does not start');
    running.add(child.pid);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const port = await debuggingPort(profile);
    const handle = await chromium.connectOverCDP(`http://127.0.0.1:${port}`, { noDefaults: true });
    const [context] = handle.contexts();
    if (context === undefined) throw new Error('the browser has no default context');
    return Browser.#begin(handle, context, async (session) => {
      await session.send('Browser.close').catch(() => undefined);
      await ended;
    });
  }

  static async #begin(
    handle: Connection,
    context: BrowserContext,
    end: (session: CDPSession) => Promise<unknown>,
  ): Promise<Browser> {
    const session = await handle.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    const pid = processInfo.find(({ type }) => type === 'browser')?.id;
    if (pid === undefined) throw new Error('the browser does not tell its process id');
    running.add(pid);
    return new Browser(context, {
      session,
      pid,
      end: async () => {
        await end(session);
      },
    });
  }

  get version(): string {
    return this.context.browser()?.version() ?? 'unknown';
  }

  get pid(): number {
    return this.#control.pid;
  }

  /** A new tab on `address`; resolves when its modules have run. */
  async openPage(address: string): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(address, { waitUntil: 'load' });
    return page;
  }

  /** The same in a window of its own, so that it is visible beside others. */
  async openWindow(address: string): Promise<Page> {
    const opened = this.context.waitForEvent('page');
    await this.#control.session.send('Target.createTarget', { url: 'about:blank', newWindow: true });
    const page = await opened;
    await page.goto(address, { waitUntil: 'load' });
    return page;
  }

  /** The processes that run pages. */
  async rendererPids(): Promise<number[]> {
    const { processInfo } = await this.#control.session.send('SystemInfo.getProcessInfo');
    return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
  }

  /** Crashes a page's process. Other pages that have the same process crash too, which is a problem then. */
  async crash(page: Page): Promise<void> {
    this.#doomed.add(page);
    const session = await this.context.newCDPSession(page);
    const crashed = new Promise((resolve) => page.once('crash', resolve));
    // Its answer never comes.
    session.send('Page.crash').catch(() => undefined);
    await crashed;
    await page.close();
  }

  /**
   * Takes aim: the function it resolves with sends SIGKILL to the whole process tree at once, and resolves when no
   * process of it is left.
   */
  async aim(): Promise<() => Promise<void>> {
    const { processInfo } = await this.#control.session.send('SystemInfo.getProcessInfo');
    const closed = new Promise((resolve) => this.context.once('close', resolve));
    return async () => {
      signalGroup(this.#control.pid);
      await closed;
      await Promise.all(processInfo.map(({ id }) => isGone(id)));
      running.delete(this.#control.pid);
    };
  }

  async close(): Promise<void> {
    await this.#control.end();
    running.delete(this.#control.pid);
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

/** Chromium writes the port into its profile when it listens. */
async function debuggingPort(profile: string): Promise<string> {
  const file = join(profile, 'DevToolsActivePort');
  for (;;) {
    const [port, path] = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    if (port !== undefined && path !== undefined) return port;
    await new Promise((resolve) => setTimeout(resolve, 20));
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

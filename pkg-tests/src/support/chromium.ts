/**
 * A real headless Chromium on a profile on disk, driven by Playwright.
 *
 * Always a persistent context: Playwright's `newContext()` is incognito, where IndexedDB lives in memory. Every console
 * error, uncaught error and unhandled rejection of any page is kept in `problems`. Every browser started here is ended
 * here, at the latest when this process exits.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BrowserContext,
  type CDPSession,
  type Browser as Connection,
  chromium,
  type Page as PlaywrightPage,
} from 'playwright-core';
import { DrivenPage } from './driven-page.ts';
import { chromiumPath } from './paths.ts';
import { forget, isGone, killGroup, remember } from './process-group.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export class ChromiumPage extends DrivenPage<PlaywrightPage> {
  async addInitScript(body: () => void): Promise<void> {
    await this.raw.addInitScript(body);
  }

  async exposeFunction(name: string, callback: (...parameters: never[]) => unknown): Promise<void> {
    await this.raw.exposeFunction(name, callback);
  }

  onUncaught(callback: (error: Error) => void): void {
    this.raw.on('pageerror', callback);
  }

  onCrash(callback: () => void): void {
    this.raw.once('crash', callback);
  }

  /** DevTools, for what Playwright has no method for. */
  devTools(): Promise<CDPSession> {
    return this.raw.context().newCDPSession(this.raw);
  }
}

/** What is needed of a browser besides its tabs. */
interface Control {
  session: CDPSession;
  pid: number;
  end(): Promise<void>;
}

export class Chromium {
  readonly label = 'Chromium';
  readonly problems: string[] = [];
  readonly #context: BrowserContext;
  readonly #control: Control;
  readonly #doomed = new WeakSet<PlaywrightPage>();
  /** A new tab hides the one before, so that each needs a window of its own. */
  readonly #hidesTabs: boolean;

  private constructor(context: BrowserContext, control: Control, hidesTabs: boolean) {
    this.#context = context;
    this.#control = control;
    this.#hidesTabs = hidesTabs;
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

  static async launch(profile: string, flags: readonly string[] = []): Promise<Chromium> {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: chromiumPath(),
      headless: true,
      args: [...FLAGS, ...flags],
    });
    const handle = context.browser();
    if (handle === null) throw new Error('the persistent context has no browser');
    return Chromium.#begin(handle, context, () => context.close(), false);
  }

  /**
   * A browser whose tabs live as they do on a desk: hidden behind the tab in front, frozen when they are told to, kept in
   * the back-forward cache. Playwright otherwise pretends that every page has the focus, and turns that cache off.
   */
  static async launchUnemulated(profile: string): Promise<Chromium> {
    const child = spawn(
      chromiumPath(),
      [...FLAGS, '--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
      { stdio: 'ignore', detached: true },
    );
    if (child.pid === undefined) throw new Error('the browser does not start');
    remember(child.pid);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const port = await debuggingPort(profile);
    const handle = await chromium.connectOverCDP(`http://127.0.0.1:${port}`, { noDefaults: true });
    const [context] = handle.contexts();
    if (context === undefined) throw new Error('the browser has no default context');
    const end = async (session: CDPSession) => {
      await session.send('Browser.close').catch(() => undefined);
      await ended;
    };
    return Chromium.#begin(handle, context, end, true);
  }

  static async #begin(
    handle: Connection,
    context: BrowserContext,
    end: (session: CDPSession) => Promise<unknown>,
    hidesTabs: boolean,
  ): Promise<Chromium> {
    const session = await handle.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    // Playwright starts the browser as the leader of a process group of its own, too.
    const pid = processInfo.find(({ type }) => type === 'browser')?.id;
    if (pid === undefined) throw new Error('the browser does not tell its process id');
    remember(pid);
    const control: Control = {
      session,
      pid,
      end: async () => {
        await end(session);
      },
    };
    return new Chromium(context, control, hidesTabs);
  }

  get version(): string {
    return this.#context.browser()?.version() ?? 'unknown';
  }

  get pid(): number {
    return this.#control.pid;
  }

  async newPage(): Promise<ChromiumPage> {
    if (!this.#hidesTabs) return this.newTab();
    const opened = this.#context.waitForEvent('page');
    await this.#control.session.send('Target.createTarget', { url: 'about:blank', newWindow: true });
    return new ChromiumPage(await opened);
  }

  /** In the window of the last one, perhaps in front of it. */
  async newTab(): Promise<ChromiumPage> {
    return new ChromiumPage(await this.#context.newPage());
  }

  async closePages(): Promise<void> {
    // The first one came with the browser, and keeps it open.
    const [, ...pages] = this.#context.pages();
    await Promise.all(pages.map((page) => page.close()));
  }

  async rendererPids(): Promise<number[]> {
    const { processInfo } = await this.#control.session.send('SystemInfo.getProcessInfo');
    return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
  }

  /** Crashes a page's process. Other pages that have the same process crash too, which is a problem then. */
  async crash({ raw: page }: ChromiumPage): Promise<void> {
    this.#doomed.add(page);
    const session = await this.#context.newCDPSession(page);
    const crashed = new Promise((resolve) => page.once('crash', resolve));
    // Its answer never comes.
    session.send('Page.crash').catch(() => undefined);
    await crashed;
    await page.close();
  }

  async aim(): Promise<() => Promise<void>> {
    const { processInfo } = await this.#control.session.send('SystemInfo.getProcessInfo');
    const closed = new Promise((resolve) => this.#context.once('close', resolve));
    return async () => {
      killGroup(this.#control.pid);
      await closed;
      await Promise.all(processInfo.map(({ id }) => isGone(id)));
      forget(this.#control.pid);
    };
  }

  async close(): Promise<void> {
    await this.#control.end();
    forget(this.#control.pid);
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

/**
 * A real headless Firefox on a profile on disk, driven by Puppeteer over WebDriver BiDi.
 *
 * Each tab gets a window of its own: in one window only the tab in front would be visible. Errors are kept in `problems`,
 * and every browser started here is ended here, as with Chromium.
 */
import puppeteer, { type Browser as Connection, type Page as PuppeteerPage } from 'puppeteer-core';
import { DrivenPage } from './driven-page.ts';
import { firefoxPath } from './paths.ts';
import { forget, isGone, killGroup, processesOf, remember } from './process-group.ts';

export class FirefoxPage extends DrivenPage<PuppeteerPage> {
  async addInitScript(body: () => void): Promise<void> {
    await this.raw.evaluateOnNewDocument(body);
  }

  async exposeFunction(name: string, callback: (...parameters: never[]) => unknown): Promise<void> {
    await this.raw.exposeFunction(name, callback as (...parameters: unknown[]) => unknown);
  }

  onUncaught(callback: (error: Error) => void): void {
    this.raw.on('pageerror', (error) => callback(error instanceof Error ? error : new Error(String(error))));
  }

  onCrash(callback: () => void): void {
    this.raw.once('error', callback);
  }
}

export class Firefox {
  readonly label = 'Firefox';
  readonly problems: string[] = [];
  readonly version: string;
  readonly pid: number;
  readonly #connection: Connection;
  readonly #pages = new Set<PuppeteerPage>();

  private constructor(connection: Connection, version: string, pid: number) {
    this.#connection = connection;
    this.version = version;
    this.pid = pid;
  }

  static async launch(profile: string): Promise<Firefox> {
    const connection = await puppeteer.launch({
      browser: 'firefox',
      executablePath: firefoxPath(),
      headless: true,
      userDataDir: profile,
      defaultViewport: null,
      // Whether storage is to be kept is a question to the user, whom nobody sees here.
      extraPrefsFirefox: {
        'dom.storageManager.prompt.testing': true,
        'dom.storageManager.prompt.testing.allow': true,
      },
      // A busy machine starts it slowly.
      timeout: 120_000,
      protocolTimeout: 600_000,
    });
    const pid = connection.process()?.pid;
    if (pid === undefined) throw new Error('the browser does not tell its process id');
    // Puppeteer starts it as the leader of a process group of its own.
    remember(pid);
    const version = await connection.version();
    return new Firefox(connection, version.replace(/^firefox\//i, ''), pid);
  }

  /** Nothing of its tabs is emulated. */
  static launchUnemulated(profile: string): Promise<Firefox> {
    return Firefox.launch(profile);
  }

  async newPage(): Promise<FirefoxPage> {
    const page = await this.#connection.newPage({ type: 'window' });
    this.#pages.add(page);
    page.once('close', () => this.#pages.delete(page));
    page.on('pageerror', (error) =>
      this.problems.push(`uncaught: ${error instanceof Error ? (error.stack ?? error) : error}`),
    );
    page.on('console', (message) => {
      if (message.type() === 'error') {
        this.problems.push(`console error: ${message.text()} (${message.location().url})`);
      }
    });
    return new FirefoxPage(page);
  }

  async closePages(): Promise<void> {
    await Promise.all([...this.#pages].map((page) => page.close()));
  }

  async rendererPids(): Promise<number[]> {
    // The words of a process that Firefox's fork server made are one.
    return processesOf(this.pid)
      .map(({ pid, command }) => ({ pid, words: command.join(' ').trim().split(' ') }))
      .filter(({ words }) => words.includes('-contentproc') && words.at(-1) === 'tab')
      .map(({ pid }) => pid);
  }

  async aim(): Promise<() => Promise<void>> {
    const processes = processesOf(this.pid);
    return async () => {
      killGroup(this.pid);
      await Promise.all(processes.map(({ pid }) => isGone(pid)));
      forget(this.pid);
    };
  }

  async close(): Promise<void> {
    // It may have been killed.
    await this.#connection.close().catch(() => undefined);
    forget(this.pid);
  }
}

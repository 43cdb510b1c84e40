/**
 * What the tests ask of a browser, whichever it is: tabs, the code they run in them, and what went wrong there.
 *
 * A scenario that needs more of one browser (a page crashed or frozen through DevTools) asks for that browser's class.
 */
import type { Chromium } from './chromium.ts';
import type { Firefox } from './firefox.ts';

/** A tab. Functions are sent as their source: they can use nothing of the file they stand in. */
export interface Page {
  /** Runs `body` in the page; resolves with what it returns, and rejects when the page ends before. */
  evaluate<R>(body: () => R | Promise<R>): Promise<R>;
  evaluate<R, A>(body: (argument: A) => R | Promise<R>, argument: A): Promise<R>;
  /** Resolves when the page's modules have run. */
  goto(address: string): Promise<void>;
  reload(): Promise<void>;
  close(): Promise<void>;
  bringToFront(): Promise<void>;
  /** Runs `body` in the page before anything else, from its next address on. */
  addInitScript(body: () => void): Promise<void>;
  /** Gives the page a global function that calls `callback` here. */
  exposeFunction(name: string, callback: (...parameters: never[]) => unknown): Promise<void>;
  /** Tells what the page logs, errors aside. */
  onLog(callback: (text: string) => void): void;
  /** Tells of errors that nobody caught. */
  onUncaught(callback: (error: Error) => void): void;
  onCrash(callback: () => void): void;
}

interface AnyBrowser {
  /** As people call it. */
  readonly label: string;
  readonly version: string;
  /** The process of the browser itself, leader of a process group. */
  readonly pid: number;
  /** What went wrong in its pages; a test that leaves something here has failed. */
  readonly problems: string[];
  /** A blank tab, visible beside others. */
  newPage(): Promise<Page>;
  /** Closes all of them. */
  closePages(): Promise<void>;
  /** The processes that run pages. */
  rendererPids(): Promise<number[]>;
  /**
   * Takes aim: the function it resolves with sends SIGKILL to the whole process tree at once, and resolves when no
   * process of it is left.
   */
  aim(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export type Browser = AnyBrowser & (Chromium | Firefox);

/** How to start a browser. */
export interface Launcher {
  launch(profile: string, flags?: readonly string[]): Promise<Browser>;
  /** The same, with tabs that are hidden and put away as a user's are, where the browser needs to be told. */
  launchUnemulated(profile: string): Promise<Browser>;
}

/** A new tab on `address`. */
export async function openPage(browser: Browser, address: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(address);
  return page;
}

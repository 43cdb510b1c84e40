/** What the browser scenarios share: one server, one browser with a profile on disk, and their tabs. */
import { randomUUID } from 'node:crypto';
import { assert } from 'chai';
import type { Chromium } from '../support/chromium.ts';
import { type Browser, type Launcher, openPage, type Page } from '../support/driver.ts';
import type { StaticServer } from '../support/server.ts';

export interface World {
  readonly server: StaticServer;
  readonly browser: Browser;
  /** Starts another one of the same kind. */
  readonly launcher: Launcher;
  /** The address of a page that has `plinth` and `tools` (see page/tools.ts). */
  readonly toolsPage: string;
  readonly seed: number;
  /** How long random programs are; see `run.ts`. */
  readonly steps: number;
  /** For how long workloads run that are measured. */
  readonly seconds: number;
  /** How many rows the large database has. */
  readonly rows: number;
  /** What this browser can't be made to do; counted in the end. */
  readonly leftOut: string[];
}

/** For what is asked of Playwright itself. */
export type ChromiumWorld = World & { readonly browser: Chromium };

export interface Tabs {
  open(address?: string): Promise<Page>;
  /** As many tabs as asked for, on one origin. */
  openMany(count: number): Promise<Page[]>;
}

/** Tabs in the shared browser; after each test they are closed, and nothing may have gone wrong in them unseen. */
export function withTabs(world: World): Tabs {
  afterEach(async () => {
    await world.browser.closePages();
    assert.deepEqual(world.browser.problems.splice(0), [], 'errors in the pages');
  });

  function open(address = world.toolsPage): Promise<Page> {
    return openPage(world.browser, address);
  }
  return { open, openMany: (count) => Promise.all(Array.from({ length: count }, () => open())) };
}

export function uniqueName(): string {
  return `scenario-${randomUUID()}`;
}

/** Says that a scenario does not run in this browser, and why. */
export function leaveOut(world: World, what: string, why: string): void {
  world.leftOut.push(what);
  console.log(`left out in ${world.browser.label}: ${what}: ${why}`);
}

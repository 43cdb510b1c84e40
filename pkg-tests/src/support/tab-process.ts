/**
 * The process that runs a tab, to be stopped in its tracks: harder than the browser's own freezing, of which the page is
 * told before.
 *
 * The browser does not say which process runs which tab. The page is made to fill some memory, and the process that grew
 * by it is the one.
 */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from './driver.ts';

const MARK_BYTES = 64 << 20;

export class TabProcess {
  readonly pid: number;

  private constructor(pid: number) {
    this.pid = pid;
  }

  /** Only while other tabs of the browser do not fill memory too. */
  static async of(browser: Browser, page: Page): Promise<TabProcess> {
    const before = new Map((await browser.rendererPids()).map((pid) => [pid, residentBytes(pid)]));
    await page.evaluate((bytes) => {
      Object.assign(globalThis, { mark: new Uint8Array(bytes).fill(1) });
    }, MARK_BYTES);
    const grown = [...before].filter(([pid, bytes]) => residentBytes(pid) - bytes > 0.9 * MARK_BYTES);
    await page.evaluate(() => Object.assign(globalThis, { mark: undefined }));
    const [found, ...more] = grown;
    if (found === undefined || more.length > 0)
      throw new Error(`${grown.length} processes could be the tab's`);
    return new TabProcess(found[0]);
  }

  stop(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  continue(): void {
    process.kill(this.pid, 'SIGCONT');
  }
}

function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

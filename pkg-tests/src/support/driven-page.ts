/** A tab as Playwright and Puppeteer have it: what both have in common. */
import type { Page } from './driver.ts';

interface LogMessage {
  type(): string;
  text(): string;
}

/** What is asked of either. */
interface RawPage {
  evaluate(body: (argument: unknown) => unknown, argument: unknown): Promise<unknown>;
  goto(address: string, options: { waitUntil: 'load' }): Promise<unknown>;
  reload(): Promise<unknown>;
  close(): Promise<void>;
  bringToFront(): Promise<void>;
  on(event: 'console', callback: (message: LogMessage) => void): unknown;
}

export abstract class DrivenPage<Raw extends RawPage> implements Page {
  readonly raw: Raw;

  constructor(raw: Raw) {
    this.raw = raw;
  }

  evaluate<R, A>(body: (argument: A) => R | Promise<R>, argument?: A): Promise<R> {
    return this.raw.evaluate(body as (argument: unknown) => unknown, argument) as Promise<R>;
  }

  async goto(address: string): Promise<void> {
    await this.raw.goto(address, { waitUntil: 'load' });
  }

  async reload(): Promise<void> {
    await this.raw.reload();
  }

  close(): Promise<void> {
    return this.raw.close();
  }

  bringToFront(): Promise<void> {
    return this.raw.bringToFront();
  }

  onLog(callback: (text: string) => void): void {
    this.raw.on('console', (message) => {
      if (message.type() !== 'error') callback(message.text());
    });
  }

  abstract addInitScript(body: () => void): Promise<void>;
  abstract exposeFunction(name: string, callback: (...parameters: never[]) => unknown): Promise<void>;
  abstract onUncaught(callback: (error: Error) => void): void;
  abstract onCrash(callback: () => void): void;
}

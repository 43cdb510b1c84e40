/** A page of a project in the browser: it counts its visits in a database, and says nothing on the console. */
import { assert } from 'chai';
import type { ConsoleMessage, Page } from 'playwright-core';
import type { ChromiumWorld } from '../browser/world.ts';

/** What Vite's own client says in a page of its development server. */
const OF_VITE = /^\[vite\] connect(ing\.\.\.|ed\.)$/;

/** Opens the page, which runs a transaction; reloads it, which reads what is stored; nothing may be reported. */
export async function countsVisits(world: ChromiumWorld, address: string): Promise<void> {
  const page = (await world.browser.newTab()).raw;
  const said = listen(page);
  try {
    await page.goto(address);
    await shows(page, 'visits: 1', said);
    await page.reload();
    await shows(page, 'visits: 2', said);
    assert.deepEqual(said, []);
  } finally {
    await page.close();
  }
}

/** Everything that is said on the console, every uncaught error and every request that failed, as it comes. */
export function listen(page: Page): string[] {
  const said: string[] = [];
  page.on('console', (message: ConsoleMessage) => {
    if (!OF_VITE.test(message.text())) said.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => said.push(`uncaught: ${error.stack ?? error.message}`));
  page.on('response', (response) => {
    if (!response.ok() && response.status() !== 304) said.push(`${response.status()}: ${response.url()}`);
  });
  return said;
}

/** Waits until the page shows a text. */
export async function shows(page: Page, text: string, said: readonly string[]): Promise<void> {
  try {
    await page.getByText(text, { exact: true }).waitFor({ timeout: 20_000 });
  } catch {
    const found = await page.locator('body').innerText();
    assert.fail(`'${text}' was expected, found '${found}'; reported: ${said.join('\n') || 'nothing'}`);
  }
}

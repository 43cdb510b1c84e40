/** Chromium with a profile on disk, and a record of everything that its pages complain about. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A persistent context: an incognito one would keep IndexedDB in memory. */
export async function launch() {
  const profile = await mkdtemp(join(tmpdir(), 'plinth-demo-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.PLINTH_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
    colorScheme: 'light',
    viewport: { width: 1280, height: 860 },
  });
  /** @type {string[]} */
  const complaints = [];
  const listen = (page) => {
    page.on('pageerror', (error) => complaints.push(`page error: ${error.stack ?? error}`));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        complaints.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
  };
  context.pages().forEach(listen);
  context.on('page', listen);
  return {
    context,
    complaints,
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

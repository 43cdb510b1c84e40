/** The projects in `fixtures`, and where what is built of them goes. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { paths } from '../support/paths.ts';
import { StaticServer } from '../support/server.ts';

/** A file of a project. */
export function fixture(...names: string[]): string {
  return join(paths.tests, 'fixtures', ...names);
}

/** An empty folder for what is built. */
export function outputFolder(name: string): string {
  const folder = join(paths.work, 'bundlers', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A page with one script, which is loaded as a module or as a classic script. */
export function pageOf(script: string, kind: 'module' | 'classic' = 'module'): string {
  const attributes = kind === 'module' ? 'type="module"' : 'defer';
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${script}</title>
<script ${attributes} src="${script}"></script></head><body></body></html>`;
}

/** Serves a folder on an origin of its own while `body` runs, with a page at `/page.html` for its script. */
export async function withServed(
  folder: string,
  { html, headers }: { html: string; headers?: Record<string, string> },
  body: (address: string) => Promise<void>,
): Promise<void> {
  const server = await StaticServer.start({ '/': folder });
  try {
    await body(server.serveText('/page.html', html, headers));
  } finally {
    await server.stop();
  }
}

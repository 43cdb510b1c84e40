/** Where things are. The bundle that runs is `.work/run.js`, so everything is found from there. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const work = dirname(fileURLToPath(import.meta.url));

export const paths = {
  /** Bundles; nothing in it is worth keeping. */
  work,
  tests: dirname(work),
  repository: dirname(dirname(work)),
  /** The packed package, unpacked: not the workspace link, which would also find what was never packed. */
  package: join(dirname(work), 'node_modules', 'plinthdb'),
} as const;

/** What a subpath leads to, by condition; without one, in browsers. */
export interface Target {
  [condition: string]: string | Target;
  default: string;
}

export interface PackageManifest {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  exports: Record<string, string | Target>;
}

export function packageManifest(): PackageManifest {
  const file = join(paths.package, 'package.json');
  if (!existsSync(file)) {
    throw new Error(
      `${file} is missing: these tests run on the packed package; \`cargo xtask test --only package\` puts it there`,
    );
  }
  return JSON.parse(readFileSync(file, 'utf8')) as PackageManifest;
}

/** The module that `import 'plinthdb'` means, or of a subpath, relative to the package's folder. */
export function packageEntry(subpath = '.'): string {
  const main = packageManifest().exports[subpath];
  const entry = typeof main === 'string' ? main : main?.default;
  if (entry === undefined) throw new Error(`the package exports nothing at '${subpath}'`);
  return entry.replace(/^\.\//, '');
}

/** What an import map has to say about the package: the address of each of its modules by the name it is imported by. */
export function packageImports(folder: string): Record<string, string> {
  const { name, exports } = packageManifest();
  const imports: Record<string, string> = {};
  for (const [subpath, target] of Object.entries(exports)) {
    const file = typeof target === 'string' ? target : target.default;
    if (file?.endsWith('.js')) imports[subpath.replace('.', name)] = file.replace('./', folder);
  }
  return imports;
}

/** Mocha's build for pages. */
export function mochaForPages(): string {
  return join(dirname(createRequire(import.meta.url).resolve('mocha/package.json')), 'mocha.js');
}

const CHROMIUM_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

const FIREFOX_PLACES = [
  '/usr/bin/firefox-esr',
  '/usr/bin/firefox',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
];

export function chromiumPath(): string {
  return programPath('Chromium', 'PLINTH_CHROMIUM', CHROMIUM_PLACES);
}

export function firefoxPath(): string {
  return programPath('Firefox', 'PLINTH_FIREFOX', FIREFOX_PLACES);
}

function programPath(label: string, variable: string, places: readonly string[]): string {
  const found = process.env[variable] ?? places.find((place) => existsSync(place));
  if (found === undefined) throw new Error(`no ${label} found: set ${variable} to its path`);
  return found;
}

/**
 * The benchmark: builds its pages, runs them in headless Chromium on a fresh profile, and writes `bench.json` and
 * `bench.md` to `.work/results`. `cargo xtask bench` calls it; `--help` there lists the options.
 *
 * With `--smoke` everything is tiny and nobody looks at times: every contestant must do its work, and the last line is
 * `N passed, N failed`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Chromium } from '../../../pkg-tests/src/support/chromium.ts';
import { withProfile } from '../../../pkg-tests/src/support/profile.ts';
import { StaticServer } from '../../../pkg-tests/src/support/server.ts';
import { entryOf } from '../catalogue.ts';
import { bundlePages } from './bundle.ts';
import { Competition } from './competition.ts';
import { type Options, parseOptions } from './options.ts';
import { packageSizes } from './package-sizes.ts';
import { places } from './places.ts';
import { checkReadme, pasteIntoReadme } from './readme.ts';
import { fullReport, speedTable } from './report.ts';
import { addedTo, type Results } from './results.ts';

/** Clocks of microseconds and the measurement of memory are for isolated pages only. */
const HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cache-control': 'max-age=3600',
};
/** Memory is measured at the next garbage collection, which may be far away. */
const BROWSER_FLAGS = ['--enable-blink-features=ForceEagerMeasureMemory'];

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/** Runs everything; gives `onResults` what there is after each part, and the whole in the end. */
async function compete(
  options: Options,
  onResults: (results: Results) => void,
): Promise<{ results: Results; checked: number }> {
  await bundlePages();
  const server = await StaticServer.start({ '/': places.page }, HEADERS);
  for (const name of ['bench', 'first-read']) {
    const script = `<script type="module" src="/${name}.js"></script>`;
    server.serveText(`/${name}.html`, `<!doctype html><meta charset="utf-8"><title>${name}</title>${script}`);
  }
  try {
    return await withProfile(async (profile) => {
      const browser = await Chromium.launch(profile, BROWSER_FLAGS);
      try {
        const sizes = options.only.includes('size') ? await packageSizes(options.contestants) : [];
        const results = (): Results => ({
          date: new Date().toISOString(),
          browser: browser.version,
          versions: versions(options),
          rounds: options.rounds,
          sizes: options.sizes,
          ...competition.collector,
          packageSizes: sizes,
        });
        const competition = new Competition(browser, server.origin, options, () => onResults(results()));
        await competition.run();
        return { results: results(), checked: competition.checked };
      } finally {
        await browser.close();
      }
    });
  } finally {
    await server.stop();
  }
}

function versions({ contestants }: Options): Record<string, string> {
  const names = contestants.flatMap((contestant) => entryOf(contestant).package ?? []);
  return Object.fromEntries(names.map((name) => [name, versionOf(name)]));
}

/** The manifest that lies above the package's module: not every package exports it. */
function versionOf(name: string): string {
  let folder = dirname(createRequire(import.meta.url).resolve(name));
  for (;;) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (manifest.name === name) return manifest.version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    folder = dirname(folder);
  }
}

function resultFile(name: string): string {
  return join(places.results, name);
}

function lastResults(): Results {
  return JSON.parse(readFileSync(resultFile('bench.json'), 'utf8')) as Results;
}

/** Writes the results and the report, which it gives. */
function save(results: Results): string {
  const report = fullReport(results);
  mkdirSync(places.results, { recursive: true });
  writeFileSync(resultFile('bench.json'), JSON.stringify(results, undefined, 1));
  writeFileSync(resultFile('bench.md'), report);
  return report;
}

async function main(): Promise<number> {
  const options = parseOptions();
  if (options.readme === 'check') {
    checkReadme();
    console.log('the README has the place for the table, and what is in it has the right form');
    return 0;
  }
  if (options.readme === 'paste') {
    pasteIntoReadme(speedTable(lastResults()));
    console.log('the table of the last run is in the README');
    return 0;
  }
  const earlier = options.isAddition ? lastResults() : undefined;
  const whole = (results: Results) => (earlier ? addedTo(earlier, results) : results);
  const { results, checked } = await compete(options, (soFar) => {
    // An hour's results are not lost with the last part.
    if (!options.isSmoke) save(whole(soFar));
  });
  const { failures } = results;
  if (options.isSmoke) {
    checkReadme();
    for (const { part, contestant, message } of failures)
      console.log(`FAILED ${part}, ${contestant}: ${message}`);
    console.log(`${checked} passed, ${failures.length} failed`);
    return failures.length === 0 && checked > 0 ? 0 : 1;
  }
  console.log(`\n${save(whole(results))}\n${resultFile('bench.md')}`);
  return failures.length === 0 ? 0 : 1;
}

process.exit(await main());

/**
 * The one command: the API suite in Node, on IndexedDB and in memory in a real browser, and the scenarios that need a
 * process or a browser of their own. The last line is `N passed, N failed`.
 *
 *   npm test -w pkg-tests [-- --browser chromium|firefox] [--part node|page|browser|bundlers] [--grep TEXT]
 *     [--repeat N]
 *
 * `--grep "many tabs"` is every scenario of several tabs, `--grep "one tab"` the others.
 *
 * PLINTH_CHROMIUM and PLINTH_FIREFOX name the browsers, PLINTH_SEED repeats a random run, PLINTH_STEPS makes random
 * programs longer, PLINTH_SECONDS workloads that are measured, PLINTH_ROWS the large database: with 1000000, it also
 * prints how costs grow.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { open } from 'plinthdb';
import { alone } from './browser/alone.ts';
import { closedTab } from './browser/closed-tab.ts';
import { damagedLog } from './browser/damaged-log.ts';
import { disturbance } from './browser/disturbance.ts';
import { durability } from './browser/durability.ts';
import { externalConsistency } from './browser/external-consistency.ts';
import { fourTabs } from './browser/four-tabs.ts';
import { frozenTab } from './browser/frozen-tab.ts';
import { groupCommit } from './browser/group-commit.ts';
import { inAWorker } from './browser/in-a-worker.ts';
import { largeDatabase } from './browser/large-database.ts';
import { lostMessages } from './browser/lost-messages.ts';
import { lostUpdates } from './browser/lost-updates.ts';
import { olderSchema } from './browser/older-schema.ts';
import { pageLife } from './browser/page-life.ts';
import { programsInPages } from './browser/programs.ts';
import { readSkew } from './browser/read-skew.ts';
import { readmeExample } from './browser/readme-example.ts';
import { recipesAcrossTabs } from './browser/recipes-across-tabs.ts';
import { recordedHistory } from './browser/recorded-history.ts';
import { staticFolder } from './browser/static-folder.ts';
import { subscriptionsAcrossTabs } from './browser/subscriptions-across-tabs.ts';
import { surroundings } from './browser/surroundings.ts';
import { survivesKill } from './browser/survives-kill.ts';
import { survivesRestart } from './browser/survives-restart.ts';
import { thrownAwayStore } from './browser/thrown-away-store.ts';
import { timedOutCommits } from './browser/timed-out-commits.ts';
import { watchesAcrossTabs } from './browser/watches-across-tabs.ts';
import { type ChromiumWorld, leaveOut, type World } from './browser/world.ts';
import { contentPolicy } from './bundlers/content-policy.ts';
import { esbuild } from './bundlers/esbuild.ts';
import { next } from './bundlers/next.ts';
import { packageLint } from './bundlers/package-lint.ts';
import { react } from './bundlers/react.ts';
import { rollup } from './bundlers/rollup.ts';
import { sizeBudget } from './bundlers/size-budget.ts';
import { vite } from './bundlers/vite.ts';
import { webpack } from './bundlers/webpack.ts';
import { workers } from './bundlers/workers.ts';
import { examples } from './node/examples.ts';
import { foundationdbInNode } from './node/foundationdb-in-node.ts';
import { guide } from './node/guide.ts';
import { historyChecker } from './node/history-checker.ts';
import { importsAndRequires } from './node/imports-and-requires.ts';
import { oldTransaction } from './node/old-transaction.ts';
import { packageContents } from './node/package-contents.ts';
import { programsInNode } from './node/programs.ts';
import { tupleCrossCheck } from './node/tuple-cross-check.ts';
import { typesOfAPage } from './node/types-of-a-page.ts';
import { withoutABrowser } from './node/without-a-browser.ts';
import { apiSuite } from './suite/api-suite.ts';
import type { Storage } from './suite/fixture.ts';
import { foundationdbEntry } from './suite/foundationdb-entry.ts';
import { layers } from './suite/layers.ts';
import { recipes } from './suite/recipes.ts';
import { Chromium } from './support/chromium.ts';
import type { Launcher } from './support/driver.ts';
import { Firefox } from './support/firefox.ts';
import { type Counts, runMocha } from './support/mocha-run.ts';
import { runSuiteInPage } from './support/page-run.ts';
import { mochaForPages, packageImports, packageManifest, paths } from './support/paths.ts';
import { withProfile } from './support/profile.ts';
import { StaticServer } from './support/server.ts';

const { values: options } = parseArgs({
  options: {
    browser: { type: 'string', default: 'chromium' },
    part: { type: 'string' },
    grep: { type: 'string' },
    repeat: { type: 'string', default: '1' },
  },
});
const steps = Number(process.env.PLINTH_STEPS ?? 300);
const seconds = Number(process.env.PLINTH_SECONDS ?? 4);
const rows = Number(process.env.PLINTH_ROWS ?? 50_000);

const launchers: Record<string, Launcher> = { chromium: Chromium, firefox: Firefox };

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

interface Totals extends Counts {
  skipped: number;
}

async function main(seed: number): Promise<Totals> {
  const { name, version } = packageManifest();
  console.log(
    `${name} ${version}, Node ${process.versions.node}, seed ${seed} (PLINTH_SEED=${seed} repeats it)`,
  );
  const launcher = launchers[options.browser];
  if (launcher === undefined) throw new Error(`--browser: chromium or firefox, not ${options.browser}`);
  const all: Counts[] = [];
  const leftOut: string[] = [];
  // Node is the same whatever the browser.
  if (isWanted('node') && launcher === Chromium) all.push(await runInNode(seed));
  if (isWanted('page') || isWanted('browser') || isWanted('bundlers')) {
    all.push(...(await runInBrowser(launcher, seed, leftOut)));
  }
  return {
    passed: all.reduce((sum, { passed }) => sum + passed, 0),
    failed: all.reduce((sum, { failed }) => sum + failed, 0),
    skipped: leftOut.length,
  };
}

function isWanted(part: 'node' | 'page' | 'browser' | 'bundlers'): boolean {
  return options.part === undefined || options.part === part;
}

function runInNode(seed: number): Promise<Counts> {
  let opened = 0;
  return runMocha(
    () => {
      const storage: Storage = {
        label: 'memory in Node',
        uniqueName: () => `memory:suite-${opened++}`,
        open,
        seed,
        steps,
      };
      apiSuite(storage);
      recipes(storage);
      layers(seed);
      foundationdbEntry(() => `memory:entry-${opened++}`);
      foundationdbInNode();
      tupleCrossCheck(seed);
      historyChecker(seed);
      withoutABrowser();
      importsAndRequires();
      guide();
      oldTransaction();
      packageContents();
      examples();
      typesOfAPage();
      programsInNode();
    },
    { grep: options.grep },
  );
}

async function runInBrowser(launcher: Launcher, seed: number, leftOut: string[]): Promise<Counts[]> {
  await bundlePages();
  const server = await startServer();
  try {
    return await withProfile(async (profile) => {
      const browser = await launcher.launch(profile);
      try {
        const toolsPage = `${server.origin}/tools.html`;
        return await runParts({
          server,
          browser,
          launcher,
          toolsPage,
          seed,
          steps,
          seconds,
          rows,
          leftOut,
        });
      } finally {
        await browser.close();
      }
    });
  } finally {
    await server.stop();
  }
}

async function runParts(world: World): Promise<Counts[]> {
  const { browser, server, seed } = world;
  console.log(`\n${browser.label} ${browser.version}, process ${browser.pid}`);
  const all: Counts[] = [];
  if (isWanted('page')) {
    for (const storage of ['indexeddb', 'memory']) {
      const query = new URLSearchParams({
        browser: browser.label,
        storage,
        seed: `${seed}`,
        steps: `${steps}`,
      });
      if (options.grep !== undefined) query.set('grep', options.grep);
      all.push(await runSuiteInPage(browser, `${server.origin}/suite.html?${query}`));
    }
  }
  if (isWanted('browser')) all.push(await runMocha(() => scenarios(world), { grep: options.grep }));
  // What bundlers make is the same whatever the browser.
  if (isWanted('bundlers') && browser instanceof Chromium)
    all.push(await runMocha(() => bundlers({ ...world, browser }), { grep: options.grep }));
  return all;
}

function scenarios(world: World): void {
  describe(`scenarios in ${world.browser.label}`, () => {
    describe('one tab', () => {
      staticFolder(world);
      surroundings(world);
      readmeExample(world);
      programsInPages(world);
      survivesRestart(world);
      survivesKill(world);
      timedOutCommits(world);
      if (world.browser instanceof Chromium) thrownAwayStore(world);
      else leaveOut(world, 'a store that the browser throws away', "it is Chromium's own way");
      damagedLog(world);
      olderSchema(world);
      durability(world);
      groupCommit(world);
      largeDatabase(world);
    });
    describe('many tabs', () => {
      closedTab(world);
      lostUpdates(world);
      inAWorker(world);
      lostMessages(world);
      readSkew(world);
      watchesAcrossTabs(world);
      subscriptionsAcrossTabs(world);
      alone(world);
      externalConsistency(world);
      frozenTab(world);
      fourTabs(world);
      recordedHistory(world);
      disturbance(world);
      pageLife(world);
      recipesAcrossTabs(world);
    });
  });
}

function bundlers(world: ChromiumWorld): void {
  describe('the package in projects of its users', () => {
    packageLint();
    sizeBudget();
    vite(world);
    webpack(world);
    esbuild(world);
    rollup(world);
    next(world);
    react(world);
    workers(world);
    contentPolicy(world);
  });
}

async function bundlePages(): Promise<void> {
  await build({
    entryPoints: ['suite.ts', 'tools.ts'].map((file) => join(paths.tests, 'src', 'page', file)),
    outdir: join(paths.work, 'page'),
    bundle: true,
    format: 'esm',
    target: 'es2023',
    // The page gets the package as a user's page does, through an import map; chai goes into the bundle.
    external: ['plinthdb', 'plinthdb/foundationdb'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}

async function startServer(): Promise<StaticServer> {
  const server = await StaticServer.start({
    '/plinthdb/': paths.package,
    '/page/': join(paths.work, 'page'),
    '/mocha.js': mochaForPages(),
  });
  server.serveText('/tools.html', page('<script type="module" src="/page/tools.js"></script>'));
  server.serveText(
    '/suite.html',
    page('<script src="/mocha.js"></script><script type="module" src="/page/suite.js"></script>'),
  );
  return server;
}

function page(scripts: string): string {
  const imports = JSON.stringify({ imports: packageImports('/plinthdb/') });
  return `<!doctype html><meta charset="utf-8"><title>plinthdb</title>
<script type="importmap">${imports}</script>
${scripts}`;
}

/** Each run has a seed of its own, unless one is given. */
async function repeat(times: number): Promise<Totals> {
  const sum: Totals = { passed: 0, failed: 0, skipped: 0 };
  let good = 0;
  for (let run = 1; run <= times; run += 1) {
    const totals = await main(Number(process.env.PLINTH_SEED ?? randomInt(0x1_0000_0000)));
    sum.passed += totals.passed;
    sum.failed += totals.failed;
    sum.skipped = totals.skipped;
    if (totals.failed === 0 && totals.passed > 0) good += 1;
    if (times > 1)
      console.log(`run ${run} of ${times}: ${totals.passed} tests passed; ${good} runs without a failure`);
  }
  return sum;
}

const { passed, failed, skipped } = await repeat(Number(options.repeat));
if (passed + failed === 0) console.log('nothing ran');
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

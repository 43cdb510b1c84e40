/**
 * The one command: the API suite in Node, on IndexedDB and in memory in a real Chromium, and the scenarios that need a
 * process or a browser of their own. The last line is `N passed, N failed`.
 *
 *   npm test -w pkg-tests [-- --grep TEXT] [--part node|page|browser|bundlers]
 *
 * PLINTH_CHROMIUM names the browser, PLINTH_SEED repeats a random run, PLINTH_STEPS makes random programs longer.
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
import { frozenTab } from './browser/frozen-tab.ts';
import { groupCommit } from './browser/group-commit.ts';
import { inAWorker } from './browser/in-a-worker.ts';
import { lostMessages } from './browser/lost-messages.ts';
import { lostUpdates } from './browser/lost-updates.ts';
import { pageLife } from './browser/page-life.ts';
import { programsInPages } from './browser/programs.ts';
import { readSkew } from './browser/read-skew.ts';
import { readmeExample } from './browser/readme-example.ts';
import { recipesAcrossTabs } from './browser/recipes-across-tabs.ts';
import { staticFolder } from './browser/static-folder.ts';
import { surroundings } from './browser/surroundings.ts';
import { survivesKill } from './browser/survives-kill.ts';
import { survivesRestart } from './browser/survives-restart.ts';
import { thrownAwayStore } from './browser/thrown-away-store.ts';
import { watchesAcrossTabs } from './browser/watches-across-tabs.ts';
import type { World } from './browser/world.ts';
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
import { Browser, withProfile } from './support/browser.ts';
import { type Counts, runMocha } from './support/mocha-run.ts';
import { runSuiteInPage } from './support/page-run.ts';
import { mochaForPages, packageImports, packageManifest, paths } from './support/paths.ts';
import { StaticServer } from './support/server.ts';

const { values: options } = parseArgs({ options: { grep: { type: 'string' }, part: { type: 'string' } } });
const seed = Number(process.env.PLINTH_SEED ?? randomInt(0x1_0000_0000));
const steps = Number(process.env.PLINTH_STEPS ?? 300);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

async function main(): Promise<Counts> {
  const { name, version } = packageManifest();
  console.log(
    `${name} ${version}, Node ${process.versions.node}, seed ${seed} (PLINTH_SEED=${seed} repeats it)`,
  );
  const all: Counts[] = [];
  if (isWanted('node')) all.push(await runInNode());
  if (isWanted('page') || isWanted('browser') || isWanted('bundlers')) all.push(...(await runInBrowser()));
  return {
    passed: all.reduce((sum, { passed }) => sum + passed, 0),
    failed: all.reduce((sum, { failed }) => sum + failed, 0),
  };
}

function isWanted(part: 'node' | 'page' | 'browser' | 'bundlers'): boolean {
  return options.part === undefined || options.part === part;
}

function runInNode(): Promise<Counts> {
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

async function runInBrowser(): Promise<Counts[]> {
  await bundlePages();
  const server = await startServer();
  try {
    return await withProfile(async (profile) => {
      const browser = await Browser.launch(profile);
      try {
        return await runParts(server, browser);
      } finally {
        await browser.close();
      }
    });
  } finally {
    await server.stop();
  }
}

async function runParts(server: StaticServer, browser: Browser): Promise<Counts[]> {
  console.log(`\nChromium ${browser.version}, process ${browser.pid}`);
  const all: Counts[] = [];
  if (isWanted('page')) {
    for (const storage of ['indexeddb', 'memory']) {
      const query = new URLSearchParams({ storage, seed: `${seed}`, steps: `${steps}` });
      if (options.grep !== undefined) query.set('grep', options.grep);
      all.push(await runSuiteInPage(browser, `${server.origin}/suite.html?${query}`));
    }
  }
  const world: World = { server, browser, toolsPage: `${server.origin}/tools.html`, seed, steps };
  if (isWanted('browser')) all.push(await runMocha(() => scenarios(world), { grep: options.grep }));
  if (isWanted('bundlers')) all.push(await runMocha(() => bundlers(world), { grep: options.grep }));
  return all;
}

function scenarios(world: World): void {
  describe('scenarios in Chromium', () => {
    staticFolder(world);
    surroundings(world);
    readmeExample(world);
    programsInPages(world);
    survivesRestart(world);
    survivesKill(world);
    thrownAwayStore(world);
    closedTab(world);
    lostUpdates(world);
    inAWorker(world);
    lostMessages(world);
    readSkew(world);
    damagedLog(world);
    watchesAcrossTabs(world);
    alone(world);
    externalConsistency(world);
    frozenTab(world);
    disturbance(world);
    pageLife(world);
    recipesAcrossTabs(world);
    durability(world);
    groupCommit(world);
  });
}

function bundlers(world: World): void {
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

const { passed, failed } = await main();
if (passed + failed === 0) console.log('nothing ran');
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

/** A React application, in strict mode: two tabs show what either of them writes. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { assert } from 'chai';
import type { BuildOptions } from 'esbuild';
import type { Page } from 'playwright-core';
import type { ChromiumWorld } from '../browser/world.ts';
import { StaticServer } from '../support/server.ts';
import { bundled } from './esbuild.ts';
import { listen, shows } from './opened-page.ts';
import { fixture, outputFolder, pageOf } from './project.ts';

declare global {
  // What the application has for its test; see fixtures/react/main.jsx.
  var subscriptions: number;
  var renderings: Record<string, number>;
  var todos: { set(id: string, todo: { text: string }): Promise<void>; clear(id: string): Promise<void> };
  var opened: {
    set(key: string, value: string): Promise<void>;
    clearRange(begin: string, end: string): Promise<void>;
  };
}

const DEVELOPMENT: BuildOptions = {
  jsx: 'automatic',
  minify: false,
  define: { 'process.env.NODE_ENV': '"development"' },
};

/** React's advertisement for its tools. */
const ADVERTISEMENT = /Download the React DevTools/;

export function react(world: ChromiumWorld): void {
  describe('React', () => {
    let server: StaticServer;
    let address = '';
    const reports: string[][] = [];

    before(async function () {
      this.timeout(60_000);
      const folder = outputFolder('react');
      // The engine is inside of the bundle: this is about React.
      await bundled(fixture('react', 'main.jsx'), folder, {
        ...DEVELOPMENT,
        alias: { plinthdb: 'plinthdb/inline', 'plinthdb/react': 'plinthdb/react' },
      });
      server = await StaticServer.start({ '/': folder });
      address = server.serveText('/page.html', pageOf('/main.js'));
    });

    after(() => server.stop());

    afterEach(async () => {
      await world.browser.closePages();
      // What React says of the error of the test is on the console of every page.
      world.browser.problems.splice(0);
    });

    async function openTab(): Promise<Page> {
      const page = (await world.browser.newTab()).raw;
      const said = listen(page);
      reports.push(said);
      await page.goto(address);
      await shows(page, 'toggle', said);
      return page;
    }

    function nothingWasSaid(): void {
      const said = reports.splice(0).flat();
      assert.deepEqual(
        said.filter((text) => !ADVERTISEMENT.test(text)),
        [],
      );
    }

    async function items(page: Page, expected: string[]): Promise<void> {
      await page.waitForFunction(
        (texts) =>
          JSON.stringify([...document.querySelectorAll('li')].map((item) => item.textContent)) === texts,
        JSON.stringify(expected),
      );
    }

    it('shows in two tabs what either of them writes, and renders what has changed', async () => {
      const [first, second] = [await openTab(), await openTab()];
      await shows(first, 'no title', []);
      await items(second, []);
      await first.evaluate(() => todos.set('b', { text: 'bread' }));
      await items(second, ['bread']);
      await second.evaluate(() => todos.set('a', { text: 'apples' }));
      await items(first, ['apples', 'bread']);
      const before = await first.evaluate(() => ({ ...renderings }));
      await second.evaluate(() => todos.set('a', { text: 'pears' }));
      await items(first, ['pears', 'bread']);
      const after = await first.evaluate(() => ({ ...renderings }));
      assert.isAbove(after.a ?? 0, before.a ?? 0);
      assert.equal(after.b, before.b, 'what did not change is not rendered');
      await first.evaluate(() => todos.clear('b'));
      await items(second, ['pears']);
      await second.evaluate(() => opened.set('title', '"shopping"'));
      await first.getByRole('heading', { name: 'shopping' }).waitFor();
      await second.evaluate(() => opened.clearRange('todo/', 'todo0'));
      await items(first, []);
      nothingWasSaid();
    }).timeout(60_000);

    it('has one subscription for what is shown, though it is mounted twice, and none for what is not', async () => {
      const page = await openTab();
      await page.getByRole('list').waitFor({ state: 'attached' });
      assert.equal(await page.evaluate(() => subscriptions), 2, 'a title and a list');
      await page.getByRole('button').click();
      await page.waitForFunction(() => subscriptions === 0);
      await page.evaluate(() => todos.set('z', { text: 'zucchini' }));
      await page.getByRole('button').click();
      await items(page, ['zucchini']);
      assert.equal(await page.evaluate(() => subscriptions), 2);
      nothingWasSaid();
    }).timeout(60_000);

    it('throws what went wrong to the error boundary', async () => {
      const page = await openTab();
      await page.getByRole('list').waitFor({ state: 'attached' });
      await page.evaluate(() => opened.set('todo/z', 'no JSON'));
      await page.getByText('failed: SyntaxError').waitFor();
      await page.evaluate(() => opened.clearRange('todo/', 'todo0'));
      reports.length = 0;
    }).timeout(60_000);

    it('renders on a server without a database', async () => {
      const folder = outputFolder('react-server');
      await bundled(fixture('react', 'server.jsx'), folder, {
        ...DEVELOPMENT,
        platform: 'node',
        packages: 'external',
        outExtension: { '.js': '.mjs' },
      });
      const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'server.mjs')]);
      assert.deepEqual(stdout.trim().split('\n'), ['<p>undefined 0</p>', '<p>first 0</p>', '<p>first 0</p>']);
    }).timeout(60_000);
  });
}

/** The benchmark, run small: by mouse and keyboard, stopped, with a contestant that fails, and without traces. */

import assert from 'node:assert/strict';
import { tell } from './story.mjs';

/** A figure of the tables: thousands are separated, small ones have decimals. */
const figure = (text) => Number(text.replaceAll(/[,×]/g, ''));

const story = tell('benchmarks');
const { test } = story;
const RUN_PATIENCE_MS = 180_000;

/** Makes Dexie fail wherever it opens a database of rows: what a browser does that has no room. */
const FULL_DISK = `{
  const { open } = IDBFactory.prototype;
  IDBFactory.prototype.open = function (name, ...rest) {
    if (name.startsWith('benchmark-dexie-rows')) throw new DOMException('no room', 'QuotaExceededError');
    return open.call(this, name, ...rest);
  };
}`;

const box = (name) => story.page.getByRole('checkbox', { name });
const button = (name) => story.page.getByRole('button', { name, exact: true });
const status = () => story.page.locator('#benchmarks-status').textContent();
const section = (title) => story.page.locator('.part', { has: story.page.locator('h3', { hasText: title }) });

async function order({ who, what, rows = '1000', rounds = '1', durability = 'strict' }) {
  for (const [all, wanted] of [
    ['#benchmarks-contestants', who],
    ['#benchmarks-workloads', what],
  ]) {
    for (const label of await story.page.locator(`${all} label`).all()) {
      const text = await label.textContent();
      await label.locator('input').setChecked(wanted.some((name) => text.startsWith(name)));
    }
  }
  await story.page.getByLabel('rows', { exact: true }).selectOption(rows);
  await story.page.getByLabel('rounds').selectOption(rounds);
  await story.page.getByLabel('durability').selectOption(durability);
}

async function finished() {
  await story.page
    .locator('#benchmarks-status', { hasText: 'Finished in' })
    .waitFor({ timeout: RUN_PATIENCE_MS });
}

/** The figures of a part: for each contestant the median, the spread, the ratio, and the note below its name. */
async function table(title) {
  const rows = await section(title)
    .locator('tbody tr')
    .evaluateAll((found) =>
      found.map(({ cells: [name, ...cells] }) => [
        name.firstChild.textContent,
        [...cells.map((cell) => cell.textContent), name.querySelector('.note')?.textContent ?? ''],
      ]),
    );
  return Object.fromEntries(rows);
}

async function databases() {
  return story.page.evaluate(async () =>
    (await indexedDB.databases()).map(({ name }) => name).filter((name) => name.includes('benchmark')),
  );
}

test('who and what can be chosen, and without either there is nothing to run', async () => {
  for (const name of ['Plinth', 'IndexedDB', 'Dexie']) assert.ok(await box(name).isChecked(), name);
  assert.ok(!(await box('idb-keyval').isChecked()));
  await order({ who: [], what: ['One-row commits'] });
  assert.ok(await button('Run').isDisabled());
  await order({ who: ['Plinth'], what: [] });
  assert.ok(await button('Run').isDisabled());
  await order({ who: ['Plinth'], what: ['One-row commits'] });
  assert.ok(await button('Run').isEnabled());
  assert.ok(await button('Stop').isDisabled());
  assert.ok(await button('Copy as Markdown').isDisabled());
});

test('all contestants do all of the work while the page stays responsive; each part is a chart and a table', async (t) => {
  const { page } = story;
  await order({
    who: ['Plinth', 'IndexedDB', 'idb-keyval', 'Dexie'],
    what: ['One-row', 'Bulk', 'Random', 'Range', 'Increments', 'Transactions'],
    rounds: '3',
    durability: 'relaxed',
  });
  await page.evaluate(() => {
    window.longTasks = [];
    new PerformanceObserver((list) => {
      window.longTasks.push(...list.getEntries().map(({ duration }) => duration));
    }).observe({ type: 'longtask' });
  });
  await button('Run').click();
  await page.locator('#benchmarks-turn', { hasText: /turns\. .+: / }).waitFor();
  await page.locator('.part .bar-value').first().waitFor();
  await story.picture('benchmarks-running');
  await finished();
  const longest = Math.max(0, ...(await page.evaluate(() => window.longTasks)));
  t.diagnostic(`${await status()} The page’s longest task: ${longest} ms`);
  assert.ok(longest < 1_000, `a task of ${longest} ms`);

  const titles = await page.locator('.part h3').allTextContents();
  assert.deepEqual(titles, [
    'One-row commits, one after the other',
    'Bulk load, rows',
    'Random reads, one after the other, in one transaction',
    'Random reads, each in a transaction of its own',
    'One scan, rows',
    'Scans of 10 rows',
    'Increments of one counter, submitted together',
    'Increments of 100 counters, submitted together',
    'Atomic adds, submitted together',
    'Transactions of 5 reads and 2 writes, submitted together',
  ]);
  for (const title of titles) {
    const figures = await table(title);
    const bars = section(title).locator('.ct-bar');
    const measured = Object.values(figures).filter(([median]) => median !== '–');
    assert.equal(await bars.count(), measured.length, `${title}: a bar for each that was measured`);
    const [base] = figures.IndexedDB;
    assert.equal(figures.IndexedDB[2], '1.0 ×');
    for (const [name, [median, spread, ratio]] of Object.entries(figures)) {
      if (median === '–') continue;
      const [least, largest] = spread.split(' – ').map(figure);
      assert.ok(least > 0 && least <= figure(median) && figure(median) <= largest, `${title}: ${name}`);
      const times = figure(ratio);
      const expected = figure(median) / figure(base);
      assert.ok(Math.abs(times / expected - 1) < 0.1, `${title}: ${name} is ${ratio}, not ${expected}`);
    }
  }
  const none = (why) => ['–', '', '', why];
  assert.deepEqual((await table('One scan, rows'))['idb-keyval'], none('no range reads'));
  const transactions = await table('Transactions of 5 reads');
  assert.deepEqual(transactions['idb-keyval'], none('no transactions of several keys'));
  const adds = await table('Atomic adds');
  assert.equal(adds.Plinth[3], '');
  assert.match(adds.Dexie[3], /^can’t; this is: increments of one counter/);
});

test('a bar is as long as its figure', async () => {
  const figures = await table('Increments of one counter');
  const bars = await section('Increments of one counter')
    .locator('.ct-bar')
    .evaluateAll((found) =>
      found.map((bar) => [
        bar.parentElement.getAttribute('class'),
        bar.x2.baseVal.value - bar.x1.baseVal.value,
      ]),
    );
  const lengths = Object.fromEntries(bars.map(([name, length]) => [/bar-(\S+)/.exec(name)[1], length]));
  const rates = figure(figures.Plinth[0]) / figure(figures.IndexedDB[0]);
  const drawn = lengths.plinth / lengths['raw-indexeddb'];
  assert.ok(Math.abs(drawn / rates - 1) < 0.05, `${drawn} drawn, ${rates} measured`);
  assert.match(
    await section('Increments of one').locator('.chart').getAttribute('aria-label'),
    /Plinth [\d,]+/,
  );
});

test('what was run leaves no database behind, and can be copied as Markdown', async () => {
  assert.deepEqual(await databases(), []);
  await story.browser.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await button('Copy as Markdown').click();
  await story.page.locator('#benchmarks-status', { hasText: 'Copied.' }).waitFor();
  const lines = (await story.page.evaluate(() => navigator.clipboard.readText())).split('\n');
  assert.equal(lines[0], '| per second | Plinth | IndexedDB | idb-keyval | Dexie |');
  assert.equal(lines.filter((line) => line.startsWith('| ')).length, 11);
  const [median] = (await table('Bulk load')).Plinth;
  assert.ok(lines.some((line) => line.startsWith(`| bulk load, rows | ${median} (`)));
  assert.ok(lines.some((line) => /1,000 rows.*Durability: relaxed.*Plinth \d.*Dexie \d.*cores/.test(line)));
});

test('the panel looks good', async () => {
  await story.looksGood('benchmarks');
});

test('the keyboard alone runs it and stops it; what was measured until then stays', async () => {
  const { page } = story;
  await order({ who: ['Plinth', 'IndexedDB'], what: ['One-row'], rows: '10000', rounds: '9' });
  await button('Run').focus();
  await page.keyboard.press('Enter');
  await page.locator('.part .bar-value').first().waitFor();
  assert.ok(await button('Stop').evaluate((stop) => stop === document.activeElement));
  await page.keyboard.press('Enter');
  await page.locator('#benchmarks-status', { hasText: 'Stopped after' }).waitFor();
  assert.ok(await button('Run').evaluate((run) => run === document.activeElement));
  const figures = await table('One-row commits');
  assert.ok(Object.values(figures).some(([median]) => median !== '–'));
  assert.deepEqual(await databases(), []);
});

test('while another tab runs it, this one says so', async () => {
  const { page } = story;
  await order({ who: ['IndexedDB'], what: ['One-row'], rows: '10000', rounds: '9' });
  await button('Run').click();
  await page.locator('#benchmarks-turn', { hasText: 'IndexedDB' }).waitFor();
  const second = await story.secondTab(() =>
    page.evaluate(() => void window.open(location.href, '', 'noopener')),
  );
  await second.getByRole('button', { name: 'Run', exact: true }).click();
  await second.locator('.notice', { hasText: 'another tab is running the benchmark' }).waitFor();
  await second.close();
  await button('Stop').click();
  await page.locator('#benchmarks-status', { hasText: 'Stopped after' }).waitFor();
});

test('a tab that is closed in the middle leaves databases until the panel is opened again', async () => {
  const { page } = story;
  await order({ who: ['Plinth', 'IndexedDB'], what: ['One-row'], rows: '10000', rounds: '9' });
  await button('Run').click();
  await page.locator('.part .bar-value').first().waitFor();
  await page.reload();
  await story.ready(page);
  assert.deepEqual(await databases(), []);
});

test('one that fails says why, and the others go on', async () => {
  const { page } = story;
  await page.route('**/performer.worker-*.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${await response.text()}\n${FULL_DISK}` });
  });
  await order({ who: ['IndexedDB', 'Dexie'], what: ['One-row', 'Random'], rounds: '3' });
  await button('Run').click();
  await finished();
  await page.unroute('**/performer.worker-*.js');
  const failures = await page.locator('.failures li').allTextContents();
  assert.equal(failures.length, 1);
  assert.match(failures[0], /^Random reads: Dexie failed\. .*no room/);
  const reads = await table('Random reads, one after');
  assert.deepEqual(reads.Dexie, ['–', '', '', 'failed']);
  assert.notEqual(reads.IndexedDB[0], '–');
  assert.notEqual((await table('One-row commits')).Dexie[0], '–');
  await story.looksGood('benchmarks-failed');
});

/**
 * The simulator: a day run, paused, stepped and judged; the same days as natively; planted faults found and played; many
 * seeds. By mouse and by keyboard alone.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { number, tell } from './story.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The native simulator may have to be compiled first. */
const NATIVE_PATIENCE_MS = 900_000;
const SOAK_PATIENCE_MS = 120_000;
const FASTEST = 'Infinity';

const story = tell('simulator');
const { test } = story;

const button = (name) => story.page.getByRole('button', { name, exact: true });
const text = (id) => story.page.locator(`#simulator-${id}`).textContent();
const verdict = () => text('verdict');
const items = (id) => story.page.locator(`#simulator-${id} li`).allTextContents();

async function judged(seed) {
  await story.page
    .locator('#simulator-verdict', { hasText: new RegExp(`^Seed ${seed} (kept|broke)`) })
    .waitFor();
  return verdict();
}

async function setUp({ seed, fault = '', speed = FASTEST }) {
  await story.page.locator('#simulator-fault').selectOption(fault);
  await story.page.locator('#simulator-speed').selectOption(speed);
  await story.page.locator('#simulator-seed').fill(String(seed));
  await story.page.locator('#simulator-seed').press('Tab');
  await story.page.locator('#simulator-verdict', { hasText: `Seed ${seed} has not begun.` }).waitFor();
}

/** Virtual seconds. */
const time = async () => Number((await text('time')).replace(' s', ''));

/** The colours in the lanes: an empty drawing has few. */
async function colours() {
  return story.page.locator('#simulator-lanes').evaluate((canvas) => {
    const { width, height } = canvas;
    const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, width, height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
}

/** The traces that the simulator gives where it is no WebAssembly. */
async function nativeTraces(seeds) {
  const traces = {};
  for (const seed of seeds) {
    const { stdout } = await promisify(execFile)('cargo', ['xtask', 'sim', '--seed', seed, '--hash'], {
      cwd: ROOT,
      timeout: NATIVE_PATIENCE_MS,
    });
    traces[seed] = /^seed \d+: trace ([0-9a-f]{16})$/m.exec(stdout)?.[1];
  }
  return traces;
}

test('what a seed has decided is there before the day begins', async () => {
  assert.equal(await verdict(), 'Seed 54 has not begun.');
  for (const list of ['workloads', 'hazards']) {
    for (const item of await items(list)) assert.match(item, /^[a-z-]+ [A-Z].+/);
  }
  assert.match(await text('scenario'), /^\d peers?; each client does \d+ things/);
  assert.equal(await time(), 0);
  assert.equal(await button('From the beginning').isDisabled(), true);
});

test('a day runs in its own time, pauses, is stepped, and goes on to its verdict', async (t) => {
  const { page } = story;
  await setUp({ seed: 54, speed: '1' });
  const empty = await colours();
  await page.evaluate(() => {
    window.longTasks = [];
    new PerformanceObserver((list) => {
      window.longTasks.push(...list.getEntries().map(({ duration }) => duration));
    }).observe({ type: 'longtask' });
  });
  await button('Run').click();
  await page.waitForFunction(() => parseFloat(document.querySelector('#simulator-time').textContent) > 0.5);
  assert.equal(await page.locator('#simulator-phases [aria-current]').count(), 1);
  assert.equal(await verdict(), 'Nothing wrong so far.');
  await story.picture('simulator-running');
  await button('Pause').click();
  await button('Go on').waitFor();
  // What was asked for last may still come.
  await page.waitForTimeout(200);
  const paused = await time();
  await page.waitForTimeout(300);
  assert.equal(await time(), paused);

  await page.locator('#simulator-commits').check();
  const newest = () => page.locator('#simulator-events li').first().textContent();
  let before = await newest();
  for (let step = 0; step < 5; step += 1) {
    const [shown, at] = [await newest(), await time()];
    await button('Step').click();
    await page.waitForFunction(
      (old) => document.querySelector('#simulator-events li').textContent !== old,
      shown,
    );
    assert.ok((await time()) >= at);
    assert.notEqual(await newest(), before);
    before = await newest();
  }

  await page.locator('#simulator-speed').selectOption(FASTEST);
  await button('Go on').click();
  assert.match(
    await judged(54),
    /^Seed 54 kept every promise: \d+ transactions attempted; \d+ commits, \d+ reads/,
  );
  assert.equal(await page.locator('#simulator-phases .is-done').count(), 4);
  assert.ok(number(await text('transactions')) > 100);
  assert.ok(number(await text('expectations')) > 0);
  assert.equal(await text('broken'), '0');
  assert.ok((await colours()) > empty + 5, 'something was drawn');
  const commits = await page.locator('#simulator-tabs tr td:nth-of-type(3)').allTextContents();
  assert.ok(commits.map(Number).reduce((sum, count) => sum + count, 0) > 0);
  const longest = Math.max(0, ...(await page.evaluate(() => window.longTasks)));
  t.diagnostic(`the page’s longest task: ${longest} ms`);
  assert.ok(longest < 500, `a task of ${longest} ms`);
});

test('a day is the same one when it is played again, at once or step by step, and natively', async () => {
  const { page } = story;
  // The last is the largest one, far beyond what a JavaScript number can tell apart.
  const seeds = ['54', '8', '24', '60', '18446744073709551615'];
  const native = await nativeTraces(seeds);
  for (const seed of seeds) {
    await setUp({ seed });
    await button('Run').click();
    assert.match(await judged(seed), new RegExp(`trace hash ${native[seed]}\\.$`));
  }
  await setUp({ seed: 8, speed: '10' });
  await button('Run').click();
  await page.waitForFunction(() => parseFloat(document.querySelector('#simulator-time').textContent) > 1);
  await button('Step').click();
  await page.locator('#simulator-speed').selectOption(FASTEST);
  await button('Go on').click();
  assert.match(await judged(8), new RegExp(`trace hash ${native[8]}\\.$`));
  await button('From the beginning').click();
  await page.locator('#simulator-verdict', { hasText: 'Seed 8 has not begun.' }).waitFor();
  assert.equal(await time(), 0);

  // Another day in the middle of one, by a seed that is only typed.
  await button('Run').click();
  await judged(8);
  await setUp({ seed: 60, speed: '10' });
  await button('Run').click();
  await page.waitForFunction(() => parseFloat(document.querySelector('#simulator-time').textContent) > 1);
  await page.locator('#simulator-speed').selectOption(FASTEST);
  await page.locator('#simulator-seed').fill('24');
  await page.locator('#simulator-seed').press('Enter');
  assert.match(await judged(24), new RegExp(`trace hash ${native[24]}\\.$`));
});

test('every planted fault is found within some days, and that day can be played', async (t) => {
  const { page } = story;
  const faults = await page
    .locator('#simulator-fault option')
    .evaluateAll((options) => options.map(({ value }) => value).filter((value) => value !== ''));
  assert.equal(faults.length, 7);
  for (const fault of faults) {
    await setUp({ seed: 0, fault });
    await button('Run many seeds').click();
    const status = page.locator('#simulator-soak-status', { hasText: /^Seed \d+ broke a promise: / });
    await status.waitFor({ timeout: SOAK_PATIENCE_MS });
    const found = await status.textContent();
    t.diagnostic(`${fault}: ${found}`);
    await button('Play that day').click();
    assert.equal(await judged(/\d+ /.exec(found)[0].trim()), found);
    assert.equal(await text('broken'), '1');
    // A panic ends the simulator that it is in; the next day has another one.
    if (fault.startsWith('panic')) assert.match(found, /: panic: a race for a place in the log was lost/);
  }
  await story.looksGood('simulator-broken');
});

test('many seeds run until they are stopped', async () => {
  const { page } = story;
  await setUp({ seed: 100 });
  await button('Run many seeds').click();
  await page.waitForFunction(() => Number(document.querySelector('#simulator-soak-runs').textContent) >= 5);
  await story.picture('simulator-many');
  await button('Stop').click();
  await page
    .locator('#simulator-soak-status', { hasText: /^Stopped at seed \d+: no promise was broken\.$/ })
    .waitFor();
  const runs = number(await text('soak-runs'));
  assert.ok(number(await text('soak-transactions')) > runs);
  assert.ok(number(await text('soak-rate')) > 0);
  assert.ok(Number(await text('soak-hours')) >= 0);
  await page.waitForTimeout(300);
  assert.equal(number(await text('soak-runs')), runs);
});

test('the keyboard alone runs a day, pauses it and goes on to the next', async () => {
  const { page } = story;
  await setUp({ seed: 29, speed: '0.1' });
  await page.locator('#simulator-seed').focus();
  await page.keyboard.press('Enter');
  await button('Pause').waitFor();
  await page.waitForFunction(() => parseFloat(document.querySelector('#simulator-time').textContent) > 0);
  await button('Pause').focus();
  await page.keyboard.press('Space');
  await button('Go on').waitFor();
  await page.locator('#simulator-speed').focus();
  await page.locator('#simulator-speed').selectOption(FASTEST);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.match(await judged(29), /kept every promise/);
  await button('Next seed').focus();
  await page.keyboard.press('Enter');
  assert.match(await judged(30), /kept every promise/);
  assert.equal(await page.locator('#simulator-seed').inputValue(), '30');
});

test('what is no seed is told, and runs nothing', async () => {
  const { page } = story;
  for (const wrong of ['', 'seventeen', '-1', '18446744073709551616']) {
    await page.locator('#simulator-seed').fill(wrong);
    await page.locator('#simulator-seed').press('Enter');
    assert.match(await text('seed-error'), /^A seed is a whole number/);
    assert.equal(await button('Pause').count(), 0);
  }
  await setUp({ seed: '18446744073709551615' });
  assert.equal(await text('seed-error'), '');
  await button('Next seed').click();
  assert.match(await judged(0), /kept every promise/);
});

test('the panel looks good', async () => {
  await setUp({ seed: 54 });
  await button('Run').click();
  await judged(54);
  await story.looksGood('simulator');
});

/**
 * The cities and the storage, used in one browser, because that is the story: load, interrupt, go on,
 * ask, reload, delete.
 *
 * With PLINTH_SCREENSHOT=PATH it also writes the README's picture.
 */

import assert from 'node:assert/strict';
import { beginningWith, between, cityCount, sharingCell } from './gazetteer.mjs';
import { number, tell } from './story.mjs';

const LOAD_PATIENCE_MS = 180_000;

const story = tell('cities');
const { test, ready, openPanel, picture, secondTab } = story;
let page;

async function shownNames() {
  return page.locator('.result-name').allTextContents();
}

/** The count beneath the form, once the newest question has been answered. */
async function shownCount() {
  const count = page.locator('#cities-count');
  await page.locator('.answer[aria-busy="false"]').waitFor();
  return number((await count.textContent()).replace(/^First \d+ of /, ''));
}

async function storedCities(tab = page) {
  const caption = (await tab.locator('#cities-caption').textContent()) ?? '';
  return caption.includes('cities under') ? number(caption.split('cities')[0]) : 0;
}

async function pictureForReadme() {
  const path = process.env.PLINTH_SCREENSHOT;
  if (path === undefined) return;
  const size = page.viewportSize();
  await page.setViewportSize({ width: 1280, height: 1000 });
  await page.mouse.move(0, 0);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path });
  await page.setViewportSize(size);
}

async function countKeys() {
  await openPanel('storage');
  await page.locator('#storage-count').click();
  await page.locator('.inventory').waitFor();
  const rows = await page
    .locator('#storage-inventory tr')
    .evaluateAll((found) => found.map((row) => [...row.cells].map((cell) => cell.textContent)));
  return Object.fromEntries(rows.map(([space, keys]) => [space, number(keys)]));
}

async function timeline() {
  const rows = await page
    .locator('#storage-timeline tr')
    .evaluateAll((found) => found.map((row) => `${row.cells[0]?.textContent}: ${row.cells[2]?.textContent}`));
  return rows.join('; ');
}

test('a first visit finds nothing stored and offers to load', async () => {
  page = story.page;
  assert.match(await page.locator('#cities-offer-text').textContent(), /Nothing is stored yet/);
  assert.equal(number(await page.locator('#cities-load').textContent()), cityCount);
  await picture('empty-light');
});

test('a load interrupted by a reload goes on, stores every city once, and another tab follows it', async (t) => {
  await page.locator('#cities-load').click();
  await page.waitForFunction(
    (half) => document.querySelector('#cities-bar').value >= half,
    Math.floor(cityCount / 2),
    { timeout: LOAD_PATIENCE_MS },
  );
  await picture('loading-light');
  await page.reload();
  await ready(page);

  const kept = await storedCities();
  assert.ok(kept >= cityCount / 2 && kept < cityCount, `${kept} cities after the interruption`);
  assert.equal(kept % 1000, 0, 'whole batches only');
  assert.match(await page.locator('#cities-load').textContent(), /Load the rest/);
  await picture('interrupted-light');

  const second = await secondTab(() => page.evaluate(() => void window.open(location.href, '', 'noopener')));
  assert.equal(await storedCities(second), kept);
  await page.bringToFront();

  await page.locator('#cities-load').click();
  await page.locator('#cities-offer').waitFor({ state: 'hidden' });
  await page.locator('#cities-progress').waitFor({ state: 'hidden', timeout: LOAD_PATIENCE_MS });
  assert.equal(await storedCities(), cityCount);
  // The other tab has seen it all through its watch.
  await second.locator('#cities-offer').waitFor({ state: 'hidden' });
  assert.equal(await storedCities(second), cityCount);
  await second.close();

  const keys = await countKeys();
  const batchCount = Math.ceil(cityCount / 1000);
  for (const space of ['city/', 'name/', 'country/', 'grid/']) {
    assert.equal(keys[space], cityCount, space);
  }
  assert.equal(keys['batch/'], batchCount);
  t.diagnostic(`${kept} cities kept; ${await timeline()}`);
  t.diagnostic(await page.locator('#storage-count-note').textContent());
  await openPanel('cities');
});

test('typing a prefix finds what the data file holds, in key order', async (t) => {
  await page.keyboard.press('/');
  await page.keyboard.type('san ');
  const expected = beginningWith('san ');
  assert.ok(expected.length > 1000);
  assert.equal(await shownCount(), expected.length);
  assert.deepEqual(
    await shownNames(),
    expected.slice(0, 50).map((city) => city.name),
  );
  t.diagnostic((await page.locator('#cities-cost span').allTextContents()).join('; '));

  await page.locator('#cities-more').click();
  await page.waitForFunction(() => document.querySelectorAll('.result').length === 100);
  assert.deepEqual(
    await shownNames(),
    expected.slice(0, 100).map((city) => city.name),
  );
});

test('accents do not matter, and the newest keystroke wins', async () => {
  const field = page.locator('#cities-prefix');
  for (const text of ['São Paulo', 'sao paulo']) {
    await field.fill('');
    await field.pressSequentially(text);
    const expected = beginningWith('sao paulo');
    assert.equal(await shownCount(), expected.length);
    assert.deepEqual(
      await shownNames(),
      expected.slice(0, 50).map((city) => city.name),
    );
  }
});

test('the keyboard alone leads from the search to the stored keys of a city', async () => {
  await page.locator('#cities-prefix').fill('san francisco');
  assert.equal(await shownCount(), beginningWith('san francisco').length);
  await page.locator('#cities-prefix').press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const rows = page.locator('#cities-record tbody tr');
  await rows.nth(3).waitFor();
  const second = beginningWith('san francisco')[1];
  const id = String(second.id).padStart(6, '0');
  const keys = await rows.evaluateAll((found) => found.map((row) => row.cells[0].textContent));
  assert.equal(keys[0], `city/${id}`);
  assert.equal(keys[1], `name/${second.folded}\\x00${id}`);
  const value = await rows.first().locator('td').nth(1).textContent();
  assert.equal(JSON.parse(value)[0], second.name);
  assert.ok(!(await rows.allTextContents()).join().includes('(nothing)'));
});

test('a range of names within a country is what the data file holds', async () => {
  await page.locator('#cities-hints button[data-from="x"]').click();
  const expected = between('CN', 'x', 'xi');
  assert.ok(expected.length > 10);
  assert.equal(await shownCount(), expected.length);
  assert.deepEqual(
    await shownNames(),
    expected.slice(0, 50).map((city) => city.name),
  );
});

test('a click on the map finds the cities of that cell', async () => {
  const box = await page.locator('#cities-pointer').boundingBox();
  const [lat, lng] = [47, 8];
  await page.mouse.click(
    box.x + ((lng + 180) / 360) * box.width,
    box.y + ((79 - lat) / (79 + 57)) * box.height,
  );
  const expected = sharingCell(lat, lng);
  assert.ok(expected.length > 1000);
  assert.equal(await shownCount(), expected.length);
  assert.deepEqual(
    await shownNames(),
    expected.slice(0, 50).map((city) => city.name),
  );
  await picture('cell-light');
});

test('everything is still there after a reload, and nothing is loaded again', async (t) => {
  const requests = [];
  page.on('request', (request) => requests.push(request.url()));
  await page.reload();
  await ready(page);
  await openPanel('cities');
  assert.equal(await storedCities(), cityCount);
  assert.ok(await page.locator('#cities-offer').isHidden());
  await page.locator('#cities-prefix').pressSequentially('ober');
  assert.equal(await shownCount(), beginningWith('ober').length);
  assert.deepEqual(
    requests.filter((url) => url.includes('/data/')),
    [],
  );

  await openPanel('storage');
  assert.ok((await page.locator('#storage-visits tr').count()) >= 3);
  await page.locator('#storage-count').click();
  await page.locator('.inventory').waitFor();
  await picture('storage-light');
  t.diagnostic(await timeline());
});

test('both panels look good', async () => {
  await openPanel('cities');
  await story.looksGood('cities', async ({ isPhone, colorScheme }) => {
    await page.locator('#cities-hints button[data-prefix="san "]').click();
    await shownCount();
    if (isPhone) return;
    await page.locator('.result').nth(7).click();
    await page.locator('#cities-record').waitFor();
    if (colorScheme === 'light') await pictureForReadme();
  });
  await openPanel('storage');
  await story.looksGood('storage');
});

test('deleting everything asks first, then leaves an empty page', async () => {
  await openPanel('storage');
  await page.locator('#storage-erase').click();
  await page.locator('#storage-confirm button[value="keep"]').click();
  await openPanel('cities');
  assert.equal(await storedCities(), cityCount);

  const second = await secondTab(() => page.evaluate(() => void window.open(location.href, '', 'noopener')));
  await page.bringToFront();

  await openPanel('storage');
  await page.locator('#storage-erase').click();
  await Promise.all([
    page.waitForEvent('load'),
    page.locator('#storage-confirm button[value="delete"]').click(),
  ]);
  await ready(page);
  await openPanel('cities');
  assert.equal(await storedCities(), 0);
  assert.match(await page.locator('#cities-offer-text').textContent(), /Nothing is stored yet/);
  await picture('empty-again-light');

  // The other tab says so, and offers the way back.
  await second.locator('.notice', { hasText: 'The database is gone.' }).waitFor();
  await Promise.all([
    second.waitForEvent('load'),
    second.getByRole('button', { name: 'Open it again' }).click(),
  ]);
  await ready(second);
  assert.equal(await storedCities(second), 0);
});

/** The explorer: directories, subspaces, large ranges, keys edited and watched, another database. */

import assert from 'node:assert/strict';
import { tell } from './story.mjs';

const story = tell('tabs');
const { test } = story;

/** One of each that JSON does not have. */
const TYPES = JSON.stringify([
  { int: '123456789012345678901234567890' },
  { float: 1.5 },
  { double: 2 },
  { double: 'NaN' },
  { double: '-0' },
  { uuid: '00112233-4455-6677-8899-aabbccddeeff' },
  { versionstamp: '000102030405060708090a0b' },
  { versionstamp80: '00010203040506070809' },
  [['nested'], ''],
])
  .replaceAll(':', ': ')
  .replaceAll(',', ', ');

const status = () => story.page.locator('#explorer-status').textContent();
const labels = () => story.page.locator('.entry').allTextContents();
const entry = (label) => story.page.locator('.entry', { hasText: label });

async function statusIs(pattern) {
  await story.page.locator('#explorer-status', { hasText: pattern }).waitFor();
}

async function openDirectory(name) {
  await story.page.locator('#explorer-tree').getByRole('button', { name, exact: true }).click();
  await story.page.locator('#explorer-tree [aria-current]', { hasText: name }).waitFor();
  await story.page.waitForTimeout(50);
}

async function save(key, value, format = 'text') {
  const { page } = story;
  await page.locator('#explorer-new').click();
  await page.locator('#explorer-key').fill(key);
  await page.locator(`[name="format"][value="${format}"]`).check();
  await page.locator('#explorer-value').fill(value);
  // The key that was saved before left the same words.
  await page.locator('#explorer-status').evaluate((element) => element.replaceChildren());
  await page.getByRole('button', { name: 'Save' }).click();
  await statusIs(/^Saved/);
}

test('directories of another panel are listed, and their tuples decoded', async () => {
  const { page } = story;
  await story.openPanel('explorer');
  await openDirectory('board');
  await entry('"card"').waitFor();
  assert.deepEqual(await labels(), ['"card"', '["made"]', '"order"']);
  await entry('"card"').click();
  await page.locator('.crumb[aria-current]', { hasText: '"card"' }).waitFor();
  assert.equal((await labels()).length, 4);
  assert.match(
    await page.locator('.entries .value').first().textContent(),
    /^\[\d, \{"double": \d\}, ".+", ""\]$/,
  );
});

test('a new directory takes keys, in every format of values', async () => {
  const { page } = story;
  await page.getByText('New directory').click();
  await page.getByLabel('Path of the directory').fill('lab/things');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await statusIs(/^Created the directory lab\/things/);
  await save('["text", 1]', 'plain words');
  await save('["tuple", 2]', '["ann", -5, {"bytes": "00ff"}, [null, true], 1.5]', 'tuple');
  await save('["integer", 3]', '42', 'integer');
  await save('["hex", 4]', 'ff 00 fe', 'hex');
  await save('["types", 5]', TYPES, 'tuple');
  await save('with\\x00zero', 'a key that is text');
  const rows = await page
    .locator('#explorer-entries tr')
    .evaluateAll((found) => found.map((row) => [row.cells[0].textContent, row.cells[1].textContent]));
  assert.deepEqual(rows, [
    ['["hex", 4]', 'ff 00 fe'],
    ['["integer", 3]', '42'],
    ['["text", 1]', 'plain words'],
    ['["tuple", 2]', '["ann", -5, {"bytes": "00ff"}, [null, true], 1.5]'],
    ['["types", 5]', `${TYPES.slice(0, 120)}…`],
    ['with\\x00zero', 'a key that is text'],
  ]);
  await entry('["types", 5]').click();
  await page.locator('#explorer-existing:not([hidden])').waitFor();
  assert.equal(await page.locator('#explorer-value').inputValue(), TYPES);
});

test('the keyboard alone edits a value, and the same bytes can be read in other formats', async () => {
  const { page } = story;
  await entry('["text", 1]').focus();
  await page.keyboard.press('Enter');
  const value = page.locator('#explorer-value');
  await page.waitForFunction(() => document.activeElement?.id === 'explorer-value');
  assert.equal(await value.inputValue(), 'plain words');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('new words');
  await page.locator('[name="format"][value="text"]').focus();
  for (let press = 0; press < 3; press += 1) await page.keyboard.press('ArrowRight');
  assert.equal(await value.inputValue(), '6e 65 77 20 77 6f 72 64 73');
  await page.keyboard.press('ArrowRight');
  assert.equal(await value.inputValue(), 'new words');
  await page.keyboard.press('Enter');
  await statusIs(/^Saved .*durable after/);
  await page.reload();
  await story.ready(page);
  await openDirectory('things');
  await page.locator('.entries .value', { hasText: 'new words' }).waitFor();
});

test('what is no tuple is refused, and nothing is written', async () => {
  const { page } = story;
  await entry('["tuple", 2]').click();
  await page.locator('#explorer-existing:not([hidden])').waitFor();
  await page.locator('#explorer-value').fill('["open');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.notice', { hasText: 'a tuple such as ["card", 2] was expected' }).waitFor();
  await page.locator('.notice button').click();
  assert.match(await page.locator('.entries').textContent(), /\["ann", -5/);
});

test('a watched key flashes when another tab changes it', async () => {
  const { page } = story;
  await entry('["integer", 3]').click();
  await page.locator('#explorer-existing:not([hidden])').waitFor();
  await page.getByRole('button', { name: 'Watch it' }).click();
  await page.locator('.watch', { hasText: 'no change yet' }).waitFor();
  await page.locator('.watch-value', { hasText: '42' }).waitFor();

  const second = await story.secondTab(() =>
    page.evaluate(() => void window.open(location.href, '', 'noopener')),
  );
  await second.locator('#explorer-tree').getByRole('button', { name: 'things', exact: true }).click();
  await second.locator('.entry', { hasText: '["integer", 3]' }).click();
  await second.locator('#explorer-existing:not([hidden])').waitFor();
  await second.locator('#explorer-value').fill('43');
  await second.getByRole('button', { name: 'Save' }).click();
  await second.locator('#explorer-status', { hasText: 'Saved' }).waitFor();

  await page.locator('.watch.is-changed', { hasText: '43' }).waitFor();
  await page.locator('.watch', { hasText: '1 ×' }).waitFor();
  await page.locator('tr.is-changed', { hasText: '43' }).waitFor();
  await second.close();
});

test('a large range is one line above, and below it is paged through, every key once', async (t) => {
  const { page } = story;
  await story.openPanel('cities');
  await page.locator('#cities-load').click();
  await page.waitForFunction(() => document.querySelector('#cities-bar').value >= 8000);
  await page.locator('#cities-stop').click();
  await page.locator('#cities-progress').waitFor({ state: 'hidden' });
  await story.openPanel('explorer');
  await page.locator('#explorer-tree').getByRole('button', { name: 'All keys' }).click();
  await entry('city/').waitFor();
  const top = await labels();
  for (const group of ['batch/', 'city/', 'country/', 'grid/', 'name/'])
    assert.ok(top.includes(group), group);
  assert.ok(top.some((label) => label.endsWith(' · lab/things')));
  t.diagnostic(await status());
  await story.picture('explorer-top');

  await entry('city/').click();
  await page.locator('.crumb[aria-current]', { hasText: 'city/' }).waitFor();
  const seen = await labels();
  for (let turned = 1; turned <= 3; turned += 1) {
    const last = seen.at(-1);
    await page.locator('#explorer-next').click();
    await page.waitForFunction((text) => document.querySelector('.entry').textContent > text, last);
    seen.push(...(await labels()));
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 200 }, (_, city) => String(city).padStart(6, '0')),
  );
  await page.locator('#explorer-previous').click();
  await entry('000100').waitFor();
  assert.equal((await labels())[0], '000100');

  await page.getByLabel('Begin at key').fill('00042');
  await page.getByRole('button', { name: 'Go' }).click();
  await page.waitForFunction(() => document.querySelector('.entry').textContent === '000420');

  await page.locator('.crumb').first().click();
  await entry('country/').click();
  await page.locator('.crumb[aria-current]', { hasText: 'country/' }).waitFor();
  // A country with a single city is no group, but that city.
  for (const label of await labels()) assert.match(label, /^[A-Z]{2}\//);
});

test('another database is created, cleared and deleted; what can’t be undone is asked first', async () => {
  const { page } = story;
  await page.getByText('Another one').click();
  await page.getByLabel('Name of a database').fill('other');
  await page.getByRole('button', { name: 'Open or create' }).click();
  await page.locator('#explorer-entries', { hasText: 'No keys here.' }).waitFor();
  await save('many/one', '1');
  await save('many/two', '2');
  await save('single/one', '1');
  assert.deepEqual(await labels(), ['many/', 'single/one']);
  await entry('many/').click();
  await page.locator('.crumb[aria-current]', { hasText: 'many/' }).waitFor();
  await page.locator('#explorer-remove').click();
  await page.getByRole('button', { name: 'Keep it' }).click();
  assert.deepEqual(await labels(), ['one', 'two']);
  await page.locator('#explorer-remove').click();
  await page.getByRole('button', { name: 'Clear it' }).click();
  await page.locator('#explorer-entries', { hasText: 'No keys here.' }).waitFor();
  await page.locator('.crumb').first().click();
  await entry('single/one').waitFor();
  assert.deepEqual(await labels(), ['single/one']);

  await page.locator('#explorer-delete-database').click();
  await page.getByRole('button', { name: 'Delete it' }).click();
  await page.locator('#explorer-tree', { hasText: 'things' }).waitFor();
  const names = await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
  assert.ok(!names.includes('plinth:other'));
});

test('a database goes to a file, and from there into another one, directories included', async (t) => {
  const { page } = story;
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export to a file' }).click(),
  ]);
  assert.equal(download.suggestedFilename(), 'demo.plinth');
  await statusIs(/^Exported [\d,]+ keys/);
  t.diagnostic(await status());
  const top = await labels();

  await page.getByLabel('Name of a database').fill('copy');
  await page.getByRole('button', { name: 'Open or create' }).click();
  await page.locator('#explorer-entries', { hasText: 'No keys here.' }).waitFor();
  const file = await download.path();
  await page.getByLabel('Import a file').setInputFiles(file);
  await statusIs(/^Imported [\d,]+ keys/);
  t.diagnostic(await status());
  assert.deepEqual(await labels(), top);
  await openDirectory('things');
  await page.locator('.entries .value', { hasText: 'new words' }).waitFor();

  // What is there is not written over unless one says so.
  await page.getByLabel('Import a file').setInputFiles(file);
  await page.locator('.notice', { hasText: 'restore_destination_not_empty' }).waitFor();
  await page.locator('.notice button').click();
  await page.locator('#explorer-status').evaluate((element) => element.replaceChildren());
  await page.locator('#explorer-into').selectOption('replace');
  await page.getByLabel('Import a file').setInputFiles(file);
  await statusIs(/^Imported [\d,]+ keys/);
  await page.locator('#explorer-delete-database').click();
  await page.getByRole('button', { name: 'Delete it' }).click();
  await page.locator('#explorer-tree', { hasText: 'things' }).waitFor();
});

test('a directory is removed with its keys', async () => {
  const { page } = story;
  await page.getByText('New directory').click();
  await page.getByLabel('Path of the directory').fill('gone');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await statusIs(/^Created the directory gone/);
  await save('["key"]', 'value');
  await page.locator('#explorer-remove').click();
  await page.getByRole('button', { name: 'Remove it' }).click();
  await page.locator('#explorer-tree [aria-current]', { hasText: 'All keys' }).waitFor();
  assert.ok(!(await page.locator('#explorer-tree').textContent()).includes('gone'));
});

test('the explorer looks good', async () => {
  const { page } = story;
  await openDirectory('things');
  await entry('["tuple", 2]').click();
  await page.locator('#explorer-existing:not([hidden])').waitFor();
  await page.getByRole('button', { name: 'Watch it' }).click();
  await page.locator('.watch-value').first().waitFor();
  await story.looksGood('explorer');
});

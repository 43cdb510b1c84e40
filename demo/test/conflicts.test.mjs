/** The conflict lab, by mouse and by keyboard alone. */

import assert from 'node:assert/strict';
import { tell } from './story.mjs';

const story = tell('conflicts');
const { test } = story;

const verdicts = () => story.page.locator('#conflicts-verdict p').allTextContents();
const position = () => story.page.locator('#conflicts-position').textContent();

async function choose(title) {
  await story.page.getByRole('button', { name: title, exact: true }).click();
  await story.page.locator(`.choice[aria-pressed="true"]`, { hasText: title }).waitFor();
}

/** Keys with their values, as they are on the line. */
async function keyLine() {
  const keys = await story.page
    .locator('#conflicts-line .key')
    .evaluateAll((found) => found.map((key) => [...key.children].map((child) => child.textContent)));
  return Object.fromEntries(keys);
}

async function waitForSteps(text) {
  await story.page.waitForFunction(
    (wanted) => document.querySelector('#conflicts-position').textContent === wanted,
    text,
  );
}

/** What each prepared history ends with: A's and B's state, and the keys. */
const ENDS = [
  ['Lost update', ['committed', 'refused'], { counter: '11' }],
  ['Write skew', ['committed', 'refused'], { 'call/ann': '–', 'call/bob': 'on' }],
  ['Phantom', ['refused', 'committed'], { guests: '3', 'seat/4': 'Dan' }],
  ['Snapshot read', ['committed', 'committed'], { guests: '3', 'seat/4': 'Dan' }],
  ['Blind writes', ['committed', 'committed'], { colour: 'blue', size: 'tiny' }],
  ['Atomic add', ['committed', 'committed'], { counter: '12' }],
  ['Only reading', ['committed', 'committed'], { 'balance/ann': '30', 'balance/bob': '70' }],
];

test('every prepared history ends as its explanation says', async () => {
  for (const [title, [a, b], rows] of ENDS) {
    await choose(title);
    for (const [side, state] of [
      ['A', a],
      ['B', b],
    ]) {
      await story.page.locator(`#conflicts-${side} [data-state="${state}"]`).waitFor();
    }
    const line = await keyLine();
    for (const [key, value] of Object.entries(rows)) assert.equal(line[key], value, `${title}: ${key}`);
    assert.equal((await verdicts()).length, 2);
    const conflicts = await story.page.locator('#conflicts-line .bar.is-conflict').count();
    assert.equal(conflicts > 0, [a, b].includes('refused'), `${title}: a conflict is drawn`);
  }
});

test('the conflict is drawn where both meet, and named', async () => {
  await choose('Lost update');
  assert.match((await verdicts())[1], /^B was refused: in counter,/);
  const box = (selector) => story.page.locator(`#conflicts-line ${selector}`).boundingBox();
  const [read, written, key] = await Promise.all([
    box('.bar-reads.side-B.is-conflict'),
    box('.bar-writes.side-A.is-conflict'),
    box('.key'),
  ]);
  for (const bar of [read, written]) {
    assert.ok(Math.abs(bar.x - key.x) < 1 && Math.abs(bar.width - key.width) < 1);
  }
  assert.match(
    await story.page.locator('#conflicts-ranges').textContent(),
    /another transaction has written in counter/,
  );
});

test('a range that was read covers the gap in which the phantom appears', async () => {
  await choose('Phantom');
  const seat = await story.page.locator('.key', { hasText: 'seat/4' }).boundingBox();
  const read = await story.page.locator('.bar-reads.side-A').boundingBox();
  const guests = await story.page.locator('.key', { hasText: 'guests' }).boundingBox();
  assert.ok(read.x < seat.x && read.x + read.width > seat.x + seat.width);
  assert.ok(read.x > guests.x + guests.width);
});

test('a retry runs on the newer state and commits', async () => {
  await choose('Lost update');
  await story.page.getByRole('button', { name: 'Retry B' }).click();
  await story.page.locator('#conflicts-B [data-state="committed"]').waitFor();
  assert.deepEqual(await keyLine(), { counter: '12' });
  assert.match(await story.page.locator('#conflicts-history').textContent(), /attempt 2, on a newer state/);
  await story.picture('conflicts-retried');
});

test('the keyboard alone steps back, and makes another history of it', async () => {
  const { page } = story;
  await choose('Lost update');
  await page.locator('#conflicts-begin').focus();
  await page.keyboard.press('Enter');
  await waitForSteps('0 of 6');
  assert.deepEqual(await keyLine(), { counter: '10' });
  assert.equal((await verdicts()).length, 0);
  await page.keyboard.press('Tab');
  // “Beginning” and “Back” are off at the beginning; what follows is “Step”.
  await page.locator('#conflicts-step').focus();
  for (let step = 1; step <= 2; step += 1) {
    await page.keyboard.press('Enter');
    await waitForSteps(`${step} of 6`);
  }
  assert.match(await page.locator('#conflicts-ranges').textContent(), /reads counter; writes nothing/);
  await page.locator('#conflicts-A input[name="first"]').focus();
  await page.locator('#conflicts-A select').selectOption('addWriteConflictKey');
  await page.keyboard.type('other');
  await page.keyboard.press('Enter');
  await waitForSteps('3 of 3');
  await page.locator('#conflicts-A .commit').focus();
  await page.keyboard.press('Enter');
  await page.locator('#conflicts-A [data-state="committed"]').waitFor();
  assert.equal(await position(), '4 of 4');
});

test('a history of one’s own: a sum over what was read, an error that says what is missing', async () => {
  const { page } = story;
  await choose('Your own');
  const act = async (side, kind, first, second) => {
    await page.locator(`#conflicts-${side} select`).selectOption(kind);
    await page.locator(`#conflicts-${side} input[name="first"]`).fill(first);
    if (second !== undefined) await page.locator(`#conflicts-${side} input[name="second"]`).fill(second);
    const before = Number((await position()).split(' ')[0]);
    await page.locator(`#conflicts-${side} [type="submit"]`).click();
    await waitForSteps(`${before + 1} of ${before + 1}`);
  };
  await act('A', 'set', 'sum', '=a+b');
  assert.match(await page.locator('.outcome').last().textContent(), /a, which has not been read/);
  await page.locator('#conflicts-back').click();
  await waitForSteps('0 of 1');
  await act('A', 'getRange', 'a', 'c');
  await act('A', 'set', 'sum', '=a+b+10');
  await act('B', 'clearRange', 'b', 'd');
  await page.locator('#conflicts-B .commit').click();
  await page.locator('#conflicts-B [data-state="committed"]').waitFor();
  await page.locator('#conflicts-A .commit').click();
  await page.locator('#conflicts-A [data-state="refused"]').waitFor();
  await page.getByRole('button', { name: 'Retry A' }).click();
  await page.locator('#conflicts-A [data-state="committed"]').waitFor();
  assert.match(await page.locator('.outcome.is-bad').last().textContent(), /b, which has not been read/);
});

test('the lab looks good', async () => {
  await story.looksGood('conflicts', ({ isPhone }) => choose(isPhone ? 'Lost update' : 'Phantom'));
});

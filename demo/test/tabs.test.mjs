/** Two tabs: a board and a counter that both change, a tab that stands still and one that is killed. */

import assert from 'node:assert/strict';
import { number, tell } from './story.mjs';

const story = tell('tabs');
const { test } = story;
let second;

/** The texts of the board, column by column, as a tab shows them. */
function board(tab) {
  return tab
    .locator('.cards')
    .evaluateAll((lists) =>
      lists.map((list) => [...list.querySelectorAll('.card-text')].map((card) => card.textContent)),
    );
}

async function boardIs(tab, expected) {
  await tab.waitForFunction(
    (wanted) =>
      JSON.stringify(
        [...document.querySelectorAll('.cards')].map((list) =>
          [...list.querySelectorAll('.card-text')].map((card) => card.textContent),
        ),
      ) === wanted,
    JSON.stringify(expected),
  );
}

const card = (tab, text) => tab.locator('.card').filter({ has: tab.getByText(text, { exact: true }) });

/** The counter and the sum of the shares, once neither changes any more. */
async function counted(tab) {
  const read = () =>
    tab.evaluate(() => [
      document.querySelector('#tabs-total').textContent,
      document.querySelector('#tabs-sum').textContent,
    ]);
  for (let before; ; ) {
    const now = await read();
    if (JSON.stringify(now) === JSON.stringify(before)) return { total: number(now[0]), sum: number(now[1]) };
    before = now;
    await tab.waitForTimeout(500);
  }
}

test('the link opens the page a second time, and each tab sees the other', async () => {
  const { page } = story;
  second = await story.secondTab(() => page.getByRole('link', { name: 'Open this page twice' }).click());
  for (const [tab, other] of [
    [page, second],
    [second, page],
  ]) {
    const name = await other.locator('#tabs-name').textContent();
    await tab.locator('#tabs-here .chip', { hasText: name }).waitFor();
    await tab.bringToFront();
  }
});

test('cards that one tab adds, edits, moves and deletes are there in the other', async () => {
  const { page } = story;
  const [toDo, doing, done] = await board(page);
  await boardIs(second, [toDo, doing, done]);

  await page.getByLabel('New card in Doing').fill('From the first tab');
  await page.keyboard.press('Enter');
  await boardIs(second, [toDo, [...doing, 'From the first tab'], done]);

  await card(second, 'From the first tab').getByRole('button', { name: 'Edit' }).click();
  await second.getByLabel('Text of the card').fill('Edited in the second');
  await second.keyboard.press('Enter');
  await boardIs(page, [toDo, [...doing, 'Edited in the second'], done]);

  await card(page, 'Edited in the second').getByRole('button', { name: 'Delete' }).click();
  await boardIs(second, [toDo, doing, done]);
});

test('a card is dragged between columns, and dropped before another one', async () => {
  const { page } = story;
  await page.bringToFront();
  const [toDo, doing, done] = await board(page);
  const handle = await card(page, toDo[1]).locator('.card-handle').boundingBox();
  const target = await card(page, doing[0]).boundingBox();
  await page.mouse.move(handle.x + 5, handle.y + 5);
  await page.mouse.down();
  await page.mouse.move(target.x + 60, target.y + 20, { steps: 4 });
  await page.mouse.move(target.x + 60, target.y + 4, { steps: 4 });
  await story.picture('tabs-dragging');
  await page.mouse.up();
  const expected = [[toDo[0]], [toDo[1], doing[0]], done];
  await boardIs(page, expected);
  await boardIs(second, expected);
});

test('the keyboard alone moves a card, keeps the focus on it, and says where it is', async () => {
  const { page } = story;
  const [toDo, doing, done] = await board(page);
  const handle = card(page, doing[0]).locator('.card-handle');
  await handle.focus();
  await page.keyboard.press('ArrowRight');
  await boardIs(page, [toDo, [doing[1]], [doing[0], ...done]]);
  await page.keyboard.press('ArrowDown');
  const expected = [toDo, [doing[1]], [...done, doing[0]]];
  await boardIs(page, expected);
  assert.ok(await handle.evaluate((element) => element === document.activeElement));
  assert.match(await page.locator('#tabs-board-status').textContent(), /is in Done, 2 of 2/);
  await boardIs(second, expected);
});

test('there is always room between two cards', async () => {
  const { page } = story;
  for (const text of ['one', 'two', 'three']) {
    await page.getByLabel('New card in To do').fill(text);
    await page.keyboard.press('Enter');
    await card(page, text).waitFor();
  }
  const [toDo, doing, done] = await board(page);
  const first = toDo.slice(0, -2);
  // Each move halves the room after “one”; that of doubles is used up after fifty-two.
  for (let moved = 0; moved < 60; moved += 1) {
    const [upper, lower] = moved % 2 === 0 ? ['three', 'two'] : ['two', 'three'];
    await card(page, upper).locator('.card-handle').focus();
    await page.keyboard.press('ArrowUp');
    await boardIs(page, [[...first, upper, lower], doing, done]);
  }
  await boardIs(second, await board(page));
  for (const text of ['one', 'two', 'three']) {
    await card(page, text).getByRole('button', { name: 'Delete' }).click();
    await card(page, text).waitFor({ state: 'detached' });
  }
});

test('one card moved by two tabs at once ends in one place', async () => {
  const { page } = story;
  const cards = (await board(page)).flat().sort();
  for (let round = 0; round < 4; round += 1) {
    const text = cards[round % cards.length];
    await Promise.all(
      [page, second].map(async (tab, index) => {
        await card(tab, text).locator('.card-handle').focus();
        await tab.keyboard.press(index === 0 ? 'ArrowRight' : 'ArrowLeft');
      }),
    );
  }
  await page.waitForTimeout(500);
  const shown = await board(page);
  assert.deepEqual(shown.flat().sort(), cards);
  await boardIs(second, shown);
});

test('a counter that both tabs count on loses no increment', async (t) => {
  const { page } = story;
  for (const tab of [page, second]) await tab.locator('#tabs-count').click();
  await page.waitForFunction(
    () => Number(document.querySelector('#tabs-total').textContent.replace(',', '')) > 60,
  );
  await second.locator('#tabs-shares tr').nth(1).waitFor();
  await story.picture('tabs-counting');
  const acknowledged = [];
  for (const tab of [page, second]) {
    await tab.locator('#tabs-count').click();
    await tab.locator('#tabs-count[aria-pressed="false"]').waitFor();
    await tab.waitForFunction(() =>
      document.querySelector('#tabs-counted').textContent.includes('acknowledged'),
    );
    const text = await tab.locator('#tabs-counted').textContent();
    acknowledged.push(number(text.split('increments')[0]));
    t.diagnostic(text);
  }
  for (const tab of [page, second]) {
    const { total, sum } = await counted(tab);
    assert.equal(total, acknowledged[0] + acknowledged[1]);
    assert.equal(sum, total);
    assert.match(await tab.locator('#tabs-verdict').textContent(), /no increment is lost/);
  }
  assert.ok(Math.min(...acknowledged) > 5, 'both have counted');
});

test('a tab that stands still holds the other one up for no longer than two seconds', async (t) => {
  const { page } = story;
  await page.locator('#tabs-freeze').click();
  const report = page.locator('#tabs-report');
  await report.filter({ hasText: /This tab stood still/ }).waitFor();
  const text = await report.textContent();
  t.diagnostic(text);
  const [, stoodMs, count, wait, unit] =
    /stood still for ([\d.]+) s\..* committed ([\d,]+) increments;.* was ([\d.]+) (ms|s)\./.exec(text);
  assert.ok(Number(stoodMs) >= 3);
  assert.ok(number(count) > 10, 'the other tab went on');
  assert.ok(Number(wait) * (unit === 's' ? 1000 : 1) < 2500, `it waited ${wait} ${unit}`);
  const { total, sum } = await counted(page);
  assert.equal(sum, total);
});

test('a worker that is killed while it counts loses nothing that was acknowledged, and holds nobody up', async (t) => {
  const { page } = story;
  for (let round = 0; round < 3; round += 1) {
    await page.locator('#tabs-kill').click();
    const report = page.locator('#tabs-report');
    await report.filter({ hasText: /was killed after/ }).waitFor();
    const text = await report.textContent();
    t.diagnostic(text);
    const [, heard, stored] = /after ([\d,]+) acknowledged increments\. Stored: ([\d,]+);/.exec(text);
    assert.ok(number(stored) >= number(heard), text);
    assert.match(text, /nothing that was acknowledged is lost/);
    await page.locator('#tabs-kill:not([disabled])').waitFor();
    await report.evaluate((element) => element.replaceChildren());
  }
  const { total, sum } = await counted(page);
  assert.equal(sum, total);
  await page.locator('#tabs-start').click();
  await page.locator('#tabs-shares', { hasText: 'no window' }).waitFor();
});

test('everything is still there after a reload', async () => {
  const { page } = story;
  const shown = await board(page);
  await page.reload();
  await story.ready(page);
  await boardIs(page, shown);
  const { total, sum } = await counted(page);
  assert.ok(total > 60);
  assert.equal(sum, total);
});

test('zero is zero in every tab', async () => {
  const { page } = story;
  await page.locator('#tabs-zero').click();
  for (const tab of [page, second]) {
    await tab.waitForFunction(() => document.querySelector('#tabs-total').textContent === '0');
  }
});

test('the tabs panel looks good', async () => {
  const { page } = story;
  await page.bringToFront();
  await page.locator('#tabs-kill').click();
  await page.locator('#tabs-report', { hasText: /was killed after/ }).waitFor();
  await counted(page);
  await story.looksGood('tabs');
});

/**
 * A story: the built page in one browser with a profile on disk, used step by step as a person would.
 * Screenshots go to demo/.work.
 */

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test as nodeTest } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';
import { serveBuild } from './site.mjs';

const PICTURES = fileURLToPath(new URL('../.work', import.meta.url));
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const PATIENCE_MS = 60_000;
const DESKTOP = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 844 };

export const number = (text) => Number(text.replaceAll(/[^0-9]/g, ''));

/** Before the first step the page is open, in light, on the panel `panelId`. */
export function tell(panelId) {
  const story = {
    site: undefined,
    browser: undefined,
    page: undefined,
    test,
    ready,
    openPanel,
    picture,
    secondTab,
    looksGood,
  };

  before(async () => {
    await mkdir(PICTURES, { recursive: true });
    story.site = await serveBuild();
    story.browser = await launch();
    story.page = story.browser.context.pages()[0] ?? (await story.browser.context.newPage());
    story.page.setDefaultTimeout(PATIENCE_MS);
    await story.page.goto(`${story.site.url}#${panelId}`);
    await ready(story.page);
  });

  after(async () => {
    await story.browser?.close();
    await story.site?.close();
  });

  /** A step of the story. After one that failed, the rest would only wait for what can't come. */
  let failedStep;
  function test(name, body) {
    nodeTest(name, async (t) => {
      if (failedStep !== undefined) throw new Error(`not run: “${failedStep}” failed before`);
      try {
        await body(t);
        assert.deepEqual(story.browser.complaints, [], 'no page has complained in the console');
      } catch (error) {
        failedStep = name;
        t.diagnostic(`complaints: ${story.browser?.complaints.join('; ') || 'none'}`);
        t.diagnostic(`shown: ${await story.page?.locator('#database-state, .notice').allTextContents()}`);
        await story.page?.screenshot({ path: `${PICTURES}/failed-${panelId}.png`, fullPage: true });
        throw error;
      }
    });
  }

  /** The panel that is shown has started, or the page says why not. */
  async function ready(tab) {
    await tab.waitForFunction(
      () => document.querySelector('.notice') || document.querySelector('.panel:not([hidden]):not([inert])'),
    );
    assert.deepEqual(await tab.locator('.notice').allTextContents(), []);
  }

  async function openPanel(id, tab = story.page) {
    await tab.locator(`nav a[href="#${id}"]`).click();
    await tab.locator(`#panel-${id}:not([hidden]):not([inert])`).waitFor();
  }

  /** The tab that `open` opens, once its page has started. */
  async function secondTab(open) {
    const [second] = await Promise.all([story.browser.context.waitForEvent('page'), open()]);
    second.setDefaultTimeout(PATIENCE_MS);
    await ready(second);
    return second;
  }

  /** Errors are shown on the page and vanish with it: so they are looked for at every picture. */
  async function picture(name, tab = story.page) {
    assert.deepEqual(await tab.locator('.notice').allTextContents(), []);
    await tab.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
  }

  /**
   * In light and dark, on a desktop and a phone: nothing scrolls sideways, axe finds nothing, and there
   * is a picture. `arrange` is called before each.
   */
  async function looksGood(name, arrange = async () => undefined) {
    const { page } = story;
    for (const colorScheme of ['light', 'dark']) {
      for (const [device, size] of [
        ['', DESKTOP],
        ['-phone', PHONE],
      ]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize(size);
        await arrange({ isPhone: device !== '', colorScheme });
        const what = `${name}${device}-${colorScheme}`;
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.equal(overflow, 0, `${what} scrolls sideways`);
        await picture(what);
        assert.deepEqual(await violations(page), [], what);
      }
    }
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize(DESKTOP);
  }

  return story;
}

/** What axe, a checker of accessibility, has against the page as it is. */
async function violations(page) {
  // Colours that are on their way from one to another are not those that it is to judge.
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
  if (!(await page.evaluate(() => 'axe' in window))) await page.addScriptTag({ path: AXE });
  return page.evaluate(async () => {
    const { violations } = await window.axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
    );
  });
}

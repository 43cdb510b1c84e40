/** A tab from which no message of the package reaches another one: as if all were lost. The test's own still do. */
import type { Page } from '../support/driver.ts';
import type { World } from './world.ts';

/** `before` runs in the page before anything else. */
export async function openSilent(world: World, before?: () => void): Promise<Page> {
  const page = await world.browser.newPage();
  if (before) await page.addInitScript(before);
  await page.addInitScript(() => {
    const post = BroadcastChannel.prototype.postMessage;
    BroadcastChannel.prototype.postMessage = function (message) {
      if (!this.name.startsWith('plinth:')) post.call(this, message);
    };
  });
  await page.goto(world.toolsPage);
  return page;
}

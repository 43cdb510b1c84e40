/** A tab from which no message of the package reaches another one: as if all were lost. The test's own still do. */
import type { Page } from '../support/driver.ts';
import type { World } from './world.ts';

export async function openSilent(world: World): Promise<Page> {
  const page = await world.browser.newPage();
  await page.addInitScript(() => {
    const post = BroadcastChannel.prototype.postMessage;
    BroadcastChannel.prototype.postMessage = function (message) {
      if (!this.name.startsWith('plinth:')) post.call(this, message);
    };
  });
  await page.goto(world.toolsPage);
  return page;
}

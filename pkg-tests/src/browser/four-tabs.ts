/**
 * Four tabs at work on one database, and nothing else happens: the bank and the cycle stay whole in every snapshot that any
 * tab reads, no update is lost, and each tab gets its share.
 *
 * PLINTH_SECONDS says for how long.
 */
import { assert } from 'chai';
import type { Page } from '../support/driver.ts';
import { assertWhole, beginWork, type Done, fill, stopWork } from './bank-and-cycle.ts';
import { uniqueName, type World, withTabs } from './world.ts';

const TABS = 4;
/** Of an even share: tabs may differ, none may starve. */
const SHARE_MIN = 0.2;

export function fourTabs(world: World): void {
  describe('four tabs at work', () => {
    const tabs = withTabs(world);

    it(`keep every invariant and share the work, for ${world.seconds} s`, async () => {
      const name = uniqueName();
      const pages = (await tabs.openMany(TABS)) as [Page, ...Page[]];
      await fill(pages[0], name);
      const done: Done[][] = pages.map(() => []);
      const broken: string[] = [];
      for (const [tab, page] of pages.entries()) {
        await beginWork(page, { name, tab, seed: world.seed + tab }, (report) => {
          done[tab]?.push(...report.done);
          broken.push(...report.broken);
        });
      }
      // From here on all of them are at work.
      const begunAt = Date.now();
      await new Promise((resolve) => setTimeout(resolve, 1_000 * world.seconds));
      const endedAt = Date.now();
      await Promise.all(pages.map(stopWork));

      const commits = done.map((ofTab) => ofTab.filter(({ kind }) => kind !== 'audit'));
      const counts = commits.map(
        (ofTab) => ofTab.filter((one) => one.begunAt >= begunAt && one.endedAt <= endedAt).length,
      );
      const audits = done.flat().filter(({ kind }) => kind === 'audit').length;
      const total = counts.reduce((sum, count) => sum + count, 0);
      const shares = counts.map((count) => count / total);
      const waits = commits.flat().map((one) => one.endedAt - one.begunAt);
      console.log(
        `      ${Math.round((1_000 * total) / (endedAt - begunAt))} commits/s, shares ${shares
          .map((share) => share.toFixed(2))
          .join(', ')}; ${audits} audits; the longest commit took ${Math.max(...waits)} ms`,
      );
      const context = `seed ${world.seed}`;
      assert.deepEqual(broken, [], context);
      assert.isAbove(Math.min(...shares), SHARE_MIN / TABS, `${context}: a tab starves`);
      const numbers = new Map(commits.map((ofTab, tab) => [tab, ofTab.map(({ number }) => number)]));
      await assertWhole(pages[0], name, numbers);
    }).timeout(60_000 + 2_000 * world.seconds);
  });
}

/** The package inside workers, as bundlers make them. */
import type { ChromiumWorld } from '../browser/world.ts';
import { bundled } from './esbuild.ts';
import { countsVisits } from './opened-page.ts';
import { fixture, outputFolder, pageOf, withServed } from './project.ts';
import { packed } from './webpack.ts';

export function workers(world: ChromiumWorld): void {
  describe('workers', () => {
    it('has it in a web worker', async () => {
      const folder = outputFolder('worker');
      await packed(fixture('workers', 'page.js'), folder);
      const html = pageOf('/main.js', 'classic');
      await withServed(folder, { html }, (address) => countsVisits(world, address));
    }).timeout(60_000);

    it('has it in a service worker, a classic script of one file', async () => {
      const folder = outputFolder('service-worker');
      await bundled(fixture('workers', 'service-worker.js'), folder, { format: 'iife' });
      await bundled(fixture('workers', 'service-worker-page.js'), folder);
      const html = pageOf('/service-worker-page.js');
      await withServed(folder, { html }, (address) => countsVisits(world, address));
    }).timeout(60_000);
  });
}

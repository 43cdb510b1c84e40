/** Rollup, with nothing but the plugin that finds packages: the engine is inside the module. */
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { assert } from 'chai';
import { rollup as bundle } from 'rollup';
import type { ChromiumWorld } from '../browser/world.ts';
import { countsVisits } from './opened-page.ts';
import { fixture, outputFolder, pageOf, withServed } from './project.ts';

export function rollup(world: ChromiumWorld): void {
  describe('Rollup', () => {
    it('builds it without a warning', async () => {
      const folder = outputFolder('rollup');
      const warnings: string[] = [];
      const made = await bundle({
        input: fixture('rollup', 'main.js'),
        plugins: [nodeResolve({ browser: true })],
        onLog: (_level, { message }) => warnings.push(message),
      });
      await made.write({ dir: folder, format: 'es' });
      await made.close();
      assert.deepEqual(warnings, []);
      await withServed(folder, { html: pageOf('/main.js') }, (address) => countsVisits(world, address));
    }).timeout(60_000);
  });
}

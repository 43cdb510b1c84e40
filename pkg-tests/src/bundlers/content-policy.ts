/** Pages with a strict Content-Security-Policy. */
import type { ChromiumWorld } from '../browser/world.ts';
import { bundled } from './esbuild.ts';
import { countsVisits } from './opened-page.ts';
import { fixture, outputFolder, pageOf, withServed } from './project.ts';

export function contentPolicy(world: ChromiumWorld): void {
  describe('a strict Content-Security-Policy', () => {
    const policies = {
      'main.js': "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'",
      'inline.js': "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'",
    };
    for (const [file, policy] of Object.entries(policies)) {
      it(`${policy} is enough for ${file === 'main.js' ? 'plinthdb' : 'plinthdb/inline'}`, async () => {
        const folder = outputFolder(`policy-${file}`);
        await bundled(fixture('esbuild', file), folder);
        const html = pageOf(`/${file}`);
        const headers = { 'content-security-policy': policy };
        await withServed(folder, { html, headers }, (address) => countsVisits(world, address));
      }).timeout(60_000);
    }
  });
}

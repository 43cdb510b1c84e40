/** esbuild, with the engine as a file beside the bundle and inside of it. */
import { type BuildOptions, build } from 'esbuild';
import type { ChromiumWorld } from '../browser/world.ts';
import { countsVisits } from './opened-page.ts';
import { fixture, outputFolder, pageOf, withServed } from './project.ts';

/** Bundles an entry as a page gets it. */
export async function bundled(entry: string, folder: string, options: BuildOptions = {}): Promise<void> {
  await build({
    entryPoints: [entry],
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    loader: { '.wasm': 'file' },
    logLevel: 'error',
    ...options,
  });
}

export function esbuild(world: ChromiumWorld): void {
  describe('esbuild', () => {
    const claims = {
      'main.js': 'copies the engine’s file with its loader `file`',
      'inline.js': 'has the engine in the bundle with plinthdb/inline',
    };
    for (const [file, claim] of Object.entries(claims)) {
      it(claim, async () => {
        const folder = outputFolder(`esbuild-${file}`);
        await bundled(fixture('esbuild', file), folder);
        await withServed(folder, { html: pageOf(`/${file}`) }, (address) => countsVisits(world, address));
      }).timeout(60_000);
    }
  });
}

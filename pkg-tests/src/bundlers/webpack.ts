/** webpack, without a configuration beyond where things are. */
import { assert } from 'chai';
import compiler from 'webpack';
import type { ChromiumWorld } from '../browser/world.ts';
import { countsVisits } from './opened-page.ts';
import { fixture, outputFolder, pageOf, withServed } from './project.ts';

/** Builds an entry into a folder; any warning is an error. */
export async function packed(
  entry: string,
  folder: string,
  mode: 'production' | 'development' = 'development',
): Promise<void> {
  const stats = await new Promise<compiler.Stats | undefined>((resolve, reject) => {
    const output = { path: folder, filename: 'main.js' };
    const settings = { mode, devtool: false, entry, output } as const;
    const running = compiler({ ...settings, performance: false }, (error, result) => {
      running?.close(() => (error ? reject(error) : resolve(result)));
    });
  });
  const { errors = [], warnings = [] } = stats?.toJson({ all: false, errors: true, warnings: true }) ?? {};
  assert.deepEqual(
    [...errors, ...warnings].map(({ message }) => message),
    [],
  );
}

export function webpack(world: ChromiumWorld): void {
  describe('webpack', () => {
    for (const file of ['main.js', 'main.cjs']) {
      it(`builds a project that ${file === 'main.js' ? 'imports' : 'requires'} it`, async () => {
        const folder = outputFolder(`webpack-${file}`);
        await packed(fixture('webpack', file), folder, file === 'main.js' ? 'production' : 'development');
        const html = pageOf('/main.js', 'classic');
        await withServed(folder, { html }, (address) => countsVisits(world, address));
      }).timeout(60_000);
    }
  });
}

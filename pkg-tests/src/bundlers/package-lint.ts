/** What tools for authors of packages find in this one: nothing. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { assert } from 'chai';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { packageManifest, paths } from '../support/paths.ts';

export function packageLint(): void {
  describe('the package, as its readers see it', () => {
    it('has nothing that publint finds', async () => {
      const { messages } = await publint({ pkgDir: paths.package, pack: false, strict: true });
      const manifest = packageManifest() as never;
      assert.deepEqual(
        messages.map((message) => formatMessage(message, manifest, { color: false })),
        [],
      );
    });

    it('has types that are right for import, require and bundlers', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'plinth-types-'));
      try {
        const tarball = join(folder, 'plinthdb.tgz');
        // In the form that the tool reads, which is that of npm.
        await promisify(execFile)('tar', [
          '-czf',
          tarball,
          '--transform',
          's,^\\.,package,',
          '-C',
          paths.package,
          '.',
        ]);
        const tool = createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json');
        const options = [
          '--profile',
          'node16',
          '--exclude-entrypoints',
          './plinthdb.wasm',
          '--format',
          'json',
        ];
        const { stdout } = await promisify(execFile)(
          process.execPath,
          [join(dirname(tool), 'dist', 'index.js'), tarball, ...options],
          { maxBuffer: 64 << 20 },
        ).catch((error: { stdout: string }) => error);
        const { problems, analysis } = JSON.parse(stdout);
        const found = Object.values(problems ?? {}).flat() as { resolutionKind?: string }[];
        // A resolver that knows no `exports`, as Node has had them since version 12, finds the main entry only.
        assert.deepEqual(
          found.filter(({ resolutionKind }) => resolutionKind !== 'node10'),
          [],
        );
        assert.isAbove(Object.keys(analysis.entrypoints).length, 4);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }).timeout(60_000);
  });
}

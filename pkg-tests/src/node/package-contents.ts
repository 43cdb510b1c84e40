/** What is in the package, and what is not. */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { assert } from 'chai';
import { build } from 'esbuild';
import { packageEntry, packageManifest, paths } from '../support/paths.ts';

/** What a page loads of the package may have so many bytes after gzip: the engine, and the bundled JavaScript. */
const GZIP_BYTES_MAX = { wasm: 300_000, javascript: 30_000 };

export function packageContents(): void {
  describe('the packed package', () => {
    const files = readdirSync(paths.package, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));

    it('is unpacked, not the workspace link', () => {
      assert.isFalse(lstatSync(paths.package).isSymbolicLink());
      assert.isFalse(
        existsSync(join(paths.package, 'src', 'index.ts')) &&
          existsSync(join(paths.package, 'tsconfig.json')),
      );
    });

    it('needs nothing at run time', () => {
      assert.deepEqual(packageManifest().dependencies ?? {}, {});
    });

    it('holds exactly one wasm file', () => {
      assert.lengthOf(
        files.filter((file) => extname(file) === '.wasm'),
        1,
      );
    });

    it('stays within its budget after gzip, as a bundler makes it', async () => {
      const bundle = await build({
        entryPoints: [join(paths.package, packageEntry())],
        bundle: true,
        minify: true,
        format: 'esm',
        write: false,
        logLevel: 'silent',
      });
      const gzipped = (bytes: Uint8Array) => gzipSync(bytes, { level: 9 }).length;
      const wasm = files.filter((file) => extname(file) === '.wasm').map((file) => readFileSync(file));
      assert.isAtMost(gzipped(Buffer.concat(wasm)), GZIP_BYTES_MAX.wasm);
      assert.isAtMost(
        gzipped(Buffer.concat(bundle.outputFiles.map(({ contents }) => contents))),
        GZIP_BYTES_MAX.javascript,
      );
    });

    it('has its entry, and types beside it', () => {
      const entry = join(paths.package, packageEntry());
      assert.isTrue(existsSync(entry));
      assert.isTrue(existsSync(entry.replace(/\.js$/, '.d.ts')));
    });

    it('has a readme and a license', () => {
      const names = readdirSync(paths.package).join(' ');
      assert.match(names, /README/i);
      assert.match(names, /LICENSE/i);
    });

    it('names no machine and no folder of the one it was built on', () => {
      const suspects = files.filter((file) =>
        ['.js', '.ts', '.json', '.map', '.wasm', '.md'].includes(extname(file)),
      );
      const home = homedir();
      const leaking = suspects.filter((file) => {
        const content = readFileSync(file, 'latin1');
        return [paths.repository, `${home}/.cargo`, `${home}/.rustup`].some((path) => content.includes(path));
      });
      assert.deepEqual(leaking, []);
    });
  });
}

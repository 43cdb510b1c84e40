/** What is in the package, and what is not. */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { assert } from 'chai';
import { packageEntry, packageManifest, paths, type Target } from '../support/paths.ts';

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

    it('has its entry, and types beside it', () => {
      const entry = join(paths.package, packageEntry());
      assert.isTrue(existsSync(entry));
      assert.isTrue(existsSync(entry.replace(/\.js$/, '.d.ts')));
    });

    it('has the modules and types that it exports', () => {
      const filesOf = (target: string | Target): string[] =>
        typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf);
      const targets = Object.values(packageManifest().exports).flatMap(filesOf);
      assert.include(targets, './dist/recipes/index.js');
      assert.deepEqual(
        targets.filter((target) => !existsSync(join(paths.package, target))),
        [],
      );
    });

    it('has recipes that use what everybody can use, and nothing else', () => {
      const folder = join(paths.package, 'src', 'recipes');
      const sources = files.filter((file) => dirname(file) === folder && extname(file) === '.ts');
      assert.isAbove(sources.length, 10);
      const imported = sources.flatMap((file) => importsOf(file));
      assert.deepEqual(
        imported.filter((name) => !/^(\.\.\/exports|\.\/[a-z-]+)\.js$/.test(name)),
        [],
      );
    });

    it('loads no recipe with its entry', () => {
      const entry = join(paths.package, packageEntry());
      const loaded = new Set([entry]);
      for (const file of loaded) {
        for (const name of importsOf(file)) loaded.add(join(dirname(file), name));
      }
      assert.isAbove(loaded.size, 20);
      assert.deepEqual(
        [...loaded].filter((file) => dirname(file) === join(paths.package, 'dist', 'recipes')),
        [],
      );
    });

    it('has a readme and a license', () => {
      const names = readdirSync(paths.package).join(' ');
      assert.match(names, /README/i);
      assert.match(names, /LICENSE/i);
    });

    it('has what its documents link to', () => {
      const documents = files.filter((file) => extname(file) === '.md');
      const targets = documents.flatMap((file) =>
        [...readFileSync(file, 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, target = '']) =>
          join(dirname(file), target),
        ),
      );
      assert.include(targets, join(paths.package, 'guide', 'transactions.md'));
      assert.deepEqual(
        targets.filter((target) => !existsSync(target)),
        [],
      );
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

/** What a module imports or exports again. */
function importsOf(file: string): string[] {
  const source = readFileSync(file, 'utf8');
  return [
    ...source.matchAll(/^(?:import|export|\}) [^;'"]*?from '([^']+)';$/gm),
    ...source.matchAll(/^import '([^']+)';$/gm),
  ].map(([, name]) => name ?? '');
}

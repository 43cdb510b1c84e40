/** The examples in the package's documentation compile as they stand there. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { assert } from 'chai';
import * as plinthdb from 'plinthdb';
import { paths } from '../support/paths.ts';
import { compilerSays } from './types-of-a-page.ts';

interface Example {
  readonly file: string;
  readonly code: string;
}

/** The fenced blocks of TypeScript in the documentation comments of a source. */
function examplesIn(file: string, source: string): Example[] {
  return [...source.matchAll(/^ *\* ```ts\n((?: *\*.*\n)*?) *\* ```$/gm)].map(([, block = '']) => ({
    file,
    code: block.replaceAll(/^ *\* ?/gm, ''),
  }));
}

/** A module in which the example is the body of a function, with what every reader has at hand. */
function asModule({ file, code }: Example): string {
  const imports = Object.keys(plinthdb).filter((name) => new RegExp(`\\b${name}\\b`).test(code));
  const types = ['Transformer', 'TupleItem'].filter((name) => new RegExp(`\\b${name}\\b`).test(code));
  return [
    `// ${file}`,
    `import { ${[...imports, 'type Database', 'type Transaction'].join(', ')} } from 'plinthdb';`,
    ...types.map((name) => `import type { ${name} } from 'plinthdb';`),
    ...(/\bfdb\b/.test(code) ? ["import * as fdb from 'plinthdb/foundationdb';"] : []),
    'export async function example(db: Database, tn: Transaction): Promise<unknown> {',
    // An example may have a database of its own.
    '{',
    code,
    '}',
    'return [db, tn];',
    '}',
  ].join('\n');
}

export function examples(): void {
  describe('the examples in the documentation', () => {
    it('compile', async () => {
      const folder = join(paths.package, 'src');
      // The recipes' examples are about types of the reader's own.
      const isRecipe = (name: string) => name.startsWith('recipes');
      const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
        (name) => name.endsWith('.ts') && !isRecipe(name),
      );
      const found = sources.flatMap((name) => examplesIn(name, readFileSync(join(folder, name), 'utf8')));
      assert.isAbove(found.length, 100, 'the sources have examples');

      const target = join(paths.work, 'examples');
      rmSync(target, { recursive: true, force: true });
      mkdirSync(target, { recursive: true });
      for (const [index, example] of found.entries()) {
        const name = `${index}-${basename(example.file)}`;
        writeFileSync(join(target, name), asModule(example));
      }
      const configuration = {
        extends: '../../tsconfig.json',
        compilerOptions: { noUnusedLocals: false, noUnusedParameters: false, noImplicitReturns: false },
        files: found.map(({ file }, index) => `${index}-${basename(file)}`),
        include: [],
      };
      writeFileSync(join(target, 'tsconfig.json'), JSON.stringify(configuration));
      assert.equal(await compilerSays(target), '');
    }).timeout(60_000);

    it('are found where they are', () => {
      const source = '/**\n * Text.\n *\n * @example\n * ```ts\n * one();\n *\n * two();\n * ```\n */\n';
      assert.deepEqual(examplesIn('x.ts', source), [{ file: 'x.ts', code: 'one();\n\ntwo();\n' }]);
    });
  });
}

/** The examples in the package's documentation: they compile, they run, and no public method is without one. */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { assert } from 'chai';
import { build } from 'esbuild';
import * as plinthdb from 'plinthdb';
import * as recipes from 'plinthdb/recipes';
import { paths } from '../support/paths.ts';
import { type PublicMethod, publicMethods, withoutExample } from './public-methods.ts';
import { compilerSays } from './types-of-a-page.ts';

interface Example {
  readonly file: string;
  /** Whether it has elements of React. */
  readonly isReact: boolean;
  readonly code: string;
}

/** The fenced blocks of TypeScript in the documentation comments of a source. */
function examplesIn(file: string, source: string): Example[] {
  return [...source.matchAll(/^ *\* ```(tsx?)\n((?: *\*.*\n)*?) *\* ```$/gm)].map(
    ([, language, block = '']) => ({
      file,
      isReact: language === 'tsx',
      code: block.replaceAll(/^ *\* ?/gm, ''),
    }),
  );
}

/** Every example in the sources of the package. */
function allExamples(): Example[] {
  const folder = join(paths.package, 'src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => examplesIn(name, readFileSync(join(folder, name), 'utf8')));
}

/** What the examples of recipes have at hand: one of each, and types of the reader's own. */
const RECIPES = `
interface User { city: string; tags: string[] }
interface Post { title: string }
interface Todo { text: string }
const photos = new Blobs<string>(new Subspace('photos'));
const likes = new Counter(new Subspace('likes'));
const settings = new Documents<string>(new Subspace('settings'));
const follows = new Graph<string, string>(new Subspace('follows'), encoders.string);
const users = new IndexedMap(new Subspace('users'), encoders.json as Encoding<User>, {
  byCity: (user: User) => [user.city],
  byTag: (user: User) => user.tags,
});
const tags = new MultiMap<string, string>(new Subspace('tags'));
const outbox = new Outbox<{ order: number }>(new Subspace('outbox'), encoders.json);
const tasks = new PriorityQueue<number, string>(new Subspace('tasks'), encoders.string);
const news = new PubSub<string, string, Post>(new Subspace('news'), encoders.json);
const letters = new Queue(new Subspace('letters'), encoders.string);
const places = new Spatial<string>(new Subspace('places'));
const prices = new Table<string, string, number>(new Subspace('prices'), encoders.int32BE);
const scores = new Vector(new Subspace('scores'), encoders.int32BE, 0);
`;

/** A module in which the example is the body of a function, with what every reader has at hand. */
function asModule({ file, code, isReact }: Example): string {
  const isRecipe = file.startsWith('recipes');
  const prelude = isRecipe ? RECIPES : '';
  const used = (names: string[]) =>
    names.filter((name) => new RegExp(`\\b${name}\\b`).test(prelude + code)).join(', ');
  const ofRecipes = isRecipe ? [...Object.keys(recipes), 'type Encoding', 'type Box'] : [];
  return [
    `// ${file}`,
    `import { ${used(Object.keys(plinthdb))} } from 'plinthdb';`,
    `import type { ${used(['Transformer', 'TupleItem'])} } from 'plinthdb';`,
    "import type { Database, Transaction } from 'plinthdb';",
    ...(isRecipe ? [`import { ${ofRecipes.join(', ')} } from 'plinthdb/recipes';`] : []),
    ...(isReact ? ["import { useRange, useValue } from 'plinthdb/react';"] : []),
    ...(/\bfdb\b/.test(code) ? ["import * as fdb from 'plinthdb/foundationdb';"] : []),
    'export async function example(db: Database, tn: Transaction): Promise<unknown> {',
    prelude,
    // An example may have a database of its own.
    '{',
    code,
    '}',
    'return [db, tn];',
    '}',
  ].join('\n');
}

/** Writes the examples as modules, and answers their names. */
function writeModules(found: readonly Example[], target: string): string[] {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  return found.map((example, index) => {
    const extension = example.isReact ? '.tsx' : '.ts';
    const name = `${index}-${basename(example.file, '.ts')}${extension}`;
    writeFileSync(join(target, name), asModule(example));
    return name;
  });
}

/** What Node has not: examples for pages are compiled only. */
const FOR_PAGES = /\b(alert|fetch|deleteDatabase|init|persist)\(|\bopen\('|fdb\.|<p>|<ul>/;

/** What an example may wait for without an end: nobody changes what it watches. */
const WAITS = /\bawait (watch|[^\n]*\.promise)|for await .*subscribe|signal|consume|drain/;

/** Runs each example in a database of its own, one after another, and prints a line for each that goes wrong. */
const RUNNER = `
import { directory, open } from 'plinthdb';
console.log = () => undefined;
console.table = () => undefined;
let ran = 0;
for (const [name, { example, mayWait, directories }] of Object.entries(examples)) {
  const db = await open('memory:' + name);
  for (const path of directories) await directory.create(db, path);
  const tn = db.rawCreateTransaction();
  const late = Symbol('late');
  const outcome = await Promise.race([
    example(db, tn).then(() => undefined, (error) => error),
    new Promise((resolve) => setTimeout(resolve, mayWait ? 100 : 5000, late)),
  ]);
  ran++;
  if (outcome === late ? !mayWait : outcome !== undefined) console.error(name, outcome);
}
process.stdout.write(String(ran));
process.exit();
`;

export function examples(): void {
  describe('the examples in the documentation', () => {
    it('compile', async () => {
      const found = allExamples();
      assert.isAbove(found.length, 250, 'the sources have examples');
      const target = join(paths.work, 'examples');
      const files = writeModules(found, target);
      const configuration = {
        extends: '../../tsconfig.json',
        compilerOptions: {
          jsx: 'react-jsx',
          noUnusedLocals: false,
          noUnusedParameters: false,
          noImplicitReturns: false,
        },
        files,
        include: [],
      };
      writeFileSync(join(target, 'tsconfig.json'), JSON.stringify(configuration));
      assert.equal(await compilerSays(target), '');
    }).timeout(60_000);

    it('run, but for those that need a page', async () => {
      const found = allExamples().filter(({ code }) => !FOR_PAGES.test(code));
      const target = join(paths.work, 'examples-run');
      const files = writeModules(found, target);
      const imports = files.map((file, index) => `import { example as example${index} } from './${file}';`);
      const entries = files.map((file, index) => {
        const code = found[index]?.code ?? '';
        // Whoever opens, moves or removes a directory has one.
        const hasDirectories = /directory\.(open|move|remove|list|exists)/.test(code);
        const others = code.includes('.moveTo(') ? "['app']" : "['app', 'users']";
        const directories = hasDirectories ? `[['users'], ${others}]` : '[]';
        return `'${file}': { example: example${index}, mayWait: ${WAITS.test(code)}, directories: ${directories} },`;
      });
      const main = [...imports, 'const examples = {', ...entries, '};', RUNNER].join('\n');
      const outfile = join(target, 'run.mjs');
      await build({
        stdin: { contents: main, resolveDir: target },
        outfile,
        bundle: true,
        platform: 'node',
        format: 'esm',
        target: 'node20',
        packages: 'external',
        logLevel: 'error',
      });
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [outfile], { timeout: 90_000 });
      assert.equal(stderr, '');
      assert.isAbove(Number(stdout), 200);
    }).timeout(100_000);

    it('leave out no public method', () => {
      const entries = ['index', 'node', 'inline', 'foundationdb/index', 'recipes/index', 'react/index'];
      const methods = publicMethods(entries.map((entry) => join(paths.package, 'dist', `${entry}.d.ts`)));
      assert.isAbove(methods.length, 250);
      assert.deepEqual(withoutExample(methods), []);
    });

    it('would be missed', () => {
      const method = (comment: string): PublicMethod => ({
        name: 'a.d.ts: A.get',
        comment,
        isInherited: false,
      });
      assert.deepEqual(withoutExample([method('/** Gets. */')]), ['a.d.ts: A.get']);
      assert.deepEqual(withoutExample([method('/** Gets. @example set() */')]), ['a.d.ts: A.get']);
      assert.deepEqual(withoutExample([method('/** Gets. @example a.get() */')]), []);
    });

    it('are found where they are', () => {
      const source = '/**\n * Text.\n *\n * @example\n * ```ts\n * one();\n *\n * two();\n * ```\n */\n';
      assert.deepEqual(examplesIn('x.ts', source), [
        { file: 'x.ts', isReact: false, code: 'one();\n\ntwo();\n' },
      ]);
    });
  });
}

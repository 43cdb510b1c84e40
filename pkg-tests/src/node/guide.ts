/** The guide tells the truth: its examples run and log what their comments say, its codes and links are right. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { assert } from 'chai';
import { errorCodes } from 'plinthdb';
import { expectedLog } from '../browser/readme-example.ts';
import { paths } from '../support/paths.ts';
import { runModule } from './child.ts';

const folder = join(paths.repository, 'www', 'guide');

interface Example {
  line: number;
  text: string;
}

/** The fenced blocks of JavaScript, with the lines at which they begin. */
export function examples(markdown: string): Example[] {
  return [...markdown.matchAll(/^```js\n(.*?)^```\s*$/gms)].map(({ 1: text = '', index }) => ({
    line: markdown.slice(0, index).split('\n').length,
    text,
  }));
}

export function guide(): void {
  describe('the guide', () => {
    for (const file of readdirSync(folder)) {
      const path = join(folder, file);
      const markdown = readFileSync(path, 'utf8');
      for (const { line, text } of examples(markdown)) {
        it(`${file}:${line} runs and logs what its comments say`, async () => {
          const { stdout, stderr } = await runModule(text);
          assert.equal(stderr, '');
          const expected = expectedLog(text);
          if (expected.length > 0) assert.deepEqual(stdout.trim().split('\n'), expected);
        });
      }

      it(`${file} refers to what exists`, () => {
        for (const [, target = ''] of markdown.matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
          if (!target.includes('://')) assert.isTrue(existsSync(join(dirname(path), target)), target);
        }
      });
    }

    it('names codes by their names', () => {
      const rows = [...readFileSync(join(folder, 'errors.md'), 'utf8').matchAll(/^\| (\d+) \| `(\w+)`/gm)];
      assert.isAbove(rows.length, 20);
      const named: Record<string, number | undefined> = errorCodes;
      for (const [, code, name = ''] of rows) assert.equal(named[name], Number(code), name);
    });
  });

  describe('what the test of the guide reads', () => {
    it('is each block of JavaScript with its line, and no other block', () => {
      const markdown = ['# Title', '```ts', 'no()', '```', '', '```js', 'one();', '```', '```js', '```'].join(
        '\n',
      );
      assert.deepEqual(examples(markdown), [
        { line: 6, text: 'one();\n' },
        { line: 9, text: '' },
      ]);
    });
  });
}

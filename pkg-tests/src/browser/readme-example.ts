/** The example in README.md runs as it stands there, and logs what its comments say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from 'chai';
import { openPage } from '../support/driver.ts';
import { packageEntry, paths } from '../support/paths.ts';
import { type World, withTabs } from './world.ts';

/** The first fenced block of JavaScript. */
export function firstExample(markdown: string): string {
  const block = /^```(?:js|javascript|mjs)[^\n]*\n(.*?)^```\s*$/ms.exec(markdown);
  assert.isNotNull(block, 'README.md has no ```js block');
  return block?.[1] ?? '';
}

/** What the comments of the form `// -> text` say is logged, in order. */
export function expectedLog(example: string): string[] {
  return [...example.matchAll(/\/\/ -> (.*)$/gm)].map(([, text]) => (text ?? '').trim());
}

export function readmeExample(world: World): void {
  describe('the example in README.md', () => {
    withTabs(world);

    it('logs what its comments say', async () => {
      const example = firstExample(readFileSync(join(paths.repository, 'README.md'), 'utf8'));
      const expected = expectedLog(example);
      assert.isNotEmpty(expected, 'the example claims nothing: it has no `// -> …` comment');
      world.server.serveText('/readme-example.js', example);
      const address = world.server.serveText(
        '/readme-example.html',
        `<!doctype html><title>README example</title>
        <script type="importmap">{ "imports": { "plinthdb": "/plinthdb/${packageEntry()}" } }</script>`,
      );
      const page = await openPage(world.browser, address);
      const logged: string[] = [];
      const complete = new Promise<void>((resolve) => {
        page.onLog((text) => {
          logged.push(text);
          if (logged.length === expected.length) resolve();
        });
      });
      // Resolves when the module, with all it awaits at its top, is done; a callback may log later.
      await page.evaluate((address) => import(address).then(() => undefined), '/readme-example.js');
      await Promise.race([complete, new Promise((resolve) => setTimeout(resolve, 5_000))]);
      assert.deepEqual(logged, expected);
    });

    it('is 25 lines or less', () => {
      const example = firstExample(readFileSync(join(paths.repository, 'README.md'), 'utf8'));
      const lines = example.split('\n').filter((line) => line.trim() !== '');
      assert.isAtMost(lines.length, 25);
    });
  });

  describe('what the test of the example reads', () => {
    it('is the first block of JavaScript and its claims, nothing else', () => {
      const markdown = [
        '# Title',
        '```sh',
        'npm install',
        '```',
        '```js',
        "console.log('a', 1); // -> a 1",
        '// a remark',
        'console.log(2);',
        '// -> 2',
        '```',
        '```js',
        'later(); // -> never',
        '```',
      ].join('\n');
      assert.deepEqual(expectedLog(firstExample(markdown)), ['a 1', '2']);
    });
  });
}

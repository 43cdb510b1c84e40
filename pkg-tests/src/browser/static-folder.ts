/** The package works as a static folder: plain modules and an import map, no bundler. */
import { assert } from 'chai';
import { packageEntry } from '../support/paths.ts';
import { uniqueName, type World, withTabs } from './world.ts';

export function staticFolder(world: World): void {
  describe('a static folder', () => {
    const tabs = withTabs(world);

    async function logOf(path: string, html: string): Promise<string> {
      const page = await world.browser.newPage();
      const logged = new Promise<string>((resolve) => page.onLog(resolve));
      await page.goto(world.server.serveText(path, html));
      return logged;
    }

    it('is imported by name with an import map', async () => {
      const text = await logOf(
        '/static-import-map.html',
        `<!doctype html><title>import map</title>
        <script type="importmap">{ "imports": { "plinthdb": "/plinthdb/${packageEntry()}" } }</script>
        <script type="module">
          import { open } from 'plinthdb';
          const db = await open('${uniqueName()}');
          await db.set('hello', 'world');
          console.log(new TextDecoder().decode(await db.get('hello')));
        </script>`,
      );
      assert.equal(text, 'world');
    });

    it('is imported by its address, with no import map at all', async () => {
      const text = await logOf(
        '/static-address.html',
        `<!doctype html><title>address</title>
        <script type="module">
          import { open } from '/plinthdb/${packageEntry()}';
          const db = await open('memory:static');
          await db.set('hello', 'memory');
          console.log(new TextDecoder().decode(await db.get('hello')));
        </script>`,
      );
      assert.equal(text, 'memory');
    });

    it('fetches the wasm once, from its own folder, however often it opens', async () => {
      const page = await tabs.open();
      const { requested } = world.server;
      requested.length = 0;
      await page.evaluate(
        async (names) => {
          await Promise.all(names.map((name) => plinth.open(name)));
        },
        [uniqueName(), uniqueName(), 'memory:once'],
      );
      const wasm = requested.filter((path) => path.endsWith('.wasm'));
      assert.lengthOf(wasm, 1);
      assert.match(wasm[0] ?? '', /^\/plinthdb\//);
    });
  });
}

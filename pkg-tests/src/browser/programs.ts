/** Programs for the npm package `foundationdb` run in a page, with nothing but the import changed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from 'chai';
import { packageEntry, paths } from '../support/paths.ts';
import { bundled, programs } from '../support/programs.ts';
import { type World, withTabs } from './world.ts';

export function programsInPages(world: World): void {
  describe('programs for the npm package foundationdb, in a page', () => {
    withTabs(world);

    // There is no `require` in a page, unless a bundler puts the package in; that is Node's part.
    for (const program of programs().filter(({ isCommonJs }) => !isCommonJs)) {
      it(`${program.name}${program.usesBuffer ? '' : ', without a Buffer'}`, async () => {
        const inject = program.usesBuffer ? [join(paths.tests, 'src', 'support', 'global-buffer.ts')] : [];
        const file = await bundled(program, { platform: 'browser', target: 'es2023', inject });
        world.server.serveText(`/program-${program.name}.js`, readFileSync(file, 'utf8'));
        const entry = packageEntry('./foundationdb');
        const address = world.server.serveText(
          `/program-${program.name}.html`,
          `<!doctype html><title>${program.name}</title>
          <script type="importmap">{ "imports": { "plinthdb/foundationdb": "/plinthdb/${entry}" } }</script>`,
        );
        const page = await world.browser.openPage(address);
        // All programs have one cluster file, and the pages of one origin one storage.
        await page.evaluate(
          () =>
            new Promise((resolve, reject) => {
              const request = indexedDB.deleteDatabase('plinth:fdb.cluster');
              request.onsuccess = resolve;
              request.onerror = () => reject(request.error);
            }),
        );
        const printed: string[] = [];
        const complete = new Promise<void>((resolve) => {
          page.on('console', (message) => {
            printed.push(message.text().trimEnd());
            if (printed.length >= program.prints.length) resolve();
          });
        });
        await page.evaluate((source) => import(source).then(() => undefined), `/program-${program.name}.js`);
        await Promise.race([complete, page.waitForTimeout(15_000)]);
        assert.deepEqual(printed, program.prints);
      }).timeout(40_000);
    }
  });
}

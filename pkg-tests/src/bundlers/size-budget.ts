/**
 * How much a page loads for the package. The goal is 150 kB, and the budget is what has been reached, and a little more:
 * it goes down when the engine gets smaller, and nobody makes the package larger without noticing.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { assert } from 'chai';
import { paths } from '../support/paths.ts';
import { bundled } from './esbuild.ts';
import { outputFolder } from './project.ts';

/** Bytes of the package, minified and compressed: everything but recipes and React. */
const BUDGET_BYTES = 410_000;

export function sizeBudget(): void {
  describe('the size of the package', () => {
    it(`is at most ${BUDGET_BYTES / 1000} kB with gzip, the engine, directories and foundationdb included`, async () => {
      const folder = outputFolder('size');
      const contents = ['plinthdb', 'plinthdb/foundationdb'].map((name, index) => {
        return `import * as entry${index} from '${name}'; globalThis.used${index} = entry${index};`;
      });
      const stdin = { contents: contents.join('\n'), resolveDir: paths.tests };
      await bundled('', folder, { entryPoints: [], stdin });
      const wasm = join(paths.package, 'generated', 'plinth_wasm_bg.wasm');
      const files = [...readdirSync(folder).map((file) => join(folder, file)), wasm];
      const sizes = files.map((file) => gzipSync(readFileSync(file), { level: 9 }).length);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      console.log(`      ${sizes.map((size) => `${(size / 1000).toFixed(1)} kB`).join(' + ')}`);
      assert.isAtMost(total, BUDGET_BYTES);
      // A budget far above what is used guards nothing.
      assert.isAbove(total, 0.9 * BUDGET_BYTES, 'the package has become smaller: lower the budget');
    });
  });
}

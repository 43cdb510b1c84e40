/** In Node, `import` and `require` of the package are one package. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { assert } from 'chai';
import { packageManifest, paths } from '../support/paths.ts';
import { runModule } from './child.ts';

export function importsAndRequires(): void {
  describe('import and require in Node', () => {
    const { name, exports } = packageManifest();
    const entries = Object.entries(exports)
      .filter(([, target]) => typeof target !== 'string')
      .map(([subpath]) => subpath.replace('.', name));

    it('a CommonJS program has a database at once', async () => {
      const program = `
        const { open, FDBError } = require('plinthdb');
        open('memory:commonjs').then(async (db) => {
          await db.set('hello', 'world');
          console.log(new TextDecoder().decode(await db.get('hello')), FDBError.name);
        });`;
      const { stdout, stderr } = await promisify(execFile)(
        process.execPath,
        ['--input-type=commonjs', '--eval', program],
        { cwd: paths.tests, env: { ...process.env, NODE_OPTIONS: '' } },
      );
      assert.equal(stdout.trim(), 'world FDBError');
      assert.equal(stderr, '');
    });

    for (const entry of entries) {
      it(`${entry} is the same however it comes`, async () => {
        const { stdout } = await runModule(`
          import { createRequire } from 'node:module';
          import * as imported from '${entry}';
          const required = createRequire(process.cwd() + '/index.js')('${entry}');
          const names = Object.keys(required).filter((name) => name !== '__esModule');
          const others = names.filter((name) => imported[name] !== required[name]);
          console.log(names.length > 0, others.join());
        `);
        assert.equal(stdout.trim(), 'true');
      });
    }

    it('a database in memory is shared by both', async () => {
      const { stdout } = await runModule(`
        import { createRequire } from 'node:module';
        import { open } from 'plinthdb';
        const required = createRequire(process.cwd() + '/index.js')('plinthdb');
        const [one, other] = [await open('memory:both'), await required.open('memory:both')];
        await one.set('hello', 'world');
        console.log(new TextDecoder().decode(await other.get('hello')));
      `);
      assert.equal(stdout.trim(), 'world');
    });
  });
}

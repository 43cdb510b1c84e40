/** The entry for programs of the npm package `foundationdb`, where a process of its own is needed. */
import { assert } from 'chai';
import { runModule } from './child.ts';

export function foundationdbInNode(): void {
  describe('the entry for programs of the npm package foundationdb, in Node', () => {
    it('wants an API version before anything is opened, and options of the network before that', async () => {
      const { stdout } = await runModule(`
        import * as fdb from 'plinthdb/foundationdb';
        try { fdb.open(); } catch (error) { console.log(error.name, error.message); }
        fdb.configNetwork({ trace_enable: 'x', no_such_option: 1 });
        fdb.setAPIVersionUnchecked(800);
        fdb.open();
      `);
      assert.match(stdout, /^Error You must specify an API version/);
    });

    it('opens by require, where Node can require modules', async () => {
      const { stdout } = await runModule(`
        import { createRequire } from 'node:module';
        const require = createRequire(process.cwd() + '/x.cjs');
        if (!process.features.require_module) console.log('v');
        else {
          const fdb = require('plinthdb/foundationdb');
          fdb.setAPIVersion(720);
          const db = fdb.open();
          await db.set('k', 'v');
          console.log((await db.get('k')).toString());
        }
      `);
      assert.equal(stdout.trim(), 'v');
    });

    it('takes the templates of versionstamps that versions below 520 had', async () => {
      const { stdout } = await runModule(`
        import * as fdb from 'plinthdb/foundationdb';
        fdb.setAPIVersion(510);
        const db = fdb.open();
        const key = (prefix) => Buffer.concat([Buffer.from(prefix), Buffer.alloc(10), Buffer.from([prefix.length, 0])]);
        await db.doTn(async (tn) => {
          tn.setVersionstampedKeyRaw(key('a/'), 'v');
          tn.atomicOpNative(fdb.MutationType.SetVersionstampedKey, key('b/'), 'v');
          tn.setVersionstampedValueRaw('c', Buffer.alloc(12));
          tn.atomicOpNative(fdb.MutationType.SetVersionstampedValue, 'd', Buffer.alloc(12));
          tn.setVersionstampSuffixedKey('e/', 'v');
          tn.setVersionstampPrefixedValue('f', 'v', Buffer.from('p'));
        });
        const rows = await db.getRangeAll('');
        console.log(rows.map(([key, value]) => key.length + ':' + value.length).join(' '));
      `);
      assert.equal(stdout.trim(), '12:1 12:1 1:12 1:12 12:1 1:12');
    });

    it('tells what uses a database that it could not be opened, and opens it at the next use', async () => {
      const { stdout, stderr } = await runModule(`
        const real = WebAssembly.instantiate;
        // Node itself has small ones.
        WebAssembly.instantiate = async (source, ...rest) => {
          if (source.byteLength > 200_000) throw new Error('on purpose');
          return real.call(WebAssembly, source, ...rest);
        };
        const fdb = await import('plinthdb/foundationdb');
        fdb.setAPIVersion(720);
        const db = fdb.open();
        const tn = db.rawCreateTransaction();
        tn.set('k', 'v');
        const watch = tn.watch('k');
        const told = await Promise.all([
          tn.get('k').catch((error) => error.message),
          tn.rawCommit().catch((error) => error.message),
          watch.promise.catch((error) => error.message),
          db.get('k').catch((error) => error.message),
        ]);
        console.log(told.every((message) => message.includes('on purpose')));
        tn.set('after', 'it failed');
        console.log((await tn.rawCommit().catch((error) => error.code)));
        WebAssembly.instantiate = real;
        await db.set('k', 'v');
        console.log((await db.get('k')).toString());
      `);
      assert.deepEqual(stdout.trim().split('\n'), ['true', '1500', 'v']);
      assert.equal(stderr, '');
    });
  });
}

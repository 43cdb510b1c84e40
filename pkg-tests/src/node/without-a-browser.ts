/** The package in Node: imported without a browser, in-memory databases only, and a clear error for the rest. */
import { assert } from 'chai';
import { errorCodes, FDBError, open, persist, storageEstimate, supported } from 'plinthdb';
import { text } from '../suite/bytes.ts';
import { runModule } from './child.ts';

/** Everything of a browser that an import could reach for. Reading any of them throws. */
const FORBID_BROWSER = `
  const forbidden = ['window', 'document', 'self', 'location', 'navigator', 'indexedDB', 'IDBDatabase', 'IDBKeyRange',
    'BroadcastChannel', 'localStorage', 'fetch', 'Worker', 'SharedWorker', 'XMLHttpRequest'];
  for (const name of forbidden) {
    Object.defineProperty(globalThis, name, {
      configurable: true,
      get() { throw new Error('the package read ' + name); },
    });
  }
`;

export function withoutABrowser(): void {
  describe('in Node', () => {
    it('importing touches neither the DOM nor IndexedDB nor the network', async () => {
      const { stdout, stderr } = await runModule(`
        ${FORBID_BROWSER}
        const plinth = await import('plinthdb');
        console.log(['open', 'deleteDatabase', 'init', 'FDBError', 'errorCodes'].filter((name) => name in plinth).join());
      `);
      assert.equal(stdout.trim(), 'open,deleteDatabase,init,FDBError,errorCodes');
      assert.equal(stderr, '');
    });

    it('importing ends by itself: it leaves no timer and no handle behind', async () => {
      await runModule("await import('plinthdb');");
    });

    it('an in-memory database works, and does not keep the process alive', async () => {
      const { stdout, stderr } = await runModule(`
        import { open } from 'plinthdb';
        const db = await open('memory:node');
        await db.set('hello', 'world');
        console.log(new TextDecoder().decode(await db.get('hello')));
      `);
      assert.equal(stdout.trim(), 'world');
      assert.equal(stderr, '');
    });

    it('open without IndexedDB rejects with an FDBError that says what is missing', async () => {
      let caught: unknown;
      try {
        await open('on disk');
      } catch (error) {
        caught = error;
      }
      assert.instanceOf(caught, FDBError);
      assert.match((caught as FDBError).message, /IndexedDB/i);
      assert.include(Object.values<number>(errorCodes), (caught as FDBError).code);
    });

    it('a database in memory takes the place of one that can’t be, if it is asked for', async () => {
      const db = await open('on disk', { fallback: 'memory' });
      assert.equal(db.storage, 'memory');
      assert.equal(db.fallbackCause?.code, errorCodes.unsupported_operation);
      await db.set('hello', 'world');
      assert.equal(text(await db.get('hello')), 'world');
      await db.close();
      const named = await open('memory:named', { fallback: 'memory' });
      assert.deepEqual([named.storage, named.fallbackCause], ['memory', undefined]);
      await named.close();
    });

    it('says what is missing, and that it can’t be done without', async () => {
      const { isSupported, features, missing } = await supported();
      assert.isFalse(isSupported);
      assert.include(
        missing.map(({ name }) => name),
        'IndexedDB',
      );
      assert.isTrue(features.find(({ name }) => name === 'WebAssembly')?.isSupported);
      assert.equal(await persist(), false);
      assert.equal(await storageEstimate(), undefined);
    });

    it('init takes one source, and says so', async () => {
      const { stdout } = await runModule(`
        import { readFile } from 'node:fs/promises';
        import { createRequire } from 'node:module';
        import { init, open } from 'plinthdb';
        const file = createRequire(process.cwd() + '/index.js').resolve('plinthdb/plinthdb.wasm');
        const failed = (error) => console.log(error.message);
        await init({ bytes: new Uint8Array(1), url: 'x' }).catch(failed);
        await init({ wasm: 'x' }).catch(failed);
        await init({ bytes: new Uint8Array(8) }).catch(({ code }) => console.log(code));
        await init({ module: WebAssembly.compile(await readFile(file)) });
        console.log((await open('memory:x')).name);
      `);
      const expected = 'init: one of module, bytes and url was expected, found ';
      assert.deepEqual(stdout.trim().split('\n'), [
        `${expected}bytes, url`,
        `${expected}wasm`,
        `${errorCodes.platform_error}`,
        'memory:x',
      ]);
    });

    it('a memory database forgets nothing while a handle is open, and is its name’s only one', async () => {
      const first = await open('memory:shared in node');
      const second = await open('memory:shared in node');
      await first.set('key', 'value');
      await first.close();
      const third = await open('memory:shared in node');
      assert.equal(text(await second.get('key')), 'value');
      assert.equal(text(await third.get('key')), 'value');
      await second.close();
      await third.close();
    });
  });
}

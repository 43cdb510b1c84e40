/** A worker is a peer like any tab: it has no window and no document, and shares the database with its page. */
import { assert } from 'chai';
import { packageEntry } from '../support/paths.ts';
import { uniqueName, type World, withTabs } from './world.ts';

/** A module that increments `x` in the database it is told of; `listening` is how a worker of its kind is told. */
function incrementing(listening: string): string {
  return `import { open } from '/plinthdb/${packageEntry()}';
    const decoder = new TextDecoder();
    async function increment({ name, times }) {
      const db = await open(name);
      for (let done = 0; done < times; done += 1) {
        await db.doTransaction(async (tn) => {
          const value = await tn.get('x');
          tn.set('x', String(Number(value === undefined ? 0 : decoder.decode(value)) + 1));
        });
      }
      await db.close();
      return 'done';
    }
    ${listening}`;
}

export function inAWorker(world: World): void {
  describe('in a worker', () => {
    const tabs = withTabs(world);

    it('a database works, and loses no update against its page', async () => {
      // Import maps don't reach workers, hence the address.
      const address = world.server.serveText(
        '/worker.js',
        incrementing('onmessage = async ({ data }) => postMessage(await increment(data));'),
      );
      const name = uniqueName();
      const page = await tabs.open();
      const found = await page.evaluate(
        async ({ address, name }) => {
          const worker = new Worker(address, { type: 'module' });
          const workerDone = new Promise((resolve, reject) => {
            worker.onmessage = resolve;
            worker.onerror = (event) => reject(new Error(event.message));
          });
          worker.postMessage({ name, times: 40 });
          const db = await plinth.open(name);
          for (let done = 0; done < 40; done += 1) await tools.increment(db, 'x');
          await workerDone;
          worker.terminate();
          return tools.numberAt(db, 'x');
        },
        { address, name },
      );
      assert.equal(found, 80);
    }).timeout(40_000);

    it('so it does in a shared worker, which two tabs use', async () => {
      const address = world.server.serveText(
        '/shared-worker.js',
        incrementing(`onconnect = ({ ports: [port] }) => {
          port.onmessage = async ({ data }) => port.postMessage(await increment(data));
        };`),
      );
      const name = uniqueName();
      const pages = await tabs.openMany(2);
      await Promise.all(
        pages.map((page) =>
          page.evaluate(
            async ({ address, name }) => {
              const { port } = new SharedWorker(address, { type: 'module' });
              const workerDone = new Promise((resolve) => {
                port.onmessage = resolve;
              });
              port.postMessage({ name, times: 20 });
              const db = await plinth.open(name);
              for (let done = 0; done < 20; done += 1) await tools.increment(db, 'x');
              await workerDone;
            },
            { address, name },
          ),
        ),
      );
      for (const page of pages) {
        assert.equal(
          await page.evaluate(async (name) => tools.numberAt(await plinth.open(name), 'x'), name),
          80,
        );
      }
    }).timeout(40_000);

    it('and in a service worker', async () => {
      const address = world.server.serveText(
        '/service-worker.js',
        incrementing(`onmessage = (event) => {
          event.waitUntil(increment(event.data).then((word) => event.source.postMessage(word)));
        };`),
      );
      const name = uniqueName();
      const page = await tabs.open();
      const found = await page.evaluate(
        async ({ address, name }) => {
          const registration = await navigator.serviceWorker.register(address, { type: 'module' });
          try {
            const { active } = await navigator.serviceWorker.ready;
            const workerDone = new Promise((resolve) => {
              navigator.serviceWorker.onmessage = resolve;
            });
            active?.postMessage({ name, times: 40 });
            const db = await plinth.open(name);
            for (let done = 0; done < 40; done += 1) await tools.increment(db, 'x');
            await workerDone;
            return await tools.numberAt(db, 'x');
          } finally {
            await registration.unregister();
          }
        },
        { address, name },
      );
      assert.equal(found, 80);
    }).timeout(40_000);
  });
}

/** A worker is a peer like any tab: it has no window and no document, and shares the database with its page. */
import { assert } from 'chai';
import { packageEntry } from '../support/paths.ts';
import { uniqueName, type World, withTabs } from './world.ts';

export function inAWorker(world: World): void {
  describe('in a worker', () => {
    const tabs = withTabs(world);

    it('a database works, and loses no update against its page', async () => {
      // Import maps don't reach workers, hence the address.
      const address = world.server.serveText(
        '/worker.js',
        `import { open } from '/plinthdb/${packageEntry()}';
        const decoder = new TextDecoder();
        onmessage = async ({ data: { name, times } }) => {
          const db = await open(name);
          for (let done = 0; done < times; done += 1) {
            await db.doTransaction(async (tn) => {
              const value = await tn.get('x');
              tn.set('x', String(Number(value === undefined ? 0 : decoder.decode(value)) + 1));
            });
          }
          await db.close();
          postMessage('done');
        };`,
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
  });
}

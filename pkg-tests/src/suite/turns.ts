/** Many transactions that are begun together share the page with whatever else it does. */
import { assert } from 'chai';
import type { Transaction } from 'plinthdb';
import { type Storage, withDatabase } from './fixture.ts';

/** Counts the tasks of the event loop, until it is told to stop. */
function countTasks(): { readonly count: number; stop(): void } {
  const { port1, port2 } = new MessageChannel();
  let count = 0;
  port1.onmessage = () => {
    count += 1;
    port2.postMessage(undefined);
  };
  port2.postMessage(undefined);
  return {
    get count() {
      return count;
    },
    stop: () => port1.close(),
  };
}

export function turns(storage: Storage): void {
  describe('a thousand transactions that are begun together', () => {
    const test = withDatabase(storage);

    it('begin in their order, and leave the page its turn between them', async () => {
      await test.db.set('key', '');
      const tasks = countTasks();
      const began: number[] = [];
      const begunIn = new Set<number>();
      await Promise.all(
        Array.from({ length: 1_000 }, (_, index) =>
          test.db.doTransaction(async (tn) => {
            began.push(index);
            begunIn.add(tasks.count);
            for (let read = 0; read < 5; read += 1) await tn.get('key');
            tn.set(`written/${index}`, '');
          }),
        ),
      );
      tasks.stop();
      assert.deepEqual(
        began,
        began.map((_, index) => index),
      );
      assert.isAtLeast(begunIn.size, 10, 'tasks in which some began');
      assert.lengthOf(await test.db.getRangeAllStartsWith('written/'), 1_000);
    });

    it('begin in a task each if their bodies take long before they first wait', async () => {
      const tasks = countTasks();
      const begunIn = new Set<number>();
      await Promise.all(
        Array.from({ length: 10 }, () =>
          test.db.doTransaction(() => {
            begunIn.add(tasks.count);
            const end = performance.now() + 10;
            while (performance.now() < end);
          }),
        ),
      );
      tasks.stop();
      assert.isAtLeast(begunIn.size, 8, 'tasks in which one began');
    });

    it('end at once if they are aborted before their turn, and their bodies are not called', async () => {
      const controllers = Array.from({ length: 1_000 }, () => new AbortController());
      let called = 0;
      const all = controllers.map(({ signal }) =>
        test.db.doTransaction(
          (tn) => {
            called += 1;
            return tn.get('key');
          },
          { signal },
        ),
      );
      for (const controller of controllers) controller.abort(new Error('not wanted any more'));
      const outcomes = await Promise.allSettled(all);
      for (const outcome of outcomes.slice(100)) {
        assert.equal(outcome.status, 'rejected');
        if (outcome.status === 'rejected') assert.equal(outcome.reason.message, 'not wanted any more');
      }
      await test.db.set('key', '');
      assert.isBelow(called, 100);
    });

    it('in a row, each after the one before, are called at once', async () => {
      // Behind whatever waits for its turn still.
      await test.db.doTransaction(() => undefined);
      for (let round = 0; round < 100; round += 1) {
        let isCalled = false;
        const done = test.db.doTransaction(async (tn) => {
          isCalled = true;
          return tn.get('key');
        });
        assert.isTrue(isCalled, `round ${round}`);
        await done;
      }
    });

    it('and begin transactions of their own, all end', async () => {
      const results = await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          test.db.doTransaction(() => test.db.doTransaction(() => test.db.doTransaction(() => index))),
        ),
      );
      assert.equal(results.length, new Set(results).size);
    });
  });

  describe('commits that are submitted together', () => {
    const test = withDatabase(storage);

    it('are answered in turns with the page', async () => {
      const tasks = countTasks();
      const answeredIn = new Set<number>();
      await Promise.all(
        Array.from({ length: 1_000 }, async (_, index) => {
          await test.db.set(`key/${index}`, '');
          answeredIn.add(tasks.count);
        }),
      );
      tasks.stop();
      assert.isAtLeast(answeredIn.size, 10, 'tasks in which some were answered');
    });

    it('are decided in turns with the page if they are large', async () => {
      const tasks = countTasks();
      const answeredIn = new Set<number>();
      const value = new Uint8Array(100_000);
      await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          await test.db.doOneshot((tn) => {
            for (let part = 0; part < 20; part += 1) tn.set(`key/${index}/${part}`, value);
          });
          answeredIn.add(tasks.count);
        }),
      );
      tasks.stop();
      assert.isAtLeast(answeredIn.size, 10, 'tasks in which some were answered');
    });
  });

  describe('reads that are answered at once', () => {
    const test = withDatabase(storage);

    const reads: [string, (tn: Transaction) => Promise<unknown>][] = [
      ['of a database', () => test.db.get('key')],
      ['of a transaction', (tn) => tn.get('key')],
      ['of keys', (tn) => tn.exists('key')],
      ['of a range', (tn) => tn.getRangeAll('')],
      ['of a read version', (tn) => tn.getReadVersion()],
    ];
    for (const [which, read] of reads) {
      it(`leave the page its turn: ${which}`, async () => {
        await test.db.set('key', '');
        const tn = test.db.rawCreateTransaction();
        await read(tn);
        const tasks = countTasks();
        for (let count = 0; count < 10_000; count += 1) await read(tn);
        tasks.stop();
        assert.isAtLeast(tasks.count, 5, 'tasks in between');
      });
    }

    it('end when what they wait for is committed by many others', async () => {
      const total = 200;
      const others = Array.from({ length: total }, (_, index) =>
        test.db.doTransaction((tn) => tn.set(`done/${index}`, '')),
      );
      let polls = 0;
      while ((await test.db.getRangeAllStartsWith('done/')).length < total) {
        polls += 1;
        assert.isBelow(polls, 100_000, 'polls');
      }
      await Promise.all(others);
    });
  });
}

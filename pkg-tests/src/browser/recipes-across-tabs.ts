/** The recipes that are about several tabs: outbox, queues, publish and subscribe. */
import { assert } from 'chai';
import { ascending } from '../suite/recipes/support.ts';
import type { Page } from '../support/driver.ts';
import { uniqueName, type World, withTabs } from './world.ts';

const JOBS = 60;
const LEASE_MS = 1_000;

/** What the scenarios keep in their pages. */
interface Held {
  stop: AbortController;
  ended: Promise<void>;
}

/** Has a tab drain the outbox until it is told to stop. Every third attempt fails. */
function drain(page: Page, name: string): Promise<void> {
  return page.evaluate(
    async ({ name, leaseMs }) => {
      const db = await plinth.open(name);
      const outbox = new recipes.Outbox<number>(new plinth.Subspace('outbox/'), plinth.encoders.json, {
        backoffMs: 1,
        backoffMsMax: 10,
        attemptsMax: 1_000,
        leaseMs,
      });
      const stop = new AbortController();
      let attempts = 0;
      const ended = outbox.drain(
        db,
        async ({ value }) => {
          await tools.sleep(2);
          attempts += 1;
          if (attempts % 3 === 0) throw new Error('the server is busy');
          return (tn) => tn.add(tools.numbered('done/', value), Uint8Array.of(1));
        },
        { signal: stop.signal, concurrency: 2 },
      );
      Object.assign(globalThis, { stop, ended });
    },
    { name, leaseMs: LEASE_MS },
  );
}

/** Has a tab take a job that it will never finish. */
function takeForever(page: Page, name: string): Promise<void> {
  return page.evaluate(
    async ({ name, leaseMs }) => {
      const db = await plinth.open(name);
      const outbox = new recipes.Outbox<number>(new plinth.Subspace('outbox/'), plinth.encoders.json, {
        leaseMs,
      });
      await new Promise<void>((taken) => {
        void outbox.runNext(db, () => {
          taken();
          return new Promise(() => undefined);
        });
      });
    },
    { name, leaseMs: LEASE_MS },
  );
}

/** Adds jobs, each in a transaction of its own. */
function addJobs(page: Page, name: string, begin: number, end: number): Promise<void> {
  return page.evaluate(
    async ({ name, begin, end }) => {
      const db = await plinth.open(name);
      const outbox = new recipes.Outbox<number>(new plinth.Subspace('outbox/'), plinth.encoders.json);
      for (let value = begin; value < end; value += 1) await db.doTransaction((tn) => outbox.add(tn, value));
    },
    { name, begin, end },
  );
}

/** Waits until all jobs are done, and answers how often each was. */
function awaitJobs(page: Page, name: string, count: number): Promise<number[]> {
  return page.evaluate(
    async ({ name, count }) => {
      const db = await plinth.open(name);
      const outbox = new recipes.Outbox<number>(new plinth.Subspace('outbox/'), plinth.encoders.json);
      for (;;) {
        const rows = await db.getRangeAll('done/');
        const isEmpty = await db.doTransaction((tn) => outbox.isEmpty(tn));
        if (isEmpty && rows.length >= count) return rows.map(([, value]) => value[0] as number);
        await tools.sleep(20);
      }
    },
    { name, count },
  );
}

function stop(page: Page): Promise<void> {
  return page.evaluate(() => {
    const { stop, ended } = globalThis as unknown as Held;
    stop.abort();
    return ended;
  });
}

export function recipesAcrossTabs(world: World): void {
  describe('the recipes across tabs', () => {
    const tabs = withTabs(world);

    it('several tabs drain one outbox together: each job is committed once, those of a closed tab too', async () => {
      const name = uniqueName();
      const [adder, doomed, ...drainers] = (await tabs.openMany(4)) as [Page, Page, ...Page[]];
      await addJobs(adder, name, 0, 3);
      await takeForever(doomed, name);
      await doomed.close();
      await Promise.all(drainers.map((page) => drain(page, name)));
      await addJobs(adder, name, 3, JOBS);
      assert.deepEqual(await awaitJobs(adder, name, JOBS), new Array(JOBS).fill(1));
      await Promise.all(drainers.map(stop));
    }).timeout(60_000);

    for (const kind of ['Queue', 'HighContentionQueue'] as const) {
      it(`several tabs pop one ${kind}: each item is given once`, async () => {
        const name = uniqueName();
        const [producer, ...consumers] = (await tabs.openMany(3)) as [Page, ...Page[]];
        const popped = consumers.map((page) =>
          page.evaluate(
            async ({ name, kind }) => {
              const db = await plinth.open(name);
              const place = new plinth.Subspace('queue/');
              const simple = new recipes.Queue<number>(place, plinth.encoders.json);
              const contended = new recipes.HighContentionQueue<number>(place, plinth.encoders.json);
              const pop = () =>
                kind === 'Queue' ? db.doTransaction((tn) => simple.pop(tn)) : contended.pop(db);
              const mine: number[] = [];
              const consume = async () => {
                for (;;) {
                  const item = await pop();
                  if (item === -1) return;
                  if (item === undefined) await tools.sleep(1);
                  else mine.push(item);
                }
              };
              await Promise.all([consume(), consume()]);
              return mine;
            },
            { name, kind },
          ),
        );
        await producer.evaluate(
          async ({ name, kind, items }) => {
            const db = await plinth.open(name);
            const queue = new recipes[kind]<number>(new plinth.Subspace('queue/'), plinth.encoders.json);
            for (let item = 0; item < items; item += 1) await db.doTransaction((tn) => queue.push(tn, item));
            // One for each of those who pop.
            for (let end = 0; end < 4; end += 1) await db.doTransaction((tn) => queue.push(tn, -1));
          },
          { name, kind, items: 60 },
        );
        const found = (await Promise.all(popped)).flat();
        assert.deepEqual(
          ascending(found),
          Array.from({ length: 60 }, (_, item) => item),
        );
      }).timeout(60_000);
    }

    it('a message posted in one tab wakes an inbox in another, and one inbox in two tabs has it once', async () => {
      const name = uniqueName();
      const [poster, ...readers] = (await tabs.openMany(3)) as [Page, ...Page[]];
      await poster.evaluate(async (name) => {
        const db = await plinth.open(name);
        const news = new recipes.PubSub<string, string, number>(
          new plinth.Subspace('news/'),
          plinth.encoders.json,
        );
        await db.doTransaction((tn) => news.subscribe(tn, 'inbox', 'feed'));
      }, name);
      await Promise.all(
        readers.map((page) =>
          page.evaluate(async (name) => {
            const db = await plinth.open(name);
            const news = new recipes.PubSub<string, string, number>(
              new plinth.Subspace('news/'),
              plinth.encoders.json,
            );
            const stop = new AbortController();
            const ended = news.consume(
              db,
              'inbox',
              (tn, messages) => {
                for (const { message } of messages)
                  tn.add(tools.numbered('seen/', message), Uint8Array.of(1));
              },
              { signal: stop.signal, limit: 2 },
            );
            Object.assign(globalThis, { stop, ended });
          }, name),
        ),
      );
      const seen = await poster.evaluate(async (name) => {
        const db = await plinth.open(name);
        const news = new recipes.PubSub<string, string, number>(
          new plinth.Subspace('news/'),
          plinth.encoders.json,
        );
        for (let message = 0; message < 40; message += 1) {
          await db.doTransaction((tn) => news.post(tn, 'feed', message));
        }
        for (;;) {
          const rows = await db.getRangeAll('seen/');
          if (rows.length === 40) return rows.map(([, value]) => value[0]);
          await tools.sleep(20);
        }
      }, name);
      assert.deepEqual(seen, new Array(40).fill(1));
      await Promise.all(readers.map(stop));
    }).timeout(60_000);
  });
}

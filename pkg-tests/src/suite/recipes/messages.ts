/** Publish and subscribe: every inbox gets every message of its feeds once, in order. */
import { assert } from 'chai';
import { encoders } from 'plinthdb';
import { type Encoding, type Message, PubSub } from 'plinthdb/recipes';
import { commitOnce, type Storage, withDatabase } from '../fixture.ts';
import { Attempts, atOnce, meddledWith, place, transactionCount, withSeed } from './support.ts';

export function messages(storage: Storage): void {
  describe('PubSub', () => {
    const test = withDatabase(storage);
    const news = new PubSub<string, string, number>(place, encoders.json as Encoding<number>);

    const post = (feed: string, message: number) =>
      test.db.doTransaction((tn) => news.post(tn, feed, message));
    const receive = (inbox: string, limit?: number) =>
      test.db.doTransaction((tn) => news.receive(tn, inbox, limit));

    it('an inbox gets what its feeds are sent, each message once, in order', async () => {
      const feeds = ['a', 'b', 'c'] as const;
      const inboxes = ['x', 'y'] as const;
      const logs = new Map<string, number[]>(feeds.map((feed) => [feed, []]));
      /** Per inbox and feed the messages to come, each with the time at which it was posted. */
      const waiting = new Map<string, Map<string, { at: number; message: number }[]>>(
        inboxes.map((inbox) => [inbox, new Map()]),
      );
      await withSeed(storage, async (random) => {
        let posted = 0;
        for (let step = 0; step < 2 * transactionCount(storage); step += 1) {
          const [feed, inbox] = [random.pick(feeds), random.pick(inboxes)];
          const subscriptions = waiting.get(inbox) as Map<string, { at: number; message: number }[]>;
          const kind = random.below(10);
          if (kind === 0) {
            const from = random.chance(0.5) ? 'begin' : 'now';
            await test.db.doTransaction((tn) => news.subscribe(tn, inbox, feed, { from }));
            if (!subscriptions.has(feed)) {
              const log = (logs.get(feed) as number[]).map((message) => ({ at: message, message }));
              subscriptions.set(feed, from === 'begin' ? log : []);
            }
          } else if (kind === 1 && random.chance(0.5)) {
            await test.db.doTransaction((tn) => news.unsubscribe(tn, inbox, feed));
            subscriptions.delete(feed);
          } else if (kind === 2) {
            await test.db.doTransaction((tn) => news.trim(tn, feed));
            const kept = [...waiting.values()].flatMap(
              (all) => all.get(feed)?.map(({ message }) => message) ?? [],
            );
            const log = logs.get(feed) as number[];
            const first = Math.min(...kept);
            logs.set(
              feed,
              log.filter((message) => message >= first),
            );
          } else if (kind < 6) {
            await commitOnce(test.db, (tn) => {
              for (let count = 1 + random.below(3); count > 0; count -= 1) {
                news.post(tn, feed, posted);
                logs.get(feed)?.push(posted);
                for (const all of waiting.values()) all.get(feed)?.push({ at: posted, message: posted });
                posted += 1;
              }
            });
          } else {
            const limit = random.pick([1, 3, 100]);
            const expected = [...subscriptions]
              .flatMap(([name, all]) => all.map(({ at, message }) => ({ at, feed: name, message })))
              .sort((a, b) => a.at - b.at)
              .slice(0, limit);
            for (const one of expected) subscriptions.get(one.feed)?.shift();
            assert.deepEqual(
              await receive(inbox, limit),
              expected.map(({ feed: name, message }) => ({ feed: name, message })),
            );
          }
          const { feeds: found, subscribers } = await test.db.doTransaction(async (tn) => ({
            feeds: await news.feeds(tn, inbox),
            subscribers: await news.subscribers(tn, feed),
          }));
          assert.deepEqual(found, [...subscriptions.keys()].sort());
          assert.deepEqual(
            subscribers,
            inboxes.filter((one) => waiting.get(one)?.has(feed)),
          );
        }
      });
    }).timeout(60_000);

    it('trim deletes what every subscriber has received, and no more', async () => {
      const count = async () => (await test.db.getRangeAll('recipe/')).length;
      await test.db.doTransaction(async (tn) => {
        await news.subscribe(tn, 'x', 'f');
        await news.subscribe(tn, 'y', 'f');
      });
      for (let message = 0; message < 5; message += 1) await post('f', message);
      const before = await count();
      await receive('x');
      await receive('y', 2);
      await test.db.doTransaction((tn) => news.trim(tn, 'f'));
      assert.equal(before - (await count()), 2);
      assert.deepEqual(
        (await receive('y')).map(({ message }) => message),
        [2, 3, 4],
      );
      await test.db.doTransaction((tn) => news.trim(tn, 'f'));
      assert.equal(before - (await count()), 5);
    });

    it('posting conflicts with nobody who posts', async () => {
      const attempts = new Attempts();
      await atOnce(40, (message) => attempts.run(test.db, (tn) => news.post(tn, 'f', message)));
      assert.equal(attempts.repeated, 0);
    });

    it('posting conflicts with nobody who receives, and is received next', async () => {
      await test.db.doTransaction((tn) => news.subscribe(tn, 'x', 'f'));
      await post('f', 1);
      const attempts = new Attempts();
      const db = meddledWith(test.db, [() => post('f', 2)]);
      assert.deepEqual(await attempts.run(db, (tn) => news.receive(tn, 'x')), [{ feed: 'f', message: 1 }]);
      assert.equal(attempts.repeated, 0);
      assert.deepEqual(await receive('x'), [{ feed: 'f', message: 2 }]);
    });

    it('of two that receive from one inbox at the same time, one has to look again', async () => {
      await test.db.doTransaction((tn) => news.subscribe(tn, 'x', 'f'));
      await post('f', 1);
      const db = meddledWith(test.db, [
        async () => assert.deepEqual(await receive('x'), [{ feed: 'f', message: 1 }]),
      ]);
      assert.deepEqual(await db.doTransaction((tn) => news.receive(tn, 'x')), []);
    });

    it('several that consume one inbox have each message once between them, and all of every transaction', async () => {
      const again = await test.openAgain();
      await test.db.doTransaction(async (tn) => {
        await news.subscribe(tn, 'x', 'f');
        await news.subscribe(tn, 'x', 'g');
      });
      const stop = new AbortController();
      const total = 40;
      const handler = (tn: Parameters<typeof news.receive>[0], found: Message<string, number>[]) => {
        for (const { message } of found) tn.add(`seen/${message}`, Uint8Array.of(1));
      };
      const options = { signal: stop.signal, limit: 3 };
      const consumers = [test.db, again, test.db].map((db) => news.consume(db, 'x', handler, options));
      await atOnce(total, (message) => post(message % 2 === 0 ? 'f' : 'g', message));
      for (;;) {
        const seen = await test.db.getRangeAll('seen/');
        if (seen.length === total) {
          assert.deepEqual(
            seen.map(([, value]) => value[0]),
            new Array(total).fill(1),
          );
          break;
        }
      }
      stop.abort();
      await Promise.all(consumers);
      assert.lengthOf(await receive('x'), 0);
    });

    it('wakes who waits: for a message, for a subscription, for the end', async () => {
      const again = await test.openAgain();
      const stop = new AbortController();
      const got: number[] = [];
      let wake: () => void = () => undefined;
      const next = async (count: number) => {
        while (got.length < count) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      };
      const consumer = news.consume(
        test.db,
        'x',
        (_tn, found) => {
          got.push(...found.map(({ message }) => message));
          wake();
        },
        { signal: stop.signal },
      );
      await again.doTransaction((tn) => news.post(tn, 'f', 1));
      await again.doTransaction((tn) => news.subscribe(tn, 'x', 'f', { from: 'begin' }));
      await next(1);
      await again.doTransaction((tn) => news.post(tn, 'f', 2));
      await next(2);
      assert.deepEqual(got, [1, 2]);
      stop.abort();
      await consumer;
      assert.equal((await test.db.stats()).watchCount, 0, 'no watch is left');
    });

    it('a handler that throws ends the loop, and the messages stay', async () => {
      await test.db.doTransaction((tn) => news.subscribe(tn, 'x', 'f'));
      await post('f', 1);
      const failing = () => {
        throw new RangeError('no');
      };
      const outcome = await news.consume(test.db, 'x', failing).catch((error: unknown) => error);
      assert.instanceOf(outcome, RangeError);
      assert.deepEqual(await receive('x'), [{ feed: 'f', message: 1 }]);
    });
  });
}

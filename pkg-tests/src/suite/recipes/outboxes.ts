/** The outbox: no change without its job, no job without its change, and what a job commits is committed once. */
import { assert } from 'chai';
import { encoders, tuple } from 'plinthdb';
import { type DeadJob, type Encoding, type Job, Outbox, type OutboxOptions } from 'plinthdb/recipes';
import { text } from '../bytes.ts';
import { type Storage, withDatabase } from '../fixture.ts';
import { atOnce, collect, Latch, place, sleep, transactionCount, withSeed } from './support.ts';

const QUICK: OutboxOptions = { backoffMs: 1, backoffMsMax: 4, leaseMs: 20_000 };

export function outboxes(storage: Storage): void {
  describe('Outbox', () => {
    const test = withDatabase(storage);

    function outboxWith(options: OutboxOptions = {}): Outbox<number> {
      return new Outbox(place, encoders.json as Encoding<number>, { ...QUICK, ...options });
    }

    const add = (outbox: Outbox<number>, value: number, delayMs?: number) =>
      test.db.doTransaction((tn) => outbox.add(tn, value, { delayMs }));
    const isEmpty = (outbox: Outbox<number>) => test.db.doTransaction((tn) => outbox.isEmpty(tn));
    /** Whether a job is due, looked up in the stored queue: taking it would be an attempt. */
    async function isDue(): Promise<boolean> {
      const queue = place.withKeyEncoding(tuple).at([0]);
      const [first] = await test.db.getRangeAll(queue.prefix, undefined, { limit: 1 });
      return first !== undefined && (queue.unpackKey(first[0])[0] as number) <= Date.now();
    }

    const dead = (outbox: Outbox<number>) => test.db.doTransaction((tn) => collect(outbox.dead(tn)));

    /** How often each job's last transaction took effect. */
    async function doneCounts(): Promise<number[]> {
      return (await test.db.getRangeAll('done/')).map(([, value]) => value[0] as number);
    }

    it('has the jobs of the transactions that committed, and no others', async () => {
      const outbox = outboxWith();
      await atOnce(20, (index) =>
        test.db
          .doTransaction((tn) => {
            tn.set(`data/${index}`, '');
            outbox.add(tn, index);
            if (index % 4 === 0) throw new RangeError('no');
          })
          .catch((error: unknown) => assert.instanceOf(error, RangeError)),
      );
      const done: number[] = [];
      while (await outbox.runNext(test.db, ({ value }) => void done.push(value)));
      const data = await test.db.getRangeAll('data/');
      assert.lengthOf(data, 15);
      assert.deepEqual(
        done.sort((a, b) => a - b),
        Array.from({ length: 20 }, (_, index) => index).filter((index) => index % 4 !== 0),
      );
      assert.lengthOf(await test.db.getRangeAll('recipe/'), 1, 'nothing is left but the key that wakes');
    });

    it('does jobs in the order in which one tab added them, as long as none fails', async () => {
      const outbox = outboxWith();
      await test.db.doTransaction((tn) => [0, 1, 2].map((value) => outbox.add(tn, value)));
      for (const value of [3, 4, 5]) await add(outbox, value);
      const done: number[] = [];
      while (await outbox.runNext(test.db, ({ value }) => void done.push(value)));
      assert.deepEqual(done, [0, 1, 2, 3, 4, 5]);
    });

    it('commits each job exactly once, with several that drain and handlers and commits that fail', async () => {
      await withSeed(storage, async (random) => {
        const again = await test.openAgain();
        const outbox = outboxWith({ attemptsMax: 1_000 });
        const count = transactionCount(storage);
        const stop = new AbortController();
        const handler = async ({ value, attempt }: Job<number>) => {
          if (random.chance(0.3)) throw new Error('the server is busy');
          if (random.chance(0.3)) await sleep(random.below(5));
          return (tn: Parameters<typeof outbox.add>[0]) => {
            tn.add(`done/${String(value).padStart(5, '0')}`, Uint8Array.of(1));
            if (attempt < 3 && value % 5 === 0) throw new Error('on second thought');
          };
        };
        const drainers = [test.db, again, test.db].map((db, index) =>
          outbox.drain(db, handler, { signal: stop.signal, concurrency: 1 + index }),
        );
        await atOnce(count, (value) => add(outbox, value));
        while (!(await isEmpty(outbox))) await sleep(5);
        stop.abort();
        await Promise.all(drainers);
        assert.deepEqual(await doneCounts(), new Array(count).fill(1));
        assert.lengthOf(await dead(outbox), 0);
      });
    }).timeout(60_000);

    it('wakes who drains for a job that comes, and for one that comes due', async () => {
      const outbox = outboxWith();
      const stop = new AbortController();
      const done: number[] = [];
      const drained = outbox.drain(test.db, ({ value }) => void done.push(value), { signal: stop.signal });
      await add(outbox, 1, 40);
      await add(outbox, 0);
      while (!(await isEmpty(outbox))) await sleep(1);
      stop.abort();
      await drained;
      assert.deepEqual(done, [0, 1]);
      assert.equal((await test.db.stats()).watchCount, 0, 'no watch is left');
    });

    it('tries a job that fails again after growing pauses, and gives it up in the end', async () => {
      const outbox = outboxWith({ attemptsMax: 4, backoffMs: 20, backoffMsMax: 40 });
      const id = await add(outbox, 7);
      const attempts: { attempt: number; at: number }[] = [];
      const stop = new AbortController();
      const drained = outbox.drain(
        test.db,
        ({ attempt }) => {
          attempts.push({ attempt, at: Date.now() });
          throw new Error(`no ${attempt}`);
        },
        { signal: stop.signal },
      );
      while (!(await isEmpty(outbox))) await sleep(1);
      stop.abort();
      await drained;
      assert.deepEqual(
        attempts.map(({ attempt }) => attempt),
        [1, 2, 3, 4],
      );
      const pauses = attempts.slice(1).map(({ at }, index) => at - (attempts[index]?.at ?? 0));
      for (const [index, least] of [10, 20, 20].entries())
        assert.isAtLeast(pauses[index] as number, least - 1);
      const expected: DeadJob<number> = { id, value: 7, attempts: 4, reason: 'Error: no 4' };
      assert.deepEqual(await dead(outbox), [expected]);
    });

    it('what was given up can be revived or forgotten', async () => {
      const outbox = outboxWith({ attemptsMax: 1 });
      const [first, second] = [await add(outbox, 1), await add(outbox, 2)];
      const fail = () => {
        throw new Error('no');
      };
      while (await outbox.runNext(test.db, fail));
      assert.lengthOf(await dead(outbox), 2);
      const did = await test.db.doTransaction(async (tn) => [
        await outbox.revive(tn, first),
        await outbox.revive(tn, first),
        await outbox.discard(tn, second),
        await outbox.discard(tn, second),
      ]);
      assert.deepEqual(did, [true, false, true, false]);
      assert.lengthOf(await dead(outbox), 0);
      const done: Job<number>[] = [];
      assert.isTrue(await outbox.runNext(test.db, (job) => void done.push(job)));
      assert.deepEqual(done, [{ id: first, value: 1, attempt: 1 }]);
      assert.isFalse(await outbox.runNext(test.db, fail));
      assert.lengthOf(await test.db.getRangeAll('recipe/'), 1);
    });

    /** An attempt that hangs until it is let go, and then commits its name. */
    function hanging(outbox: Outbox<number>, name: string) {
      const [taken, released] = [new Latch(), new Latch()];
      const ended = outbox.runNext(test.db, async () => {
        taken.open();
        await released.opened;
        return (tn) => tn.add(`done/${name}`, Uint8Array.of(1));
      });
      return { taken: taken.opened, release: released.open, ended };
    }

    const done = async () => (await test.db.getRangeAll('done/')).map(([key]) => text(key));

    for (const isLateLast of [true, false]) {
      const when = isLateLast ? 'after' : 'before';
      it(`gives a job to somebody else when a lease ends, and the late one, ${when} the other, commits nothing`, async () => {
        const outbox = outboxWith({ leaseMs: 40 });
        await add(outbox, 1);
        const late = hanging(outbox, 'late');
        await late.taken;
        while (!(await isDue())) await sleep(5);
        const other = hanging(outboxWith(), 'other');
        await other.taken;
        for (const { release, ended } of isLateLast ? [other, late] : [late, other]) {
          release();
          assert.isTrue(await ended);
        }
        assert.deepEqual(await done(), ['done/other']);
        assert.isTrue(await isEmpty(outbox));
      });
    }

    it('a late failure takes the job from nobody', async () => {
      const outbox = outboxWith({ leaseMs: 40 });
      await add(outbox, 1);
      const [taken, released] = [new Latch(), new Latch()];
      const late = outbox.runNext(test.db, async () => {
        taken.open();
        await released.opened;
        throw new Error('too late');
      });
      await taken.opened;
      while (!(await isDue())) await sleep(5);
      const other = hanging(outboxWith(), 'other');
      await other.taken;
      released.open();
      await late;
      assert.isFalse(await outbox.runNext(test.db, () => assert.fail('somebody else has it')));
      other.release();
      await other.ended;
      assert.deepEqual(await done(), ['done/other']);
    });

    it('gives a job up whose every attempt dies', async () => {
      const outbox = outboxWith({ leaseMs: 5, attemptsMax: 2 });
      await add(outbox, 1);
      const late = [];
      while ((await dead(outbox)).length === 0) {
        late.push(hanging(outbox, 'dead'));
        await sleep(10);
      }
      for (const { release } of late) release();
      await Promise.all(late.map(({ ended }) => ended));
      assert.deepEqual(
        (await dead(outbox)).map(({ attempts, reason }) => [attempts, reason]),
        [[2, 'the lease of the last attempt ended']],
      );
      assert.lengthOf(await test.db.getRangeAll('done/'), 0);
    });
  });
}

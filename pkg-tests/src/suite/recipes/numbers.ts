/** Counters and sequences, which are about what many do at once. */
import { assert } from 'chai';
import { BlockSequence, Counter, commitNumber, Sequence } from 'plinthdb/recipes';
import { type Storage, withDatabase } from '../fixture.ts';
import { Attempts, ascending, atOnce, place, transactionCount, withSeed } from './support.ts';

export function numbers(storage: Storage): void {
  describe('Counter', () => counter(storage));
  describe('Sequence', () => sequence(storage));
  describe('BlockSequence', () => blockSequence(storage));
  describe('commitNumber', () => commitNumbers(storage));
}

function counter(storage: Storage): void {
  const test = withDatabase(storage);

  it('is the exact sum of what many add at once, and adding conflicts with nothing', async () => {
    await withSeed(storage, async (random) => {
      const again = await test.openAgain();
      const attempts = new Attempts();
      const deltas = Array.from({ length: transactionCount(storage) }, () => random.below(2_000) - 1_000);
      await atOnce(deltas.length, (index) => {
        // Handles need not agree about the shards.
        const [db, likes] =
          index % 2 === 0 ? [test.db, new Counter(place)] : [again, new Counter(place, { shards: 3 })];
        return attempts.run(db, async (tn) => {
          await likes.estimate(tn);
          likes.add(tn, deltas[index] as number);
        });
      });
      assert.equal(attempts.repeated, 0);
      const sum = deltas.reduce((total, delta) => total + delta, 0);
      const likes = new Counter(place);
      const read = await test.db.doTransaction(async (tn) => [await likes.get(tn), await likes.estimate(tn)]);
      assert.deepEqual(read, [sum, sum]);
    });
  });

  it('read exactly, conflicts with what is added meanwhile', async () => {
    const likes = new Counter(place, { shards: 1 });
    await test.db.doTransaction((tn) => likes.add(tn, 1));
    const tn = test.db.rawCreateTransaction();
    assert.equal(await likes.get(tn), 1);
    tn.set('copy', '1');
    await test.db.doTransaction((other) => likes.add(other, 1));
    const [outcome] = await Promise.allSettled([tn.rawCommit()]);
    assert.equal(outcome.status, 'rejected');
  });

  it('can be set, also while it is added to in the same transaction', async () => {
    const likes = new Counter(place);
    const found = await test.db.doTransaction(async (tn) => {
      for (let number = 0; number < 40; number += 1) likes.add(tn, 7);
      likes.set(tn, -5);
      likes.add(tn, 1);
      return likes.get(tn);
    });
    assert.equal(found, -4);
    assert.throws(() => new Counter(place, { shards: 0 }), RangeError);
  });
}

function sequence(storage: Storage): void {
  const test = withDatabase(storage);

  it('has no gap, also where transactions fail after taking a number', async () => {
    const invoices = new Sequence(place);
    const taken = await atOnce(30, (index) =>
      test.db
        .doTransaction(async (tn) => {
          const number = await invoices.next(tn);
          if (index % 3 === 0) throw new RangeError('changed my mind');
          return number;
        })
        .catch((error: unknown) => {
          if (!(error instanceof RangeError)) throw error;
          return undefined;
        }),
    );
    const numbers = taken.filter((number) => number !== undefined);
    assert.deepEqual(
      ascending(numbers),
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    assert.equal(await test.db.doTransaction((tn) => invoices.last(tn)), 20);
  });

  it('gives one transaction several numbers', async () => {
    const invoices = new Sequence(place);
    const numbers = await test.db.doTransaction(async (tn) => [
      await invoices.next(tn),
      await invoices.next(tn),
    ]);
    assert.deepEqual(numbers, [1, 2]);
  });
}

function blockSequence(storage: Storage): void {
  const test = withDatabase(storage);

  it('gives nobody a number that somebody else has', async () => {
    const again = await test.openAgain();
    const [one, other] = [
      new BlockSequence(place, { blockSize: 7 }),
      new BlockSequence(place, { blockSize: 7 }),
    ];
    const taken = await atOnce(100, (index) => (index % 2 === 0 ? one.next(test.db) : other.next(again)));
    assert.equal(new Set(taken).size, 100);
    assert.isAtLeast(Math.min(...taken), 1);
    assert.isAtMost(Math.max(...taken), 16 * 7);
  });

  it('takes a block with one transaction', async () => {
    const ids = new BlockSequence(place, { blockSize: 50 });
    const before = (await test.db.stats()).committedCount;
    const taken = await atOnce(50, () => ids.next(test.db));
    assert.deepEqual(
      ascending(taken),
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
    assert.equal((await test.db.stats()).committedCount - before, 1);
    assert.throws(() => new BlockSequence(place, { blockSize: 0 }), RangeError);
  });
}

function commitNumbers(storage: Storage): void {
  const test = withDatabase(storage);

  it('grows with every commit, and is unique among those at once', async () => {
    const commit = async () => {
      const { promise } = await test.db.doTransaction((tn) => {
        tn.set('key', '');
        return commitNumber(tn);
      });
      return promise;
    };
    const first = await commit();
    const many = await atOnce(20, commit);
    const last = await commit();
    assert.equal(new Set(many).size, 20);
    for (const number of many) assert.isTrue(first < number && number < last);
  });
}

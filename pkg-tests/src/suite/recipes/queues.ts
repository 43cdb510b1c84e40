/** Queues: nothing is lost, nothing is given twice, and the order is the one that is promised. */
import { assert } from 'chai';
import { type Database, encoders, errorCodes } from 'plinthdb';
import { type Encoding, HighContentionQueue, PriorityQueue, Queue } from 'plinthdb/recipes';
import { codeOf, commitOnce, type Storage, withDatabase } from '../fixture.ts';
import {
  Attempts,
  ascending,
  atOnce,
  Latch,
  meddledWith,
  place,
  runSteps,
  transactionCount,
  withSeed,
} from './support.ts';

interface Item {
  producer: number;
  number: number;
}

const items = encoders.json as Encoding<Item>;

export function queues(storage: Storage): void {
  describe('Queue', () => queue(storage));
  describe('HighContentionQueue', () => highContentionQueue(storage));
  describe('PriorityQueue', () => priorityQueue(storage));
}

/** Each producer's items in the order in which one consumer got them. */
function assertOrderOfProducers(consumed: readonly Item[]): void {
  const last = new Map<number, number>();
  for (const { producer, number } of consumed) {
    assert.isAbove(number, last.get(producer) ?? -1, `producer ${producer}`);
    last.set(producer, number);
  }
}

function assertEachOnce(consumed: readonly Item[], producers: number, each: number): void {
  const found = consumed.map(({ producer, number }) => producer * each + number);
  assert.deepEqual(
    ascending(found),
    Array.from({ length: producers * each }, (_, index) => index),
  );
}

/** Every producer pushes its items one after the other, all producers at once. */
async function produce(
  databases: readonly [Database, ...Database[]],
  each: number,
  push: (db: Database, item: Item) => Promise<void>,
): Promise<void> {
  await Promise.all(
    databases.map(async (db, producer) => {
      for (let number = 0; number < each; number += 1) await push(db, { producer, number });
    }),
  );
}

function queue(storage: Storage): void {
  const test = withDatabase(storage);

  it('is first in, first out', async () => {
    const letters = new Queue(place, encoders.json as Encoding<number>);
    await withSeed(storage, async (random) => {
      const model: number[] = [];
      for (let step = 0; step < transactionCount(storage); step += 1) {
        const pops = random.below(4);
        const pushes = Array.from({ length: random.below(4) }, () => random.below(1_000));
        await commitOnce(test.db, async (tn) => {
          for (let pop = 0; pop < pops; pop += 1) {
            assert.equal(await letters.peek(tn), model[0]);
            assert.equal(await letters.pop(tn), model.shift());
          }
          assert.equal(await letters.isEmpty(tn), model.length === 0);
          for (const number of pushes) letters.push(tn, number);
        });
        model.push(...pushes);
      }
      await commitOnce(test.db, (tn) => letters.clear(tn));
      assert.isTrue(await test.db.doTransaction((tn) => letters.isEmpty(tn)));
    });
  });

  it('gives each of several consumers items of its own, in the order of each producer', async () => {
    const again = await test.openAgain();
    const letters = new Queue(place, items);
    const attempts = new Attempts();
    const produced = produce([test.db, again, test.db], 12, (db, item) =>
      attempts.run(db, (tn) => letters.push(tn, item)),
    );
    const consumed: Item[][] = [[], [], []];
    let count = 0;
    const consume = async (db: Database, mine: Item[]) => {
      while (count < 36) {
        const item = await db.doTransaction((tn) => letters.pop(tn));
        if (item === undefined) continue;
        mine.push(item);
        count += 1;
      }
    };
    await Promise.all([
      produced,
      ...consumed.map((mine, index) => consume(index === 1 ? again : test.db, mine)),
    ]);
    assertEachOnce(consumed.flat(), 3, 12);
    for (const mine of consumed) assertOrderOfProducers(mine);
    assert.equal(attempts.repeated, 0, 'pushing conflicts with nothing');
  });

  it('has items of one transaction in the order of the calls, also through two objects', async () => {
    const [one, other] = [new Queue(place, encoders.string), new Queue(place, encoders.string)];
    await commitOnce(test.db, (tn) => {
      for (let round = 0; round < 5; round += 1) {
        one.push(tn, `one ${round}`);
        other.push(tn.snapshot(), `other ${round}`);
      }
    });
    const found = await test.db.doTransaction(async (tn) => {
      const popped: (string | undefined)[] = [];
      for (let pop = 0; pop < 10; pop += 1) popped.push(await one.pop(tn));
      return popped;
    });
    assert.deepEqual(
      found,
      [0, 1, 2, 3, 4].flatMap((round) => [`one ${round}`, `other ${round}`]),
    );
  });

  it('can not be popped by a transaction that has pushed: 1036', async () => {
    const letters = new Queue(place, encoders.string);
    const code = await codeOf(() =>
      commitOnce(test.db, (tn) => {
        letters.push(tn, 'a');
        return letters.pop(tn);
      }),
    );
    assert.equal(code, errorCodes.accessed_unreadable);
  });

  it('a pop of a transaction that fails did not happen', async () => {
    const letters = new Queue(place, encoders.string);
    await commitOnce(test.db, (tn) => letters.push(tn, 'a'));
    const outcome = await test.db
      .doTransaction(async (tn) => {
        await letters.pop(tn);
        throw new RangeError('no');
      })
      .catch((error: unknown) => error);
    assert.instanceOf(outcome, RangeError);
    assert.equal(await test.db.doTransaction((tn) => letters.pop(tn)), 'a');
  });
}

function highContentionQueue(storage: Storage): void {
  const test = withDatabase(storage);

  it('gives each item to one of many who pop at once, and nothing to the others', async () => {
    const again = await test.openAgain();
    const tickets = new HighContentionQueue(place, items);
    const pushed = new Attempts();
    await produce([test.db, again], 20, (db, item) => pushed.run(db, (tn) => tickets.push(tn, item)));
    assert.equal(pushed.repeated, 0);
    const popped = await atOnce(60, (index) => tickets.pop(index % 2 === 0 ? test.db : again));
    const found = popped.filter((item) => item !== undefined);
    assert.lengthOf(found, 40);
    assertEachOnce(found, 2, 20);
    assert.lengthOf(await test.db.getRangeAll('recipe/'), 0, 'nothing is left behind');
  });

  it('loses nothing where many push and pop at the same time', async () => {
    const again = await test.openAgain();
    const tickets = new HighContentionQueue(place, items);
    const consumed: Item[][] = [[], [], [], []];
    let count = 0;
    const consume = async (db: Database, mine: Item[]) => {
      while (count < 30) {
        const item = await tickets.pop(db);
        if (item === undefined) continue;
        mine.push(item);
        count += 1;
      }
    };
    await Promise.all([
      produce([test.db, again], 15, (db, item) => db.doTransaction((tn) => tickets.push(tn, item))),
      ...consumed.map((mine, index) => consume(index % 2 === 0 ? test.db : again, mine)),
    ]);
    assertEachOnce(consumed.flat(), 2, 15);
    for (const mine of consumed) assertOrderOfProducers(mine);
    assert.lengthOf(await test.db.getRangeAll('recipe/'), 0, 'nothing is left behind');
  });

  const nothing = () => undefined;

  it('does not hand out an item that was popped at once meanwhile', async () => {
    const tickets = new HighContentionQueue(place, encoders.string);
    for (const item of ['A', 'B', 'C']) await test.db.doTransaction((tn) => tickets.push(tn, item));
    const [isHeld, released] = [new Latch(), new Latch()];
    let poppedAtOnce: Promise<string | undefined> = Promise.resolve(undefined);
    const holding = meddledWith(test.db, [
      () => {
        isHeld.open();
        return released.opened;
      },
    ]);
    const waiting = meddledWith(test.db, [
      async () => {
        assert.equal(await tickets.pop(test.db), 'A');
        poppedAtOnce = tickets.pop(holding);
        await isHeld.opened;
      },
      nothing,
      // The one that waits is about to be given B, which the other one takes now.
      async () => {
        released.open();
        assert.equal(await poppedAtOnce, 'B');
      },
    ]);
    assert.equal(await tickets.pop(waiting), 'C');
    assert.lengthOf(await test.db.getRangeAll('recipe/'), 0);
  });

  it('does not hand out an item to one who has been told that there is none', async () => {
    const tickets = new HighContentionQueue(place, encoders.string);
    await test.db.doTransaction((tn) => tickets.push(tn, 'A'));
    const [isTaken, isRegistered, isPushed, isHeld, released] = Array.from(
      { length: 5 },
      () => new Latch(),
    ) as [Latch, Latch, Latch, Latch, Latch];
    const first = meddledWith(test.db, [
      async () => {
        assert.equal(await tickets.pop(test.db), 'A');
        isTaken.open();
      },
      isRegistered.open,
      // It finds no item for itself; one comes, and the second one is about to hand it to the first.
      async () => {
        await test.db.doTransaction((tn) => tickets.push(tn, 'B'));
        isPushed.open();
        await isHeld.opened;
      },
    ]);
    const second = meddledWith(test.db, [
      () => Promise.all([isTaken.opened, isRegistered.opened]),
      () => isPushed.opened,
      () => {
        isHeld.open();
        return released.opened;
      },
    ]);
    const popped = [tickets.pop(first), tickets.pop(second)];
    assert.isUndefined(await popped[0]);
    released.open();
    assert.equal(await popped[1], 'B');
    assert.lengthOf(await test.db.getRangeAll('recipe/'), 0);
  });

  it('is first in, first out for one who pops', async () => {
    const tickets = new HighContentionQueue(place, items);
    await produce([test.db], 10, (db, item) => db.doTransaction((tn) => tickets.push(tn, item)));
    for (let number = 0; number < 10; number += 1) assert.equal((await tickets.pop(test.db))?.number, number);
    assert.isUndefined(await tickets.pop(test.db));
  });
}

function priorityQueue(storage: Storage): void {
  const test = withDatabase(storage);
  const tasks = new PriorityQueue<number, number>(place, encoders.json);

  it('gives the smallest priority or the largest, the oldest first', async () => {
    const model: { priority: number; number: number }[] = [];
    let pushed = 0;
    const firstOf = (priority: number) => model.find((task) => task.priority === priority);
    const take = (task: (typeof model)[number] | undefined) => {
      if (task) model.splice(model.indexOf(task), 1);
      return task?.number;
    };
    await runSteps(test.db, storage, async (tn, random) => {
      const smallest = firstOf(Math.min(...model.map(({ priority }) => priority)));
      const largest = firstOf(Math.max(...model.map(({ priority }) => priority)));
      assert.deepEqual(await tasks.peek(tn), smallest && [smallest.priority, smallest.number]);
      assert.deepEqual(await tasks.peekLargest(tn), largest && [largest.priority, largest.number]);
      assert.equal(await tasks.isEmpty(tn), model.length === 0);
      if (random.chance(0.25)) {
        assert.equal(await tasks.pop(tn), take(smallest));
      } else if (random.chance(0.3)) {
        assert.equal(await tasks.popLargest(tn), take(largest));
      } else {
        const priority = random.below(5) - 2;
        await tasks.push(tn, priority, pushed);
        model.push({ priority, number: pushed++ });
      }
    });
  });

  it('loses nothing where many push and pop at once, and pushing conflicts with nothing', async () => {
    const attempts = new Attempts();
    await atOnce(24, (number) => attempts.run(test.db, (tn) => tasks.push(tn, number % 3, number)));
    assert.equal(attempts.repeated, 0);
    const popped = await atOnce(30, () => test.db.doTransaction((tn) => tasks.pop(tn)));
    assert.deepEqual(
      ascending(popped.filter((number) => number !== undefined)),
      Array.from({ length: 24 }, (_, number) => number),
    );
  });
}

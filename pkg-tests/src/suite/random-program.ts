/**
 * Random programs against a naive sorted map.
 *
 * The first runs one transaction at a time and compares every single read. The second runs several at once and looks
 * for a serial order that explains all of them: commit versions give the order between batches, and within a batch,
 * where transactions share a version, any order will do that also explains the state afterwards.
 */
import { assert } from 'chai';
import { type Database, type Transaction, versionNumber } from 'plinthdb';
import { END_OF_KEYS, fromHex, hex } from './bytes.ts';
import { codeOfError, type Storage, type TestDatabase, withDatabase } from './fixture.ts';
import { Random } from './random.ts';
import { hexRows, type RangeOptions, SortedMap } from './sorted-map.ts';

/** One operation; keys, bounds and values are hex digits. */
type Operation =
  | { kind: 'get'; key: string; snapshot: boolean }
  | { kind: 'range'; begin: string; end: string; options: RangeOptions; iterate: boolean; snapshot: boolean }
  | { kind: 'set'; key: string; value: string }
  | { kind: 'clear'; key: string }
  | { kind: 'clearRange'; begin: string; end: string };

/** What a read answered: absent, a value, or rows. */
type Answer = string | undefined | [string, string][];

export function randomProgram(storage: Storage): void {
  describe('random programs', () => {
    const test = withDatabase(storage);

    it('one transaction at a time agrees with a sorted map', async () => {
      await withSeed(storage.seed, (random) => runSequential(test, random, storage.steps));
    }).timeout(60_000);

    it('transactions at once are serializable', async () => {
      await withSeed(storage.seed + 1, (random) => runConcurrent(test, random, Math.ceil(storage.steps / 4)));
    }).timeout(60_000);
  });

  async function withSeed(seed: number, run: (random: Random) => Promise<void>): Promise<void> {
    try {
      await run(new Random(seed));
    } catch (error) {
      if (error instanceof Error) error.message = `seed ${storage.seed}: ${error.message}`;
      throw error;
    }
  }
}

// -- one at a time

async function runSequential(test: TestDatabase, random: Random, steps: number): Promise<void> {
  let db = test.db;
  let model = new SortedMap();
  for (let step = 0; step < steps; step += 1) {
    // Now and then everything has to come back from what is stored.
    if (random.chance(0.03)) {
      const before = db;
      db = await test.openAgain();
      await before.close();
    }
    const tn = db.rawCreateTransaction();
    const own = model.copy();
    for (let count = 1 + random.below(12); count > 0; count -= 1) {
      const operation = randomOperation(random);
      const context = `step ${step}: ${JSON.stringify(operation)}`;
      assert.deepEqual(await perform(tn, operation), applyToModel(own, operation), context);
    }
    if (random.chance(0.8)) {
      await tn.rawCommit();
      model = own;
    } else if (random.chance(0.5)) {
      tn.rawReset();
    } else {
      tn.rawCancel();
    }
  }
  assert.deepEqual(await readAll(await test.openAgain()), model.all(), 'the final state');
}

// -- several at once

interface Finished {
  operations: readonly Operation[];
  answers: readonly Answer[];
  /** -1: it wrote nothing. */
  version: number;
}

async function runConcurrent(test: TestDatabase, random: Random, rounds: number): Promise<void> {
  const handles = [test.db, await test.openAgain()];
  let model = new SortedMap();
  let conflictCount = 0;
  for (let round = 0; round < rounds; round += 1) {
    const programs = Array.from({ length: 2 + random.below(3) }, () => ({
      db: random.pick(handles as [Database, Database]),
      operations: Array.from({ length: 1 + random.below(6) }, () => randomOperation(random, false)),
    }));
    const outcomes = await Promise.all(programs.map(({ db, operations }) => runProgram(db, operations)));
    const finished = outcomes.filter((outcome) => outcome !== undefined);
    conflictCount += outcomes.length - finished.length;
    const after = await readAll(test.db);
    const explained = serialOrders(finished).some((order) => explains(model, order, finished, after));
    assert.isTrue(
      explained,
      `round ${round}: no serial order explains ${JSON.stringify({ before: model.all(), finished, after })}`,
    );
    model = new SortedMap(after);
  }
  // Were there none, the programs would hardly meet and the test could not fail.
  assert.isAbove(conflictCount, 0, 'no two transactions ever conflicted');
}

/** Undefined when it conflicted. */
async function runProgram(db: Database, operations: readonly Operation[]): Promise<Finished | undefined> {
  const tn = db.rawCreateTransaction();
  const answers: Answer[] = [];
  try {
    for (const operation of operations) answers.push(await perform(tn, operation));
    await tn.rawCommit();
  } catch (error) {
    assert.equal(codeOfError(error), 1020);
    return undefined;
  }
  return { operations, answers, version: versionNumber(tn.getCommittedVersion()) };
}

/** Every order of the writing transactions that respects their versions. */
function serialOrders(finished: readonly Finished[]): Finished[][] {
  const writers = finished.filter(({ version }) => version !== -1);
  const orders = permutations(writers);
  return orders.filter((order) =>
    order.every((one, index) => index === 0 || (order[index - 1]?.version ?? 0) <= one.version),
  );
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

/** Whether running `order` one after the other gives every answer that was given, and `after` at the end. */
function explains(
  before: SortedMap,
  order: readonly Finished[],
  finished: readonly Finished[],
  after: readonly [string, string][],
): boolean {
  const states = [before.copy()];
  let state = before.copy();
  for (const one of order) {
    state = state.copy();
    if (!answersAgree(state, one)) return false;
    states.push(state);
  }
  if (JSON.stringify(state.all()) !== JSON.stringify(after)) return false;
  const readers = finished.filter(({ version }) => version === -1);
  return readers.every((reader) => states.some((seen) => answersAgree(seen.copy(), reader)));
}

function answersAgree(state: SortedMap, { operations, answers }: Finished): boolean {
  return operations.every((operation, index) => {
    const expected = applyToModel(state, operation);
    return JSON.stringify(expected) === JSON.stringify(answers[index]);
  });
}

// -- operations

const FIRST_BYTES = ['00', '61', '62', 'fe'] as const;
const LATER_BYTES = ['00', '61', 'ff'] as const;

function randomKey(random: Random): string {
  let key = random.chance(0.05) ? '' : random.pick(FIRST_BYTES);
  while (key !== '' && random.chance(0.5)) key += random.pick(LATER_BYTES);
  return key;
}

function randomValue(random: Random): string {
  if (random.chance(0.02)) return hex(random.bytes(70_000));
  return hex(random.bytes(random.below(20)));
}

/** With `snapshots`, reads may be snapshot reads: those are not serializable, so only the first test has them. */
function randomOperation(random: Random, snapshots = true): Operation {
  const snapshot = snapshots && random.chance(0.2);
  const chosen = random.fraction();
  if (chosen < 0.3) return { kind: 'get', key: randomKey(random), snapshot };
  if (chosen < 0.55) return { kind: 'set', key: randomKey(random), value: randomValue(random) };
  if (chosen < 0.65) return { kind: 'clear', key: randomKey(random) };
  const [begin, end] = [randomKey(random), random.chance(0.1) ? 'ff' : randomKey(random)];
  if (chosen < 0.75)
    return { kind: 'clearRange', begin: begin < end ? begin : end, end: begin < end ? end : begin };
  const options = { limit: random.chance(0.5) ? 0 : 1 + random.below(4), reverse: random.chance(0.4) };
  return { kind: 'range', begin, end, options, iterate: random.chance(0.5), snapshot };
}

async function perform(tn: Transaction, operation: Operation): Promise<Answer> {
  switch (operation.kind) {
    case 'get': {
      const value = await (operation.snapshot ? tn.snapshot() : tn).get(fromHex(operation.key));
      return value === undefined ? undefined : hex(value);
    }
    case 'range': {
      const reader = operation.snapshot ? tn.snapshot() : tn;
      const [begin, end] = [fromHex(operation.begin), fromHex(operation.end)];
      if (!operation.iterate) return hexRows(await reader.getRangeAll(begin, end, operation.options));
      const rows: [string, string][] = [];
      for await (const [key, value] of reader.getRange(begin, end, operation.options)) {
        rows.push([hex(key), hex(value)]);
      }
      return rows;
    }
    case 'set':
      tn.set(fromHex(operation.key), fromHex(operation.value));
      return undefined;
    case 'clear':
      tn.clear(fromHex(operation.key));
      return undefined;
    case 'clearRange':
      tn.clearRange(fromHex(operation.begin), fromHex(operation.end));
      return undefined;
  }
}

function applyToModel(model: SortedMap, operation: Operation): Answer {
  switch (operation.kind) {
    case 'get':
      return model.get(operation.key);
    case 'range':
      return model.range(operation.begin, operation.end, operation.options);
    case 'set':
      model.set(operation.key, operation.value);
      return undefined;
    case 'clear':
      model.clear(operation.key);
      return undefined;
    case 'clearRange':
      model.clearRange(operation.begin, operation.end);
      return undefined;
  }
}

async function readAll(db: Database): Promise<[string, string][]> {
  return hexRows(await db.getRangeAll(new Uint8Array(0), END_OF_KEYS));
}

/**
 * The checker of histories is checked itself: each anomaly is planted once, and random small histories are judged as
 * trying all orders judges them.
 */
import { assert } from 'chai';
import { Random } from '../suite/random.ts';
import { type Operation, type RecordedTransaction, violationsOf } from '../support/strict-serializability.ts';

function read(key: string, ...list: string[]): Operation {
  return { kind: 'read', key, list };
}

function append(key: string, element: string): Operation {
  return { kind: 'append', key, element };
}

/** Committed, one after the other unless told otherwise. */
function transaction(
  name: string,
  begunAt: number,
  endedAt: number,
  ...operations: Operation[]
): RecordedTransaction {
  return { name, begunAt, endedAt, fate: 'committed', operations };
}

function assertRefused(history: readonly RecordedTransaction[], because: RegExp): void {
  const violations = violationsOf(history);
  assert.isNotEmpty(violations, 'nothing found');
  assert.match(violations.join('\n'), because);
}

function assertAccepted(history: readonly RecordedTransaction[]): void {
  assert.deepEqual(violationsOf(history), []);
}

export function historyChecker(seed: number): void {
  describe('the checker of histories', () => {
    it('accepts what happened one after the other, and what overlapped in either order', () => {
      assertAccepted([
        transaction('A', 0, 1, read('x'), append('x', 'a')),
        transaction('B', 2, 3, read('x', 'a'), append('x', 'b'), read('x', 'a', 'b')),
        transaction('C', 2.5, 5, read('x', 'a')),
        transaction('D', 2.5, 5, read('x', 'a', 'b')),
      ]);
    });

    it('finds a lost update', () => {
      assertRefused(
        [
          transaction('A', 0, 5, read('x'), append('x', 'a')),
          transaction('B', 0, 5, read('x'), append('x', 'b')),
          transaction('C', 6, 7, read('x', 'a', 'b')),
        ],
        /cycle/,
      );
      // Overwritten, not only overlooked.
      assertRefused(
        [
          transaction('A', 0, 1, read('x'), append('x', 'a')),
          transaction('B', 2, 3, append('x', 'b')),
          transaction('C', 6, 7, read('x', 'b')),
        ],
        /read x without what was appended by|had ended before/,
      );
    });

    it('finds a stale read', () => {
      const history = [
        transaction('A', 0, 1, append('x', 'a')),
        transaction('B', 2, 3, read('x')),
        transaction('C', 4, 5, read('x', 'a')),
      ];
      assertRefused(history, /had ended before the beginning of B/);
      assertAccepted(history.map((one) => (one.name === 'B' ? { ...one, begunAt: 0.5 } : one)));
    });

    it('finds write skew', () => {
      assertRefused(
        [
          transaction('A', 0, 5, read('x'), read('y'), append('x', 'a')),
          transaction('B', 0, 5, read('x'), read('y'), append('y', 'b')),
          transaction('C', 6, 7, read('x', 'a'), read('y', 'b')),
        ],
        /A .*B .*A/,
      );
    });

    it('finds a fractured read', () => {
      assertRefused(
        [
          transaction('A', 0, 5, append('x', 'a'), append('y', 'a2')),
          transaction('B', 0, 5, read('x', 'a'), read('y')),
          transaction('C', 6, 7, read('x', 'a'), read('y', 'a2')),
        ],
        /A .*B/,
      );
      assertRefused(
        [transaction('A', 0, 5, append('x', 'a')), transaction('B', 0, 5, read('x'), read('x', 'a'))],
        /B read x as \[\] and later as \[a\]/,
      );
      assertRefused(
        [transaction('A', 0, 5, append('x', 'a'), append('x', 'a2')), transaction('B', 0, 5, read('x', 'a'))],
        /A appended \[a a2\]/,
      );
    });

    it('finds two readers that saw two writes in opposite orders', () => {
      assertRefused(
        [
          transaction('A', 0, 9, append('x', 'a')),
          transaction('B', 0, 9, append('y', 'b')),
          transaction('C', 0, 9, read('x', 'a'), read('y')),
          transaction('D', 0, 9, read('x'), read('y', 'b')),
          transaction('E', 10, 11, read('x', 'a'), read('y', 'b')),
        ],
        /cycle/,
      );
      assertRefused(
        [
          transaction('A', 0, 9, append('x', 'a')),
          transaction('B', 0, 9, append('x', 'b')),
          transaction('C', 0, 9, read('x', 'a', 'b')),
          transaction('D', 0, 9, read('x', 'b', 'a')),
        ],
        /two orders/,
      );
    });

    it('finds what a failed transaction wrote, what nobody wrote, and what came twice', () => {
      const failed = { ...transaction('A', 0, 1, append('x', 'a')), fate: 'failed' } as const;
      assertRefused([failed, transaction('B', 2, 3, read('x', 'a'))], /A failed/);
      assertAccepted([failed, transaction('B', 2, 3, read('x'))]);
      assertRefused([transaction('B', 2, 3, read('x', 'z'))], /nobody appended z/);
      assertRefused(
        [transaction('A', 0, 1, append('x', 'a')), transaction('B', 2, 3, read('x', 'a', 'a'))],
        /twice/,
      );
      assertRefused(
        [transaction('B', 2, 3, append('x', 'b'), read('x'))],
        /B appended \[b\] to x and then read \[\]/,
      );
    });

    it('lets one whose fate is unknown have happened, also late, or not', () => {
      const unknown = {
        ...transaction('A', 0, 1, append('x', 'a'), append('y', 'a2')),
        fate: 'unknown',
      } as const;
      assertAccepted([unknown, transaction('B', 2, 3, read('x'), read('y'))]);
      assertAccepted([unknown, transaction('B', 2, 3, read('x')), transaction('C', 4, 5, read('y', 'a2'))]);
      assertRefused([unknown, transaction('B', 2, 3, read('x', 'a'), read('y'))], /A .*B/);
      assertRefused(
        [unknown, transaction('B', 2, 3, read('x', 'a')), transaction('C', 4, 5, read('y'))],
        /A .*B .*C/,
      );
    });

    it('judges random histories as trying every order does', () => {
      const random = new Random(seed);
      const verdicts = { accepted: 0, refused: 0 };
      for (let round = 0; round < 3_000; round += 1) {
        const history = randomHistory(random);
        const isPossible = someOrderExplains(history);
        const violations = violationsOf(history);
        const shown = `seed ${seed}, round ${round}: ${JSON.stringify(history)}\n${violations.join('\n')}`;
        assert.equal(violations.length === 0, isPossible, shown);
        verdicts[isPossible ? 'accepted' : 'refused'] += 1;
      }
      assert.isAbove(verdicts.accepted, 300);
      assert.isAbove(verdicts.refused, 300);
    });
  });
}

/** A possible history, often made impossible by a small change. */
function randomHistory(random: Random): RecordedTransaction[] {
  const state = new Map<string, string[]>([
    ['x', []],
    ['y', []],
  ]);
  const history: RecordedTransaction[] = [];
  const count = 2 + random.below(4);
  for (let index = 0; index < count; index += 1) {
    const isKept = random.chance(0.85);
    const operations: Operation[] = [];
    const mine = new Map([...state].map(([key, list]) => [key, [...list]]));
    for (let step = 0; step < 1 + random.below(4); step += 1) {
      const key = random.pick(['x', 'y']);
      const list = mine.get(key) ?? [];
      if (random.chance(0.55)) operations.push(read(key, ...list));
      else {
        const element = `${index}.${step}`;
        list.push(element);
        operations.push(append(key, element));
      }
    }
    const fate = isKept ? 'committed' : random.pick<RecordedTransaction['fate']>(['failed', 'unknown']);
    if (fate === 'committed' || (fate === 'unknown' && random.chance(0.5))) {
      for (const [key, list] of mine) state.set(key, list);
    }
    const begunAt = index * 10 - random.below(25);
    history.push({ name: `T${index}`, begunAt, endedAt: index * 10 + random.below(25), fate, operations });
  }
  // Somebody looks at everything at the end, mostly.
  if (random.chance(0.7)) {
    const looks = [...state].map(([key, list]) => read(key, ...list));
    history.push(transaction('last', 200, 201, ...looks));
  }
  return random.chance(0.3) ? history : changed(history, random);
}

/** One list that was read loses or gets an element, or one transaction is moved in time. */
function changed(history: readonly RecordedTransaction[], random: Random): RecordedTransaction[] {
  const victim = random.below(history.length);
  const isMoved = random.chance(0.3);
  const shift = random.below(80) - 40;
  return history.map((one, index) => {
    if (index !== victim) return one;
    if (isMoved) return { ...one, begunAt: one.begunAt + shift, endedAt: one.endedAt + shift };
    const operations = one.operations.map((operation): Operation => {
      if (operation.kind === 'append' || !random.chance(0.6)) return operation;
      const list = [...operation.list];
      if (list.length > 0 && random.chance(0.7)) list.splice(random.below(list.length), 1);
      else list.push(`${random.below(6)}.${random.below(3)}`);
      return { ...operation, list };
    });
    return { ...one, operations };
  });
}

/** The definition itself: some order of some of the transactions explains every read and keeps to real time. */
function someOrderExplains(history: readonly RecordedTransaction[]): boolean {
  function precedes(left: RecordedTransaction, right: RecordedTransaction): boolean {
    return left.fate !== 'unknown' && left.endedAt < right.begunAt;
  }

  function search(
    left: readonly RecordedTransaction[],
    state: ReadonlyMap<string, readonly string[]>,
  ): boolean {
    if (left.length === 0) return true;
    return left.some((next) => {
      if (left.some((other) => other !== next && precedes(other, next))) return false;
      const rest = left.filter((other) => other !== next);
      const after = run(next, state);
      if (after === undefined) return false;
      if (next.fate !== 'failed' && search(rest, after)) return true;
      // A failed one has only read; one of unknown fate may have.
      return next.fate !== 'committed' && search(rest, state);
    });
  }
  return search(history, new Map());
}

/** The state after the transaction; undefined if it can't have read what it read. */
function run(
  { operations }: RecordedTransaction,
  before: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, readonly string[]> | undefined {
  const state = new Map(before);
  for (const operation of operations) {
    const list = state.get(operation.key) ?? [];
    if (operation.kind === 'append') state.set(operation.key, [...list, operation.element]);
    else if (list.join() !== operation.list.join()) return undefined;
  }
  return state;
}

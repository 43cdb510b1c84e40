/** `db.set`, `db.add` and their like: one write, which is a transaction by itself. */
import { assert } from 'chai';
import { errorCodes, FDBError, tuple } from 'plinthdb';
import { rowTexts, text, utf8 } from './bytes.ts';
import { codeOf, type Storage, withDatabase } from './fixture.ts';

/** What it rejects with. */
async function failureOf(action: () => Promise<unknown>): Promise<{ code: number; message: string }> {
  try {
    await action();
  } catch (error) {
    assert.instanceOf(error, FDBError);
    const { code, message } = error as FDBError;
    return { code, message };
  }
  return assert.fail('it did not fail');
}

export function singleWrites(storage: Storage): void {
  describe('a single write', () => {
    const test = withDatabase(storage);

    const refused: [string, string | Uint8Array, Uint8Array, number | undefined][] = [
      ['a key that is too long', 'k'.repeat(10_001), new Uint8Array(1), undefined],
      ['a value that is too long', 'k', new Uint8Array(100_001), undefined],
      ['a key of the system', Uint8Array.of(0xff, 1), new Uint8Array(1), undefined],
      ['an operation that is none', 'k', new Uint8Array(1), 99],
      ['the number of a plain set', 'k', new Uint8Array(1), 0],
      ['an operand that is too long', 'k', new Uint8Array(100_001), 2],
    ];
    for (const [what, key, operand, operation] of refused) {
      it(`fails for ${what} as the same write in a transaction does, and is recorded once`, async () => {
        const { db } = test;
        const alone = await failureOf(() =>
          operation === undefined ? db.set(key, operand) : db.atomicOp(operation, key, operand),
        );
        assert.lengthOf(db.recent().errors, 1);
        const inTransaction = await failureOf(() =>
          db.doOneshot((tn) =>
            operation === undefined ? tn.set(key, operand) : tn.atomicOp(operation, key, operand),
          ),
        );
        assert.deepEqual(alone, inTransaction);
        assert.isEmpty(await db.getRangeAll(''));
      });
    }

    it('takes effect in the order of the calls', async () => {
      const { db } = test;
      const calls: Promise<void>[] = [];
      for (let round = 0; round < 50; round += 1) {
        calls.push(db.set('counter', Uint8Array.of(round, 0)));
        calls.push(db.add('counter', Uint8Array.of(0, 1)));
        calls.push(db.set(`short/${round}`, 'x'));
        calls.push(db.set('long', 'x'.repeat(round * 100)));
        // Long ones take another way.
        calls.push(db.set('mixed', 'x'.repeat(2_000)));
        calls.push(db.clear('mixed'));
        calls.push(db.set('mixed', 'short'));
      }
      await Promise.all(calls);
      assert.equal(text(await db.get('mixed')), 'short');
      assert.deepEqual(await db.get('counter'), Uint8Array.of(49, 1));
      assert.lengthOf((await db.get('long')) ?? new Uint8Array(0), 4_900);
      assert.lengthOf(await db.getRangeAllStartsWith('short/'), 50);
    });

    it('has what was given at the call', async () => {
      const [key, value] = [utf8('key'), utf8('value')];
      const written = test.db.set(key, value);
      key.fill(0);
      value.fill(0);
      await written;
      assert.deepEqual(rowTexts(await test.db.getRangeAll('')), [['key', 'value']]);
    });

    it('encodes its key and its value, and rejects with what an encoding throws', async () => {
      const db = test.db
        .at('part/')
        .withKeyEncoding(tuple)
        .withValueEncoding({
          pack: (value: number) => {
            if (value < 0) throw new RangeError('no number of mine');
            return Uint8Array.of(value);
          },
          unpack: (packed: Uint8Array) => packed[0] as number,
        });
      await db.set(['a', 1], 7);
      await db.add(['a', 1], 3);
      assert.equal(await db.get(['a', 1]), 10);
      let thrown: unknown;
      await db.set(['a', 1], -1).catch((error: unknown) => {
        thrown = error;
      });
      assert.instanceOf(thrown, RangeError);
    });

    it('is refused once the database is closed', async () => {
      const db = await test.openAgain();
      await db.close();
      assert.equal(await codeOf(() => db.set('k', 'v')), errorCodes.client_invalid_operation);
      assert.equal(await codeOf(() => db.add('k', 'v')), errorCodes.client_invalid_operation);
    });

    it('keeps to the options that are set for all transactions', async () => {
      const { db } = test;
      db.setNativeOptions({ transaction_size_limit: 100 });
      const { code } = await failureOf(() => db.set('k', 'x'.repeat(100)));
      assert.equal(code, errorCodes.transaction_too_large);
      await db.set('k', 'x');
    });
  });
}

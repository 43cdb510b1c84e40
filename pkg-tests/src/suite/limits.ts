/** Limits and the legal key space: which call fails, and with which number. */
import { assert } from 'chai';
import type { Database, Transaction } from 'plinthdb';
import { errorCodes, FDBError } from 'plinthdb';
import { END_OF_KEYS, text } from './bytes.ts';
import { codeOf, codeThrownBy, fill, type Storage, withDatabase } from './fixture.ts';

const KEY_BYTES_MAX = 10_000;
const VALUE_BYTES_MAX = 100_000;

export function limits(storage: Storage): void {
  describe('limits and errors', () => {
    const test = withDatabase(storage);

    function transaction(db: Database = test.db): Transaction {
      return db.rawCreateTransaction();
    }

    it('an error carries FoundationDB’s number and a message, and is an Error', () => {
      const tn = transaction();
      try {
        tn.set(END_OF_KEYS, '');
      } catch (error) {
        assert.instanceOf(error, FDBError);
        assert.instanceOf(error, Error);
        assert.equal((error as FDBError).name, 'FDBError');
        assert.equal((error as FDBError).code, errorCodes.key_outside_legal_range);
        assert.isNotEmpty((error as FDBError).message);
        return;
      }
      assert.fail('nothing was thrown');
    });

    it('the error table has FoundationDB’s numbers', () => {
      assert.include(errorCodes, {
        transaction_too_old: 1007,
        not_committed: 1020,
        transaction_cancelled: 1025,
        io_error: 1510,
        file_corrupt: 1522,
        client_invalid_operation: 2000,
        key_outside_legal_range: 2004,
        inverted_range: 2005,
        used_during_commit: 2017,
        transaction_too_large: 2101,
        key_too_large: 2102,
        value_too_large: 2103,
      });
    });

    it('a key of 10,001 bytes is refused with 2102', () => {
      const tn = transaction();
      tn.set(new Uint8Array(KEY_BYTES_MAX), '');
      assert.equal(
        codeThrownBy(() => tn.set(new Uint8Array(KEY_BYTES_MAX + 1), '')),
        2102,
      );
    });

    it('a value of 100,001 bytes is refused with 2103', () => {
      const tn = transaction();
      tn.set('key', new Uint8Array(VALUE_BYTES_MAX));
      assert.equal(
        codeThrownBy(() => tn.set('key', new Uint8Array(VALUE_BYTES_MAX + 1))),
        2103,
      );
    });

    it('limits count bytes, not characters', () => {
      const tn = transaction();
      assert.equal(
        codeThrownBy(() => tn.set('ä'.repeat(KEY_BYTES_MAX / 2 + 1), '')),
        2102,
      );
      assert.equal(
        codeThrownBy(() => tn.set('key', 'ä'.repeat(VALUE_BYTES_MAX / 2 + 1))),
        2103,
      );
    });

    it('the legal range is checked before the key length, and that before the value length', () => {
      const tn = transaction();
      const hugeKey = new Uint8Array(KEY_BYTES_MAX + 1);
      const hugeValue = new Uint8Array(VALUE_BYTES_MAX + 1);
      assert.equal(
        codeThrownBy(() => tn.set(hugeKey, hugeValue)),
        2102,
      );
      const illegal = hugeKey.slice();
      // Keys that begin with ff may be longer, so only an absurd one fails on both counts.
      illegal[0] = 0xff;
      assert.equal(
        codeThrownBy(() => tn.set(illegal, hugeValue)),
        2004,
      );
    });

    it('a refused write leaves the rest of the transaction as it was', async () => {
      await test.db.doTransaction((tn) => {
        tn.set('before', '1');
        codeThrownBy(() => tn.set(END_OF_KEYS, ''));
        tn.set('after', '2');
      });
      assert.equal(text(await test.db.get('before')), '1');
      assert.equal(text(await test.db.get('after')), '2');
    });

    it('keys from ff on can be neither read nor written: 2004', async () => {
      const tn = transaction();
      const beyond = Uint8Array.of(0xff, 0x00);
      assert.equal(
        codeThrownBy(() => tn.set(END_OF_KEYS, '')),
        2004,
      );
      assert.equal(
        codeThrownBy(() => tn.clear(END_OF_KEYS)),
        2004,
      );
      assert.equal(
        codeThrownBy(() => tn.clearRange('a', beyond)),
        2004,
      );
      assert.equal(
        codeThrownBy(() => tn.clearRange(beyond, Uint8Array.of(0xff, 0x01))),
        2004,
      );
      assert.equal(await codeOf(() => tn.get(END_OF_KEYS)), 2004);
      assert.equal(await codeOf(() => tn.exists(END_OF_KEYS)), 2004);
      assert.equal(await codeOf(() => tn.getRangeAll('a', beyond)), 2004);
      assert.equal(await codeOf(() => tn.getRange('a', beyond)[Symbol.asyncIterator]().next()), 2004);
      assert.equal(await codeOf(() => tn.watch(END_OF_KEYS).promise), 2004);
    });

    it('ff itself is a legal exclusive end', async () => {
      const tn = transaction();
      tn.clearRange('a', END_OF_KEYS);
      tn.addReadConflictRange('a', END_OF_KEYS);
      tn.addWriteConflictRange('a', END_OF_KEYS);
      assert.deepEqual(await tn.getRangeAll('a', END_OF_KEYS), []);
    });

    it('inverted ranges are refused with 2005 where they are written or declared', () => {
      const tn = transaction();
      assert.equal(
        codeThrownBy(() => tn.clearRange('b', 'a')),
        2005,
      );
      assert.equal(
        codeThrownBy(() => tn.addReadConflictRange('b', 'a')),
        2005,
      );
      assert.equal(
        codeThrownBy(() => tn.addWriteConflictRange('b', 'a')),
        2005,
      );
    });

    it('reading or clearing an over-long key finds nothing and is no error', async () => {
      const overlong = new Uint8Array(KEY_BYTES_MAX + 1).fill(0x61);
      await fill(test.db, { a: '1' });
      await test.db.doTransaction(async (tn) => {
        assert.isUndefined(await tn.get(overlong));
        assert.isFalse(await tn.exists(overlong));
        tn.clear(overlong);
      });
      assert.equal(text(await test.db.get('a')), '1');
    });

    it('over-long range bounds work as bounds', async () => {
      await fill(test.db, { a: '1', b: '2' });
      const afterA = new Uint8Array(KEY_BYTES_MAX + 500).fill(0x61);
      const rows = await test.db.getRangeAll(afterA, 'c');
      assert.deepEqual(
        rows.map(([key]) => text(key)),
        ['b'],
      );
      await test.db.clearRange(afterA, 'c');
      assert.equal(text(await test.db.get('a')), '1');
      assert.isUndefined(await test.db.get('b'));
    });

    it('watching an over-long key is refused with 2102', async () => {
      const tn = transaction();
      assert.equal(await codeOf(() => tn.watch(new Uint8Array(KEY_BYTES_MAX + 1)).promise), 2102);
    });

    it('a transaction of more than 10,000,000 bytes is refused at commit with 2101, and nothing is written', async () => {
      const tn = transaction();
      const value = new Uint8Array(VALUE_BYTES_MAX);
      for (let index = 0; index <= 100; index += 1) tn.set(`large/${index}`, value);
      assert.equal(await codeOf(() => tn.rawCommit()), 2101);
      assert.deepEqual(await test.db.getRangeAll('large/'), []);
    });

    it('a value of the wrong type is refused before anything happens', () => {
      const tn = transaction();
      const wrong = undefined as unknown as string;
      assert.throws(() => tn.set('key', wrong));
      assert.throws(() => tn.set(17 as unknown as string, 'value'));
      assert.throws(() => tn.clear(wrong));
    });
  });
}

/** Databases and transactions of a subspace: prefixes and encodings, in every call, and versionstamps in them. */
import { assert } from 'chai';
import {
  directory,
  encoders,
  errorCodes,
  keySelector,
  MutationType,
  root,
  StreamingMode,
  Subspace,
  subspaceEnd,
  type TupleItem,
  tuple,
} from 'plinthdb';
import { fromHex, hex, text, utf8 } from './bytes.ts';
import { codeOf, codeThrownBy, type Storage, withDatabase } from './fixture.ts';

export function scopes(storage: Storage): void {
  describe('scoped databases', () => {
    const test = withDatabase(storage);
    const rootRows = async () =>
      (await test.db.getRoot().getRangeAll('')).map(([key, value]) => [hex(key), hex(value)]);

    it('put the prefix before every key that is given, and take it from every key that is read', async () => {
      const app = test.db.at('app/');
      const users = app.at('users/');
      await users.set('ann', 'Ann');
      await test.db.set('apq', 'outside');
      assert.equal(text(await test.db.get('app/users/ann')), 'Ann');
      assert.equal(text(await users.get('ann')), 'Ann');
      assert.deepEqual(users.getPrefix(), utf8('app/users/'));
      assert.equal(text(await app.getKey('')), 'users/ann');
      assert.isUndefined(await users.getKey('zoe'), 'the next key is outside');
      assert.isUndefined(await users.getKey(keySelector.lastLessThan('ann')));
      const rows = await app.getRangeAll('');
      assert.deepEqual(rows, [[utf8('users/ann'), utf8('Ann')]]);
      await app.clearRangeStartsWith('users/');
      assert.deepEqual(await rootRows(), [[hex(utf8('apq')), hex(utf8('outside'))]]);
    });

    it('encode keys and values by their encodings, in all calls that read and write', async () => {
      const people = test.db.at('p').withKeyEncoding(tuple).withValueEncoding(encoders.json);
      await people.doTransaction(async (tn) => {
        tn.set(['ann', 1], { age: 30 });
        tn.set(['ann', 2], [true]);
        tn.set(['bob'], null);
        assert.deepEqual(await tn.get(['ann', 1]), { age: 30 });
        assert.isTrue(await tn.exists(['bob']));
        assert.isFalse(await tn.exists(['zoe']));
        assert.deepEqual(await tn.getKey(keySelector.firstGreaterThan(['ann', 1])), ['ann', 2]);
        const seen: unknown[] = [];
        for await (const row of tn.getRange(['ann'])) seen.push(row);
        for await (const batch of tn.getRangeBatch(['b'], ['c'])) seen.push(batch);
        assert.deepEqual(seen, [[['ann', 1], { age: 30 }], [['ann', 2], [true]], [[['bob'], null]]]);
      });
      assert.deepEqual(await people.getRangeAll(['ann'], undefined, { reverse: true, limit: 1 }), [
        [['ann', 2], [true]],
      ]);
      assert.deepEqual(await people.getRangeAllStartsWith(['bob']), [], 'the tuple itself is not below it');
      assert.lengthOf(await people.getRangeAll([]), 3);
      await people.clear(['bob']);
      await people.clearRange(['ann', 2], ['ann', 9]);
      assert.deepEqual(await people.getRangeAll([]), [[['ann', 1], { age: 30 }]]);
      assert.deepEqual(await rootRows(), [[`70${hex(tuple.pack(['ann', 1]))}`, hex(utf8('{"age":30}'))]]);
    });

    it('`at` takes encodings with the prefix, and the prefix in the encoding at hand', async () => {
      const numbers = test.db.withKeyEncoding(tuple).at(['n'], encoders.int32BE, encoders.string);
      await numbers.set(258, 'text');
      assert.equal(await numbers.get(258), 'text');
      const values = test.db.withKeyEncoding(tuple).at(['n'], undefined, encoders.int32BE);
      await values.set(['x'], -2);
      assert.equal(await values.get(['x']), -2);
      assert.deepEqual(await rootRows(), [
        ['026e0000000102', hex(utf8('text'))],
        ['026e00027800', 'fffffffe'],
      ]);
      assert.deepEqual(numbers.at(null).getPrefix(), numbers.getPrefix());
      assert.deepEqual(
        numbers.withKeyEncoding().withValueEncoding().getSubspace().packKey('a'),
        fromHex('026e0061'),
      );
    });

    it('`at` takes what has a subspace: itself, a database, a transaction, a directory', async () => {
      const subspace = new Subspace('s/', encoders.string, encoders.json);
      await test.db.at('ignored').at(subspace).set('k', 1);
      assert.equal(await test.db.at(test.db.at(subspace)).get('k'), 1);
      await test.db.doTransaction(async (tn) => {
        const there = tn.at(subspace);
        assert.equal(await there.get('k'), 1);
        assert.equal(await tn.at(there).get('k'), 1);
        assert.equal(await tn.scopedTo(test.db.at(subspace)).get('k'), 1);
        assert.isTrue(tn.snapshot().at(subspace).isSnapshot);
        assert.strictEqual(there.getSubspace(), subspace);
        tn.at(root).set('plain', 'v');
      });
      assert.equal(text(await test.db.get('plain')), 'v');
      const made = await directory.createOrOpen(test.db.at(subspace), ['some', 'where']);
      await test.db.at(made).set('in it', { a: 1 });
      assert.deepEqual(await test.db.at(made).getRangeAll(''), [['in it', { a: 1 }]]);
      assert.strictEqual<unknown>(made.getSubspace().valueXf, encoders.json);
      const again = await directory.open(test.db.withKeyEncoding(tuple), ['some', 'where']);
      assert.strictEqual<unknown>(again.getSubspace().keyXf, tuple);
    });

    it('a range goes to the end of the subspace, in every encoding', async () => {
      const tuples = test.db.at('t', tuple, encoders.string);
      await tuples.set(['a'], 'one');
      await tuples.set(['x', 2], 'two');
      await tuples.set(['y'], 'three');
      await test.db.set('u', 'outside');
      assert.deepEqual(await tuples.getRangeAll(['x'], subspaceEnd), [
        [['x', 2], 'two'],
        [['y'], 'three'],
      ]);
      const after = keySelector.firstGreaterThan<TupleItem[]>(['x', 2]);
      assert.deepEqual(await tuples.getRangeAll(after, subspaceEnd), [[['y'], 'three']]);
      assert.isAbove(await tuples.getEstimatedRangeSizeBytes([], subspaceEnd), 10);
      await tuples.clearRange(['x'], subspaceEnd);
      assert.deepEqual(await tuples.getRangeAll([]), [[['a'], 'one']]);
      assert.equal(text(await test.db.get('u')), 'outside');
      const numbers = test.db.at('n', encoders.int32BE, encoders.int32BE);
      await numbers.set(7, 8);
      assert.deepEqual(await numbers.getRangeAll(-1, subspaceEnd), [], 'negative ones sort behind');
      assert.deepEqual(await numbers.getRangeAll(0, subspaceEnd), [[7, 8]]);
    });

    it('conflicts are about the encoded keys', async () => {
      const tuples = test.db.at('t', tuple);
      const conflicting = async (declare: (tn: ReturnType<typeof tuples.rawCreateTransaction>) => void) => {
        const tn = tuples.rawCreateTransaction();
        await tn.getReadVersion();
        declare(tn);
        tn.set(['mine'], '');
        await tuples.set(['a', 1], 'theirs');
        return codeOf(() => tn.rawCommit());
      };
      assert.equal(await conflicting((tn) => tn.addReadConflictKey(['a', 1])), 1020);
      assert.equal(await conflicting((tn) => tn.addReadConflictRange(['a'], ['b'])), 1020);
      assert.equal(await conflicting((tn) => tn.addReadConflictRange(['a'], subspaceEnd)), 1020);
      const [reader, writer] = [tuples.rawCreateTransaction(), tuples.rawCreateTransaction()];
      await reader.get(['k']);
      reader.set(['mine'], '');
      writer.addWriteConflictKey(['k']);
      writer.addWriteConflictRange(['l'], ['m']);
      await writer.rawCommit();
      assert.equal(await codeOf(() => reader.rawCommit()), 1020);
    });

    it('atomic operations encode operands as values, or take their bytes', async () => {
      const little = {
        pack: (number: number) => Uint8Array.of(number),
        unpack: (bytes: Uint8Array) => bytes[0],
      };
      const counters = test.db.at('c', tuple, little);
      await counters.add(['n'], 3);
      await counters.add(['n'], 4);
      assert.equal(await counters.get(['n']), 7);
      await counters.doOneshot((tn) => {
        tn.max(['n'], 9);
        tn.bitOr(['n'], 4);
        tn.bitAndBuf(['n'], Uint8Array.of(0x0f));
        tn.bitXorBuf(['n'], Uint8Array.of(0x01));
        tn.bitOrBuf(['n'], Uint8Array.of(0x40));
        tn.atomicOpKB(MutationType.Add, ['n'], Uint8Array.of(1));
        tn.atomicOpNative(MutationType.Add, 'raw', Uint8Array.of(5));
        tn.byteMin(['m'], 6);
      });
      assert.equal(await counters.get(['n']), 0x4d);
      assert.deepEqual(await test.db.get('raw'), Uint8Array.of(5));
      await counters.atomicOp(MutationType.CompareAndClear, ['n'], 0x4d);
      assert.isUndefined(await counters.get(['n']));
      await counters.bitAndBuf(['m'], Uint8Array.of(3));
      assert.equal(await counters.get(['m']), 2);
    });

    it('watches watch the encoded key', async () => {
      const scoped = test.db.at('w', tuple, encoders.json);
      const watch = await scoped.setAndWatch(['k'], { n: 1 });
      await test.db.set('wk', 'another key');
      await scoped.set(['k'], { n: 2 });
      assert.isTrue(await watch.promise);
      const again = await scoped.getAndWatch(['k']);
      assert.deepEqual(again.value, { n: 2 });
      again.cancel();
      (await scoped.clearAndWatch(['k'])).cancel();
      assert.isUndefined(await scoped.get(['k']));
    });

    it('split points are keys of the subspace', async () => {
      const scoped = test.db.at('s', tuple);
      const value = 'x'.repeat(1000);
      await scoped.doOneshot((tn) => {
        for (let number = 0; number < 50; number += 1) tn.set([number], value);
      });
      const points = await scoped.getRangeSplitPoints([0], [50], 10_000);
      assert.deepEqual([points[0], points.at(-1)], [[0], [50]]);
      assert.isAbove(points.length, 2);
      assert.deepEqual(await scoped.getBoundaryKeys([0], [50]), []);
      assert.deepEqual(await test.db.getBoundaryKeys('', 'x'), [new Uint8Array(0)]);
    });

    it('single batches come raw or encoded', async () => {
      const scoped = test.db.at('b', tuple, encoders.string);
      await scoped.set(['a', 1], 'one');
      await scoped.set(['a', 2], 'two');
      const tn = scoped.rawCreateTransaction();
      const begin = keySelector.firstGreaterOrEqual<TupleItem[]>(['a']);
      const encoded = await tn.getRangeRaw(begin, null, 1, 0, StreamingMode.Exact, 1, false);
      assert.deepEqual(encoded, { results: [[['a', 1], 'one']], more: true });
      const native = await tn.getRangeNative(
        keySelector.firstGreaterOrEqual('b'),
        null,
        0,
        0,
        StreamingMode.WantAll,
        1,
        true,
      );
      assert.deepEqual(
        native.results.map(([key, value]) => [hex(key), text(value)]),
        [
          ['620261001502', 'two'],
          ['620261001501', 'one'],
        ],
      );
      assert.isFalse(native.more);
    });

    it('subscriptions tell keys and values as they are encoded', async () => {
      const scoped = test.db.at('live', tuple, encoders.json);
      await scoped.set(['a', 1], { n: 1 });
      const told = scoped.subscribe({ prefix: ['a'] });
      const first = (await told.next()).value;
      assert.deepEqual(first?.changes, [[['a', 1], { n: 1 }]]);
      assert.isTrue(first?.isReplaced(['a', 5]));
      assert.isFalse(first?.isReplaced(['b']));
      await scoped.clear(['a', 1]);
      await scoped.set(['b', 1], 'outside');
      const second = (await told.next()).value;
      assert.deepEqual(
        [second?.changes, second?.isReplaced(['a', 1]), second?.isReplaced(['a', 2])],
        [[[['a', 1], undefined]], false, false],
      );
      await told.return();
      const one = scoped.subscribe(['b', 1]);
      assert.deepEqual((await one.next()).value?.changes, [[['b', 1], 'outside']]);
      await one.return();
    });

    it('views share one connection: closing one closes all', async () => {
      const handle = await test.openAgain();
      const view = handle.at('x').withKeyEncoding(tuple);
      assert.equal(view.name, test.name);
      await view.close();
      assert.equal(
        codeThrownBy(() => handle.rawCreateTransaction()),
        errorCodes.client_invalid_operation,
      );
    });
  });

  describe('versionstamps in encoded keys and values', () => {
    const test = withDatabase(storage);

    it('take the codes 0, 1, 2, … and are baked into the caller’s arrays after the commit', async () => {
      const log = test.db.at('log', tuple, encoders.string);
      const keys: TupleItem[][] = [
        ['a', tuple.unboundVersionstamp()],
        ['a', [1, tuple.unboundVersionstamp()]],
        ['a', tuple.unboundVersionstamp(321)],
      ];
      const { promise } = await log.doTransaction((tn) => {
        for (const key of keys) tn.setVersionstampedKey(key, 'v');
        assert.deepEqual(keys[0], ['a', tuple.unboundVersionstamp()], 'not before the commit');
        return tn.getVersionstamp();
      });
      const stamp = hex(await promise);
      const value = (code: string) => ({ type: 'versionstamp' as const, value: fromHex(stamp + code) });
      assert.deepEqual(keys, [
        ['a', value('0000')],
        ['a', [1, value('0001')]],
        ['a', value('0141')],
      ]);
      const rows = await log.getRangeAll(['a']);
      assert.sameDeepMembers(
        rows.map(([key]) => key),
        keys,
      );
    });

    it('in values are baked too, also in a subspace of the transaction, and not if that is not wanted', async () => {
      const values = test.db.withValueEncoding(tuple);
      const [baked, left] = [
        [1, tuple.unboundVersionstamp()],
        [2, tuple.unboundVersionstamp()],
      ];
      await test.db.doTransaction((tn) => {
        tn.at(values).setVersionstampedValue('baked', baked);
        tn.at(values).setVersionstampedValue('left', left, false);
      });
      assert.deepEqual(await values.get('baked'), baked);
      assert.deepEqual(left, [2, tuple.unboundVersionstamp()]);
      const [, stamp] = (await values.get('left')) as [number, { value: Uint8Array }];
      assert.equal(hex(stamp.value.subarray(10)), '0001');
      const keys = test.db.withKeyEncoding(tuple);
      const key = [tuple.unboundVersionstamp()];
      await keys.setVersionstampedKey(key, 'v', false);
      assert.deepEqual(key, [tuple.unboundVersionstamp()]);
      await keys.setVersionstampedKey(key, 'v');
      assert.equal((key[0] as { type: string }).type, 'versionstamp');
    });

    it('a retry begins again at code 0, and bakes the stamp of the commit that held', async () => {
      const log = test.db.at('log', tuple);
      const key = [tuple.unboundVersionstamp()];
      let attempts = 0;
      await log.doTransaction(async (tn) => {
        attempts += 1;
        await tn.get(['x']);
        tn.setVersionstampedKey(key, `attempt ${attempts}`);
        if (attempts === 1) await log.set(['x'], 'in the way');
      });
      assert.equal(attempts, 2);
      const [[, stamped] = []] = await log.getRangeAll(keySelector.firstGreaterThan(['x']), subspaceEnd);
      assert.equal(text(stamped), 'attempt 2');
      assert.equal(hex((key[0] as unknown as { value: Uint8Array }).value.subarray(10)), '0000');
      assert.equal(text(await log.get(key)), 'attempt 2');
    });

    it('a transaction that the caller commits bakes as well, and numbers anew after a reset', async () => {
      const tn = test.db.withKeyEncoding(tuple).rawCreateTransaction();
      assert.deepEqual([tn.getNextTransactionID(), tn.getNextTransactionID()], [0, 1]);
      tn.rawReset();
      const key = [tuple.unboundVersionstamp()];
      tn.setVersionstampedKey(key, 'v');
      await tn.rawCommit();
      assert.equal(hex((key[0] as unknown as { value: Uint8Array }).value.subarray(10)), '0000');
    });

    it('codes end at 65,535', () => {
      const tn = test.db.withKeyEncoding(tuple).rawCreateTransaction();
      for (let code = 0; code <= 0xffff; code += 1) tn.getNextTransactionID();
      assert.throws(() => tn.setVersionstampedKey([tuple.unboundVersionstamp()], 'v'), RangeError, '65536');
    });

    it('need an encoding that knows them, and no snapshot', () => {
      const tn = test.db.rawCreateTransaction();
      assert.throws(() => tn.setVersionstampedKey('k', 'v'), TypeError, 'unbound versionstamps');
      assert.throws(() => tn.setVersionstampedValue('k', 'v'), TypeError, 'unbound versionstamps');
      const snapshot = test.db.withKeyEncoding(tuple).rawCreateTransaction().snapshot();
      assert.equal(
        codeThrownBy(() => snapshot.setVersionstampedKey([tuple.unboundVersionstamp()], 'v')),
        errorCodes.client_invalid_operation,
      );
      snapshot.setVersionstampedKey([tuple.unboundVersionstamp(1)], 'v');
      assert.throws(
        () => test.db.withKeyEncoding(tuple).rawCreateTransaction().setVersionstampedKey(['none'], 'v'),
        'No incomplete versionstamp included in tuple pack with versionstamp',
      );
    });

    it('an encoding that fails to bake fails the call, not the commit', async () => {
      let runs = 0;
      const broken = {
        ...encoders.tuple,
        bakeVersionstamp() {
          throw new RangeError('on purpose');
        },
      };
      const db = test.db.withKeyEncoding(broken);
      const failing = db.doTransaction((tn) => {
        runs += 1;
        tn.setVersionstampedKey(['k', tuple.unboundVersionstamp()], 'v');
      });
      assert.equal(await failing.catch((error: Error) => error.message), 'on purpose');
      assert.equal(runs, 1);
      assert.lengthOf(await db.getRangeAll(['k']), 1);
    });

    it('end keys and begin values', async () => {
      const scoped = test.db.at('s/', encoders.string, encoders.string);
      await scoped.setVersionstampSuffixedKey('key', 'v', 'after');
      const [[key] = []] = await test.db.getRangeAll('s/');
      const digits = hex(key as Uint8Array);
      assert.equal(digits.slice(0, 10), hex(utf8('s/key')));
      assert.lengthOf(digits, 2 * (5 + 10 + 5));
      assert.isTrue(digits.endsWith(hex(utf8('after'))));

      await scoped.setVersionstampPrefixedValue('page', 'text');
      const page = await scoped.getVersionstampPrefixedValue('page');
      assert.equal(page?.value, 'text');
      assert.equal(page?.stamp.length, 10);
      await scoped.setVersionstampPrefixedValue('bare');
      assert.notProperty(await scoped.getVersionstampPrefixedValue('bare'), 'value');
      assert.isNull(await scoped.getVersionstampPrefixedValue('none'));
      await scoped.doOneshot((tn) => {
        tn.setVersionstampPrefixedValue('tagged', 'text', 'tag:');
        tn.setVersionstampedKeyBuf('raw/', undefined, 'v');
      });
      const tagged = (await test.db.get('s/tagged')) as Uint8Array;
      assert.deepEqual([text(tagged.subarray(0, 4)), text(tagged.subarray(14))], ['tag:', 'text']);
      assert.lengthOf(await test.db.getRangeAllStartsWith('raw/'), 1);
    });
  });
}

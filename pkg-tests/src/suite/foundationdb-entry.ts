/** The entry for programs of the npm package `foundationdb`: what programs see of it besides the database itself. */
import { assert } from 'chai';
import * as fdb from 'plinthdb/foundationdb';
import { hex, utf8 } from './bytes.ts';
import { codeOf, codeThrownBy } from './fixture.ts';

const EXPORTS = [
  ...[
    'setAPIVersion',
    'open',
    'configNetwork',
    'stopNetworkSync',
    'openSync',
    'createCluster',
    'createClusterSync',
  ],
  ...[
    'modType',
    'Database',
    'Transaction',
    'Subspace',
    'Directory',
    'DirectoryLayer',
    'DirectoryError',
    'FDBError',
  ],
  ...[
    'root',
    'directory',
    'keySelector',
    'tuple',
    'encoders',
    'util',
    'NetworkOptionCode',
    'DatabaseOptionCode',
  ],
  ...['TransactionOptionCode', 'StreamingMode', 'MutationType', 'ConflictRangeType', 'ErrorPredicate'],
];

/** What bytes are expected to be: Buffers where there are any. */
const BytesClass = (globalThis as unknown as { Buffer?: typeof Uint8Array }).Buffer ?? Uint8Array;

export function foundationdbEntry(uniqueName: () => string): void {
  describe('the entry for programs of the npm package foundationdb', () => {
    let db: fdb.Database;
    let name = '';

    before(() => fdb.setAPIVersion(720));
    beforeEach(() => {
      name = uniqueName();
      db = fdb.open(name);
    });
    afterEach(async () => {
      await db.close();
      await fdb.deleteDatabase(name);
    });

    it('exports everything that the package does', () => {
      for (const what of EXPORTS) assert.property(fdb, what);
      assert.equal(fdb.modType, 'napi');
      assert.strictEqual(fdb.openSync, fdb.open);
    });

    it('takes one API version, from 500 to 730', () => {
      fdb.setAPIVersion(720);
      assert.throws(
        () => fdb.setAPIVersion(710),
        Error,
        'foundationdb already initialized with API version 720',
      );
      assert.throws(() => fdb.setAPIVersion(499), Error, '500');
      assert.throws(() => fdb.setAPIVersion(731), Error, '730');
      assert.throws(() => fdb.setAPIVersion('720' as never), TypeError);
      assert.throws(() => fdb.configNetwork({}), Error, 'must be called before');
    });

    it('has enums of both directions, in which the last name of a number counts', () => {
      assert.equal(fdb.MutationType.CompareAndClear, 20);
      assert.equal(fdb.MutationType[20], 'CompareAndClear');
      assert.deepEqual(
        [fdb.MutationType[6], fdb.MutationType[7], fdb.MutationType[8]],
        ['BitAnd', 'BitOr', 'BitXor'],
      );
      assert.equal(fdb.StreamingMode[-1], 'Iterator');
      assert.equal(fdb.DatabaseOptionCode[fdb.DatabaseOptionCode.MaxWatches], 'MaxWatches');
      assert.equal(fdb.NetworkOptionCode[71], 'EnableRunLoopProfiling');
    });

    it('has a database that can be used at once, every call in its turn', async () => {
      const tn = db.rawCreateTransaction({ timeout: 5000 });
      const bytes = utf8('mine');
      tn.set('k', bytes);
      bytes[0] = 0;
      const before = tn.get('k');
      tn.clear('k');
      const after = tn.get('k');
      tn.set('a', '1');
      tn.set('b', '2');
      tn.set('c', '3');
      const rows = tn.getRangeAll('a', 'z');
      tn.clearRange('b', 'c');
      tn.add('n', Uint8Array.of(1));
      tn.setVersionstampSuffixedKey('s/', 'v');
      tn.setVersionstampPrefixedValue('p', 'v');
      tn.addReadConflictKey('x');
      tn.addWriteConflictRange('y', 'z');
      const watch = tn.watch('a');
      const { promise: stamp } = tn.getVersionstamp();
      const [key, version, size] = [tn.getKey('b'), tn.getReadVersion(), tn.getApproximateSize()];
      const [bytesInside, points] = [
        tn.getEstimatedRangeSizeBytes('', 'z'),
        tn.getRangeSplitPoints('a', 'c', 1000),
      ];
      assert.isTrue(tn.getCommittedVersion().every((byte) => byte === 0xff));
      const committed = tn.rawCommit();
      assert.equal(hex((await before) as Uint8Array), hex(utf8('mine')));
      assert.isUndefined(await after);
      assert.deepEqual(
        (await rows).map(([name, value]) => `${name.toString()} ${value.toString()}`),
        [utf8('a'), utf8('b'), utf8('c')].map((name, index) => {
          const own = [name, utf8(`${index + 1}`)].map((bytes) =>
            BytesClass === Uint8Array ? bytes : text(bytes),
          );
          return own.map(String).join(' ');
        }),
      );
      assert.equal(hex((await key) as Uint8Array), hex(utf8('c')));
      assert.lengthOf(await version, 8);
      assert.isAbove(await size, 0);
      assert.equal(await bytesInside, 0);
      assert.lengthOf(await points, 2);
      await committed;
      assert.lengthOf(await stamp, 10);
      assert.notEqual(hex(tn.getCommittedVersion()), 'ff'.repeat(8));
      watch.cancel();
      assert.isFalse(await watch.promise);
      assert.lengthOf(await db.getRangeAll(''), 5);
    });

    it('makes directories and subscriptions wait for the database too', async () => {
      const tn = db.rawCreateTransaction();
      const told = db.subscribe({ prefix: '' });
      const first = told.next();
      const made = fdb.directory.create(tn, 'early');
      assert.deepEqual((await made).getPath(), ['early']);
      await tn.rawCommit();
      assert.deepEqual((await first).value?.changes, []);
      await told.return();
      assert.isTrue(await fdb.directory.exists(db, 'early'));
      const { keyCount } = await db.stats();
      assert.isAbove(keyCount, 0);
      assert.deepEqual((await db.check()).damage, []);
    });

    it('keeps errors of writes for the commit, but for those of ranges and options', async () => {
      const [early, late] = [db.rawCreateTransaction(), async () => db.rawCreateTransaction()];
      for (const tn of [early, await db.get('k').then(late)]) {
        tn.set('x'.repeat(10_001), '');
        tn.set('fine', '');
        assert.equal(
          codeThrownBy(() => tn.addReadConflictRange('b', 'a')),
          2005,
        );
        assert.equal(
          codeThrownBy(() => tn.addWriteConflictRange('ab', 'a')),
          2005,
        );
        assert.equal(
          codeThrownBy(() => tn.setOption(12_345)),
          2007,
        );
        assert.throws(() => tn.set('k', undefined as never), TypeError);
        assert.throws(() => tn.set(5 as never, ''), TypeError);
        assert.equal(await codeOf(() => tn.rawCommit()), 2102);
        tn.rawReset();
        tn.set('fine', '');
        await tn.rawCommit();
      }
    });

    it('can be cancelled, reset and retried before it is open', async () => {
      const tn = db.rawCreateTransaction();
      tn.rawCancel();
      assert.equal(await codeOf(() => tn.get('k')), 1025);
      const other = fdb.open(name).rawCreateTransaction();
      other.set('k', 'v');
      other.rawReset();
      const retried = other.rawOnError(1020);
      await retried;
      await other.rawCommit();
      assert.isUndefined(await db.get('k'));
    });

    it('calls back, if that is wanted', async () => {
      const called = <T>(begin: (callback: fdb.Callback<T>) => void) =>
        new Promise<T | undefined>((resolve, reject) => {
          begin((error, value) => (error ? reject(error) : resolve(value)));
        });
      const tn = db.rawCreateTransaction();
      tn.set('k', 'v');
      assert.equal(
        hex((await called<fdb.Bytes | undefined>((callback) => tn.get('k', callback))) as Uint8Array),
        '76',
      );
      assert.lengthOf((await called<fdb.Bytes>((callback) => tn.getReadVersion(callback))) as Uint8Array, 8);
      const stamp = called<fdb.Bytes>((callback) => tn.getVersionstamp(callback));
      await called<void>((callback) => tn.rawCommit(callback));
      assert.lengthOf((await stamp) as Uint8Array, 10);
      assert.equal(await codeOf(() => called<void>((callback) => tn.rawOnError(2000, callback))), 2000);
      const cancelled = db.rawCreateTransaction();
      cancelled.rawCancel();
      assert.equal(await codeOf(() => called((callback) => cancelled.get('k', callback))), 1025);
    });

    it('hands out Buffers where there are any', async () => {
      const { tuple } = fdb;
      await db.set('k', 'v');
      const uuid = tuple.unpack(tuple.pack([{ type: 'uuid', value: new Uint8Array(16) }]))[0] as {
        value: Uint8Array;
      };
      const items: fdb.TupleItem[] = [tuple.unboundVersionstamp(1)];
      tuple.bakeVersionstamp(items, new Uint8Array(10), null);
      let unpacked: unknown;
      const custom = db.withValueEncoding({
        pack: (value: string) => value,
        unpack: (bytes) => {
          unpacked = bytes;
          return bytes.length;
        },
      });
      assert.equal(await custom.get('k'), 1);
      const all = await db.doTn(async (tn) => {
        tn.set('l', '');
        const rows = await tn.getRangeAll('');
        return [tn.getCommittedVersion(), await tn.getReadVersion(), await tn.getKey('k'), ...rows.flat()];
      });
      const found: unknown[] = [
        ...all,
        unpacked,
        await db.get('k'),
        db.getPrefix(),
        fdb.root.prefix,
        fdb.root.at('x').packKey('y'),
        fdb.root.packValue('v'),
        fdb.root.packRange('x').end,
        fdb.util.strInc('a'),
        tuple.pack(['a']),
        tuple.range(['a']).begin,
        tuple.rawRange.end,
        tuple.concat2(utf8('a'), utf8('b')),
        tuple.unpack(tuple.pack([utf8('a')]))[0],
        (tuple.unpack(tuple.pack([[utf8('a')]]))[0] as unknown[])[0],
        tuple.packUnboundVersionstamp([tuple.unboundVersionstamp()]).data,
        uuid.value,
        (items[0] as { value: Uint8Array }).value,
        fdb.encoders.int32BE.pack(1),
        fdb.encoders.buf.unpack(utf8('a') as fdb.Bytes),
        (await fdb.directory.createOrOpen(db, 'd', 'layer')).getLayerRaw(),
        (await fdb.directory.createOrOpen(db, 'd')).getSubspace().prefix,
      ];
      for (const [index, bytes] of found.entries()) {
        assert.strictEqual((bytes as object | undefined)?.constructor, BytesClass, `number ${index}`);
      }
    });

    it('has views and transactions of its own classes', async () => {
      assert.instanceOf(db, fdb.Database);
      const view = db.at('x').withKeyEncoding(fdb.encoders.tuple);
      assert.instanceOf(view, fdb.Database);
      assert.instanceOf(view.getSubspace(), fdb.Subspace);
      assert.instanceOf(db.getRoot().getSubspace(), fdb.Subspace);
      await view.doTn(async (tn) => {
        for (const each of [tn, tn.snapshot(), tn.at(fdb.root)]) assert.instanceOf(each, fdb.Transaction);
        assert.isTrue(tn.snapshot().isSnapshot);
      });
      assert.instanceOf(
        await fdb.directory.createOrOpen(db, 'd'),
        fdb.Directory as unknown as new () => unknown,
      );
      const wrong = await fdb.directory.open(db, 'none').catch((error: unknown) => error);
      assert.instanceOf(wrong, fdb.DirectoryError);
    });

    it('warns of options that it does not know, and goes on', async () => {
      const warnings: string[] = [];
      const { warn } = console;
      console.warn = (...words: unknown[]) => warnings.push(words.join(' '));
      try {
        const options = { no_such_option: 1, read_your_writes_disable: 'yes', timeout: 5000 };
        const tn = db.rawCreateTransaction(options as never);
        tn.set('k', 'v');
        assert.isDefined(await tn.get('k'));
        db.setNativeOptions({ no_such_option: 1, max_watches: 1 } as never);
        db.setNativeOptions({ max_watches: -1 });
      } finally {
        console.warn = warn;
      }
      assert.deepEqual(warnings.slice(0, 3), [
        'Warning: Ignoring unknown option no_such_option',
        'Warning: Ignoring value yes for option read_your_writes_disable',
        'Warning: Ignoring unknown option no_such_option',
      ]);
      assert.lengthOf(warnings, 4);
    });

    it('takes options of the database before it is open', async () => {
      const limited = fdb.open(name, { transaction_size_limit: 1000 });
      limited.setNativeOptions({ transaction_size_limit: 100 });
      assert.equal(await codeOf(() => limited.set('k', 'x'.repeat(200))), 2101);
      await limited.close();
    });

    it('ends when it is closed, also before it was open', async () => {
      const closing = fdb.open(name);
      const outcome = closing.get('k').catch((error: fdb.FDBError) => error.code);
      await Promise.all([closing.close(), closing.close()]);
      assert.include([undefined, 2000], await outcome);
      const other = fdb.open(name);
      const closed = other.close();
      assert.equal(
        codeThrownBy(() => other.rawCreateTransaction()),
        2000,
      );
      assert.equal(await codeOf(() => other.get('k')), 2000);
      await closed;
    });

    it('has clusters, as long ago', async () => {
      const cluster = await fdb.createCluster(name);
      const handle = await cluster.openDatabase('DB');
      await handle.set('k', 'v');
      const again = fdb.createClusterSync(name).openDatabaseSync();
      assert.equal(hex((await again.get('k')) as Uint8Array), '76');
      await Promise.all([handle.close(), again.close()]);
      cluster.close();
    });

    it('stops with the network', async () => {
      const stopped = fdb.open(name);
      await stopped.get('k');
      fdb.stopNetworkSync();
      assert.equal(
        codeThrownBy(() => stopped.rawCreateTransaction()),
        2000,
      );
    });
  });
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Directories in the shape of the `foundationdb` package. The engine's own tests have every case; these, every call. */
import { assert } from 'chai';
import {
  type Database,
  Directory,
  DirectoryError,
  DirectoryLayer,
  directory,
  errorCodes,
  FDBError,
  Subspace,
  tuple,
} from 'plinthdb';
import { END_OF_KEYS, fromHex, hex, text, utf8 } from './bytes.ts';
import { codeOf, codeThrownBy, type Storage, withDatabase } from './fixture.ts';

export function directories(storage: Storage): void {
  describe('directories', () => {
    const test = withDatabase(storage);

    it('are created with those on the way, opened, listed and found', async () => {
      const { db } = test;
      const made = await directory.createOrOpen(db, ['app', 'users'], 'people');
      assert.instanceOf(made, Directory);
      assert.deepEqual(made.getPath(), ['app', 'users']);
      assert.equal(made.getLayer(), 'people');
      assert.deepEqual(made.getLayerRaw(), utf8('people'));
      assert.isFalse(made.isPartition());
      const opened = await directory.open(db, ['app', 'users'], 'people');
      assert.deepEqual(opened.getSubspace().prefix, made.getSubspace().prefix);
      const app = await directory.open(db, 'app');
      assert.equal(app.getLayer(), '');
      await app.create(db, 'ärger');
      assert.deepEqual(await directory.listAll(db), ['app']);
      assert.deepEqual(await app.listAll(db), ['users', 'ärger']);
      const listed: string[] = [];
      await db.doTransaction(async (tn) => {
        for await (const name of app.list(tn)) listed.push(name);
        for await (const name of directory.list(tn, 'app')) listed.push(name);
      });
      assert.deepEqual(listed, ['users', 'ärger', 'users', 'ärger']);
      assert.isTrue(await directory.exists(db, ['app', 'users']));
      assert.isFalse(await directory.exists(db, ['app', 'nobody']));
      assert.isTrue(await directory.exists(db));
      assert.isTrue(await app.exists(db, 'users'));
      assert.deepEqual(directory.getPath(), []);
    });

    it('have subspaces whose keys nobody else has', async () => {
      const { db } = test;
      const [one, other] = [await directory.create(db, 'one'), await directory.create(db, 'other')];
      const key = one.getSubspace().withKeyEncoding(tuple).packKey(['k']);
      await db.set(key, 'value');
      assert.equal(text(await db.get(key)), 'value');
      assert.isTrue(one.content.contains(key));
      assert.isFalse(other.content.contains(key));
      assert.isAtMost(one.content.prefix.length, 2, 'prefixes are short');
    });

    it('store what the bindings of FoundationDB store', async () => {
      const { db } = test;
      const layer = new DirectoryLayer({ allowManualPrefixes: true });
      await layer.create(db, 'users', 'people', fromHex('152a'));
      const rows = await db.getRangeAll(Uint8Array.of(0xfe), END_OF_KEYS);
      assert.deepEqual(
        rows.map(([key, value]) => [hex(key), hex(value)]),
        [
          ['fe01152a00016c6179657200', hex(utf8('people'))],
          ['fe01fe000176657273696f6e00', '010000000000000000000000'],
          ['fe01fe001402757365727300', '152a'],
        ],
      );
    });

    it('move without their keys, and are removed with them', async () => {
      const { db } = test;
      const made = await directory.create(db, ['a', 'b']);
      await db.set(made.content.packKey('k'), 'value');
      const moved = await directory.move(db, ['a', 'b'], ['c']);
      assert.deepEqual([moved.getPath(), moved.content.prefix], [['c'], made.content.prefix]);
      const again = await moved.moveTo(db, ['a', 'd']);
      assert.deepEqual(again.getPath(), ['a', 'd']);
      const a = await directory.open(db, 'a');
      assert.deepEqual((await a.move(db, 'd', 'e')).getPath(), ['a', 'e']);
      assert.equal(text(await db.get(made.content.packKey('k'))), 'value');
      assert.isTrue(await a.remove(db, 'e'));
      assert.isUndefined(await db.get(made.content.packKey('k')));
      assert.isTrue(await a.removeIfExists(db));
      assert.isFalse(await directory.removeIfExists(db, 'a'));
      assert.isFalse(await a.exists(db));
      await directory.create(db, 'z');
      assert.isTrue(await directory.remove(db, ['z']));
      assert.deepEqual(await directory.listAll(db), []);
    });

    it('can be partitions, with a tree of their own', async () => {
      const { db } = test;
      const partition = await directory.create(db, 'p', 'partition');
      assert.isTrue(partition.isPartition());
      assert.equal(partition.getLayer(), 'partition');
      const inside = await partition.createOrOpen(db, ['x', 'y']);
      assert.deepEqual(inside.getPath(), ['p', 'x', 'y']);
      assert.isTrue(partition.content.contains(inside.getSubspace().prefix));
      assert.equal(
        codeThrownBy(() => partition.getSubspace()),
        errorCodes.cannot_use_partition_as_subspace,
      );
      assert.throws(() => partition.getSubspace(), DirectoryError);
      const between = errorCodes.cannot_move_directory_between_partitions;
      assert.equal(await codeOf(() => inside.moveTo(db, 'y')), between);
      assert.isTrue(await partition.remove(db));
      assert.deepEqual(await directory.listAll(db), []);
    });

    it('fail with DirectoryErrors that have FoundationDB’s codes and say which directory', async () => {
      const { db } = test;
      await directory.create(db, ['a', 'b'], 'queue');
      const cases: [() => Promise<unknown>, number][] = [
        [() => directory.open(db, []), errorCodes.cannot_open_root_directory],
        [() => directory.create(db, ['a', 'b']), errorCodes.directory_already_exists],
        [() => directory.open(db, ['a', 'x']), errorCodes.directory_does_not_exist],
        [() => directory.listAll(db, 'x'), errorCodes.directory_does_not_exist],
        [() => directory.remove(db, 'x'), errorCodes.directory_does_not_exist],
        [() => directory.open(db, ['a', 'b'], 'stack'), errorCodes.mismatched_layer],
        [() => directory.create(db, 'c', '', 'prefix'), errorCodes.manual_prefixes_not_enabled],
        [() => directory.move(db, 'a', ['a', 'b', 'c']), errorCodes.invalid_destination_directory],
        [() => directory.move(db, 'a', ['x', 'y']), errorCodes.parent_directory_does_not_exist],
        [() => directory.remove(db), errorCodes.cannot_modify_root_directory],
      ];
      for (const [action, code] of cases) assert.equal(await codeOf(action), code);
      let caught: unknown;
      try {
        await directory.open(db, ['a', 'x']);
      } catch (error) {
        caught = error;
      }
      assert.instanceOf(caught, DirectoryError);
      assert.instanceOf(caught, FDBError);
      assert.equal((caught as DirectoryError).message, 'The directory does not exist: a/x');
      let wrong: unknown;
      try {
        await directory.open(db, [5 as never]);
      } catch (error) {
        wrong = error;
      }
      assert.instanceOf(wrong, TypeError);
    });

    it('made twice at the same time, in one transaction or in many, are one directory', async () => {
      const { db } = test;
      const inOne = await db.doTransaction((tn) =>
        Promise.all([1, 2, 3].map(() => directory.createOrOpen(tn, ['one', 'same']))),
      );
      const other = await test.openAgain();
      const inMany = await Promise.all(
        [db, other, db, other].map((handle) => directory.createOrOpen(handle, ['many', 'same'])),
      );
      for (const made of [inOne, inMany]) {
        assert.lengthOf(new Set(made.map(({ content }) => hex(content.prefix))), 1);
      }
      assert.lengthOf(await nodes(db), 4, 'no orphan');
    });

    it('get prefixes that never begin each other, however many are made at once', async () => {
      const { db } = test;
      const made = await Promise.all(
        Array.from({ length: 60 }, (_, index) => directory.create(db, ['all', `${index}`])),
      );
      const prefixes = made.map(({ content }) => hex(content.prefix)).sort();
      for (const [index, prefix] of prefixes.entries()) {
        assert.isFalse(prefixes[index + 1]?.startsWith(prefix) ?? false, prefix);
      }
    });

    it('of a transaction that fails are not there', async () => {
      const { db } = test;
      const failing = db.doTransaction(async (tn) => {
        await directory.create(tn, 'gone');
        throw new Error('on purpose');
      });
      assert.equal(await failing.catch((error: Error) => error.message), 'on purpose');
      assert.isFalse(await directory.exists(db, 'gone'));
    });

    it('of layers at other prefixes are others', async () => {
      const { db } = test;
      const mine = new DirectoryLayer({
        nodeSubspace: new Subspace('mine/nodes/'),
        contentPrefix: 'mine/content/',
      });
      const made = await mine.create(db, 'x');
      assert.isTrue(startsWithText(made.content.prefix, 'mine/content/'));
      assert.isFalse(await directory.exists(db, 'x'));
      assert.lengthOf(await db.getRangeAll(Uint8Array.of(0xfe), END_OF_KEYS), 0);
    });
  });
}

function startsWithText(bytes: Uint8Array, prefix: string): boolean {
  return hex(bytes).startsWith(hex(utf8(prefix)));
}

/** The keys of the directories' layers: each directory has one. */
async function nodes(db: Database): Promise<string[]> {
  const rows = await db.getRangeAll(Uint8Array.of(0xfe), END_OF_KEYS);
  return rows.map(([key]) => hex(key)).filter((key) => key.endsWith('00016c6179657200'));
}

/** Export and import: what goes out comes in again, and what is no export is refused with its place. */
import { assert } from 'chai';
import { type Database, FDBError } from 'plinthdb';
import { numbered, text } from './bytes.ts';
import { codeOf, codeOfError, fill, type Storage, withDatabase } from './fixture.ts';
import { Random } from './random.ts';

type Pieces = Uint8Array<ArrayBuffer>[];

async function exported(db: Database, options?: Parameters<Database['export']>[0]): Promise<Uint8Array> {
  const response = new Response(db.export(options) as ReadableStream<Uint8Array<ArrayBuffer>>);
  return new Uint8Array(await response.arrayBuffer());
}

/** The bytes in pieces of at most this size. */
function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

async function rowsOf(db: Database): Promise<[string, string][]> {
  const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const rows = await db.getRangeAll('');
  return rows.map(([key, value]) => [hex(key), hex(value)]);
}

export function transfers(storage: Storage): void {
  describe('export and import', () => {
    const source = withDatabase(storage);
    const target = withDatabase(storage);

    async function fillAwkwardly(): Promise<void> {
      const random = new Random(storage.seed);
      await source.db.doTransaction((tn) => {
        tn.set('', 'under the empty key');
        tn.set('empty', '');
        tn.set(random.bytes(10_000).fill(1, 0, 1), random.bytes(100_000));
        tn.set(Uint8Array.of(0), Uint8Array.of(0, 255));
        tn.set(Uint8Array.of(254, 255, 255), 'last');
        for (let row = 0; row < 2_000; row += 1) tn.set(numbered('row/', row), random.bytes(row % 300));
      });
      await source.db.compact();
      await source.db.doTransaction((tn) => {
        for (let large = 0; large < 8; large += 1) tn.set(`large/${large}`, random.bytes(100_000));
        tn.clearRange(numbered('row/', 500), numbered('row/', 600));
      });
    }

    it('every kind of row makes the round trip, with progress on both sides', async () => {
      await fillAwkwardly();
      const given: number[] = [];
      const taken: number[] = [];
      const stream = source.db.export({ onProgress: ({ bytes }) => given.push(bytes) });
      const result = await target.db.importFrom(stream, { onProgress: ({ bytes }) => taken.push(bytes) });
      const expected = await rowsOf(source.db);
      assert.deepEqual(await rowsOf(target.db), expected);
      assert.equal(result.rows, expected.length);
      assert.equal(given.at(-1), result.bytes);
      assert.equal(taken.at(-1), result.bytes);
      for (const seen of [given, taken]) {
        assert.isAbove(seen.length, 3);
        assert.deepEqual(
          seen,
          [...new Set(seen)].sort((one, other) => one - other),
          'it only grows',
        );
      }
    });

    it('reads streams, async iterables, and pieces of any size', async () => {
      await fill(source.db, { a: '1', b: '2', c: '' });
      const bytes = await exported(source.db);
      async function* slowly(): AsyncGenerator<Uint8Array> {
        for (const piece of cut(bytes, 7)) yield piece;
      }
      const sources = [
        [bytes],
        [...cut(bytes, 1)],
        slowly(),
        new Blob([bytes as Uint8Array<ArrayBuffer>]).stream(),
      ];
      for (const into of sources) {
        await target.db.importFrom(into, { into: 'replace' });
        assert.deepEqual(await rowsOf(target.db), await rowsOf(source.db));
      }
    });

    it('an export is one snapshot: what is written while it runs is not in it', async () => {
      await fillAwkwardly();
      const expected = await rowsOf(source.db);
      const pieces: Pieces = [];
      for await (const piece of source.db.export()) {
        pieces.push(piece as Uint8Array<ArrayBuffer>);
        await source.db.set('empty', `no longer, ${pieces.length}`);
        await source.db.clearRange('row/', 'row0');
      }
      await target.db.importFrom(pieces);
      assert.deepEqual(await rowsOf(target.db), expected);
    });

    it('a part of the database can be exported, and replaces just that part', async () => {
      await fill(source.db, { a: '1', b: '2', c: '3' });
      await fill(target.db, { a: 'old', b: 'old', bb: 'old', c: 'old' });
      const bytes = await exported(source.db, { begin: 'b', end: 'c' });
      await target.db.importFrom([bytes], { into: 'replace' });
      const rows = await target.db.getRangeAll('');
      assert.deepEqual(
        rows.map(([key, value]) => `${text(key)}=${text(value)}`),
        ['a=old', 'b=2', 'c=old'],
      );
      assert.equal(await codeOf(() => source.db.export({ begin: 'b', end: 'a' })), 2005);
      assert.equal(await codeOf(() => source.db.export({ end: Uint8Array.of(255, 1) })), 2004);
    });

    it('a database that is not empty is refused with 2370, unless told otherwise', async () => {
      await fill(source.db, { a: '1', b: '2' });
      await fill(target.db, { b: 'old', c: 'old' });
      const bytes = await exported(source.db);
      try {
        await target.db.importFrom([bytes]);
        assert.fail('it was imported');
      } catch (error) {
        assert.equal(codeOfError(error), 2370);
        assert.match((error as Error).message, /found b$/);
      }
      assert.lengthOf(await rowsOf(target.db), 2);
      await target.db.importFrom([bytes], { into: 'merge' });
      assert.equal(text(await target.db.get('b')), '2');
      assert.lengthOf(await rowsOf(target.db), 3);
      await target.db.importFrom([bytes], { into: 'replace' });
      assert.deepEqual(await rowsOf(target.db), await rowsOf(source.db));
      const wrong = { into: 'elsewhere' } as unknown as { into: 'merge' };
      assert.equal(await codeOf(() => target.db.importFrom([bytes], wrong)), 2006);
    });

    it('what is cut off, damaged or something else is refused with its code and its place', async () => {
      await fill(source.db, { a: '1', b: '2' });
      const bytes = await exported(source.db);
      const random = new Random(storage.seed);
      const cases: [number, RegExp, Uint8Array][] = [
        [2363, /byte 0: an export was expected, found the end/, new Uint8Array(0)],
        [2363, /found the end after \d+ bytes/, bytes.slice(0, -1)],
        [2366, /byte 0: .* was expected, found/, random.bytes(1_000).fill(7, 0, 1)],
        [2362, /the end was expected, found 1 more/, Uint8Array.of(...bytes, 0)],
      ];
      const flipped = bytes.slice();
      const middle = bytes.length >> 1;
      flipped[middle] = (flipped[middle] ?? 0) ^ 16;
      cases.push([2362, /byte \d+: .* was expected, found/, flipped]);
      for (const [code, message, damaged] of cases) {
        try {
          await target.db.importFrom([damaged], { into: 'replace' });
          assert.fail('it was imported');
        } catch (error) {
          assert.equal(codeOfError(error), code, (error as Error).message);
          assert.match((error as Error).message, message);
        }
      }
    });

    it('a signal ends an import and an export with its reason, and the source is told', async () => {
      await fillAwkwardly();
      const importing = new AbortController();
      let isCancelled = false;
      const endless = new ReadableStream<Uint8Array>({
        pull: () => importing.abort('enough'),
        cancel: () => {
          isCancelled = true;
        },
      });
      assert.equal(await reasonOf(target.db.importFrom(endless, { signal: importing.signal })), 'enough');
      assert.isTrue(isCancelled);

      const exporting = new AbortController();
      const stream = source.db.export({ signal: exporting.signal });
      const reader = stream.getReader();
      await reader.read();
      exporting.abort('enough');
      assert.equal(await reasonOf(reader.read()), 'enough');
      const late = source.db.export({ signal: AbortSignal.abort('too late') });
      assert.equal(await reasonOf(late.getReader().read()), 'too late');
    });

    it('a source that fails, or gives something else, fails the import with that', async () => {
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield await exported(source.db, { end: 'a' });
        throw new RangeError('no more');
      }
      assert.include(String(await reasonOf(target.db.importFrom(failing()))), 'no more');
      const wrong = ['text'] as unknown as Uint8Array[];
      assert.instanceOf(await reasonOf(target.db.importFrom(wrong)), TypeError);
      const bytes = new Uint8Array(3) as unknown as Uint8Array[];
      assert.instanceOf(await reasonOf(target.db.importFrom(bytes)), TypeError);
    });

    it('a closed database neither exports nor imports: 2000', async () => {
      const db = await source.openAgain();
      const started = db.export().getReader();
      await db.close();
      assert.equal(await codeOf(() => db.export()), 2000);
      assert.equal(await codeOf(() => db.importFrom([])), 2000);
      const failure = await reasonOf(readAll(started));
      assert.instanceOf(failure, FDBError);
    });
  });
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}

/** What a promise rejects with. */
async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return assert.fail('a rejection was expected');
}

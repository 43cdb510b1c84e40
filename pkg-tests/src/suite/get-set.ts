/** Single keys: what is set is what is read. */
import { assert } from 'chai';
import { hex, text, utf8 } from './bytes.ts';
import { fill, type Storage, withDatabase } from './fixture.ts';
import { Random } from './random.ts';

export function getAndSet(storage: Storage): void {
  describe('get, set, clear', () => {
    const test = withDatabase(storage);

    it('a missing key reads as undefined', async () => {
      const value = await test.db.doTransaction((tn) => tn.get('nothing'));
      assert.isUndefined(value);
    });

    it('a committed value is read by the next transaction, as bytes', async () => {
      await test.db.doTransaction((tn) => tn.set('key', 'value'));
      const value = await test.db.doTransaction((tn) => tn.get('key'));
      assert.instanceOf(value, Uint8Array);
      assert.equal(text(value), 'value');
    });

    it('the last value set wins', async () => {
      await test.db.doTransaction((tn) => {
        tn.set('key', 'first');
        tn.set('key', 'second');
      });
      assert.equal(text(await test.db.get('key')), 'second');
      await test.db.set('key', 'third');
      assert.equal(text(await test.db.get('key')), 'third');
    });

    it('strings are UTF-8, in keys and in values', async () => {
      await test.db.set('Größe 🔥', '東京 🔥');
      const value = await test.db.get(utf8('Größe 🔥'));
      assert.deepEqual(value, utf8('東京 🔥'));
    });

    it('a lone surrogate is stored as U+FFFD', async () => {
      await test.db.set('key', 'a\ud800b');
      assert.equal(text(await test.db.get('key')), 'a\ufffdb');
    });

    it('an empty value is present, and is not undefined', async () => {
      await test.db.set('empty', '');
      const [value, present, absent] = await test.db.doTransaction((tn) =>
        Promise.all([tn.get('empty'), tn.exists('empty'), tn.exists('missing')]),
      );
      assert.deepEqual(value, new Uint8Array(0));
      assert.isTrue(present);
      assert.isFalse(absent);
    });

    it('the empty key can be stored, read and cleared', async () => {
      await test.db.set('', 'at the very beginning');
      assert.equal(text(await test.db.get('')), 'at the very beginning');
      await test.db.clear('');
      assert.isUndefined(await test.db.get(''));
    });

    it('every byte value survives in keys and in values', async () => {
      const value = Uint8Array.from({ length: 256 }, (_, index) => index);
      const key = Uint8Array.of(0x00, 0xff, 0x80, 0x7f, 0x00, 0x0a, 0xff);
      await test.db.set(key, value);
      assert.deepEqual(await test.db.get(key), value);
      assert.isUndefined(await test.db.get(key.subarray(0, 6)));
    });

    it('a view into a larger buffer stores only what it shows', async () => {
      const buffer = utf8('<<key>><<value>>');
      await test.db.set(buffer.subarray(2, 5), buffer.subarray(9, 14));
      assert.equal(text(await test.db.get('key')), 'value');
    });

    it('bytes are copied when they are set: changing them later changes nothing', async () => {
      const key = utf8('key');
      const value = utf8('value');
      await test.db.doTransaction((tn) => {
        tn.set(key, value);
        key.fill(0x78);
        value.fill(0x78);
      });
      assert.equal(text(await test.db.get('key')), 'value');
    });

    it('bytes that were read are the reader’s own: changing them changes no one else’s', async () => {
      await test.db.set('key', 'value');
      const changed = await test.db.doTransaction(async (tn) => {
        const first = await tn.get('key');
        first?.fill(0x78);
        return tn.get('key');
      });
      assert.equal(text(changed), 'value');
      assert.equal(text(await test.db.get('key')), 'value');
    });

    it('values of all lengths come back whole, by keys of all lengths, and stay so while others are read', async () => {
      const random = new Random(storage.seed + 2);
      const lengths = [0, 1, 15, 63, 64, 65, 100, 1_000, 1_023, 1_024, 1_025, 4_000, 8_191, 8_192, 8_193];
      const keyLengths = [3, 100, 1_023, 1_024, 1_025];
      const rows = lengths.flatMap((length) =>
        keyLengths.map((keyLength) => {
          const key = Uint8Array.of(0x6b, length >> 8, length & 0xff, ...random.bytes(keyLength - 3));
          return { key, value: random.bytes(length) };
        }),
      );
      await test.db.doTransaction((tn) => {
        for (const { key, value } of rows) tn.set(key, value);
      });
      // Small values of several reads may share a buffer: none may be written over, nor change another one.
      const kept: [Uint8Array, string][] = [];
      await test.db.doTransaction(async (tn) => {
        for (const { key, value } of rows) {
          for (const read of [await tn.get(key), await test.db.get(key)]) {
            if (read === undefined) assert.fail(`no value of ${value.length} bytes`);
            assert.equal(hex(read), hex(value), `${value.length} bytes by a key of ${key.length}`);
            read.fill(random.below(256));
            kept.push([read, hex(read)]);
          }
        }
      });
      // The engine's memory grows, and is another buffer then.
      await test.db.doTransaction((tn) => {
        for (let index = 0; index < 60; index += 1) tn.set(`large/${index}`, random.bytes(90_000));
      });
      for (const { key, value } of rows) assert.equal(hex((await test.db.get(key)) ?? key), hex(value));
      for (const [read, expected] of kept) assert.equal(hex(read), expected);
    });

    it('a value can be looked at as numbers of eight bytes', async () => {
      await test.db.set('odd', new Uint8Array(67));
      await test.db.set(
        'numbers',
        new Uint8Array(Float64Array.from({ length: 20 }, (_, index) => index).buffer),
      );
      await test.db.get('odd');
      const value = await test.db.get('numbers');
      if (value === undefined) assert.fail('no value');
      const numbers = new Float64Array(value.buffer, value.byteOffset, value.byteLength / 8);
      assert.equal(numbers.at(-1), 19);
    });

    it('clear and its alias delete remove a key, and only that key', async () => {
      await fill(test.db, { a: '1', 'a\0': '2', aa: '3', b: '4' });
      await test.db.doTransaction((tn) => {
        tn.clear('a');
        tn.delete('b');
      });
      const values = await test.db.doTransaction((tn) =>
        Promise.all(['a', 'a\0', 'aa', 'b'].map((key) => tn.get(key))),
      );
      assert.deepEqual(values.map(text), [undefined, '2', '3', undefined]);
    });

    it('clearing a missing key is no error', async () => {
      await test.db.clear('missing');
      assert.isUndefined(await test.db.get('missing'));
    });

    it('a key of 10,000 bytes and a value of 100,000 bytes come back whole', async () => {
      const random = new Random(storage.seed);
      const key = random.bytes(10_000);
      key[0] = 0x6b;
      const value = random.bytes(100_000);
      await test.db.set(key, value);
      const again = await test.openAgain();
      const read = await again.get(key);
      assert.equal(read?.length, value.length);
      assert.isTrue(read !== undefined && hex(read) === hex(value), 'the value was changed');
    });

    it('one transaction of 2,000 keys and 3 MB is committed whole', async () => {
      const random = new Random(storage.seed + 1);
      const large = Array.from({ length: 30 }, () => random.bytes(100_000));
      await test.db.doTransaction((tn) => {
        for (let index = 0; index < 2_000; index += 1) tn.set(`small/${index}`, `${index}`);
        for (const [index, value] of large.entries()) tn.set(`large/${index}`, value);
      });
      const again = await test.openAgain();
      await again.doTransaction(async (tn) => {
        assert.lengthOf(await tn.getRangeAll('small/'), 2_000);
        for (const [index, value] of large.entries()) {
          const read = await tn.get(`large/${index}`);
          assert.isTrue(read !== undefined && hex(read) === hex(value), `large/${index} was changed`);
        }
      });
    });
  });
}

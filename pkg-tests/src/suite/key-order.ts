/** Keys are unsigned bytes in lexicographic order, a shorter prefix first. */
import { assert } from 'chai';
import { END_OF_KEYS, fromHex, hex } from './bytes.ts';
import { type Storage, withDatabase } from './fixture.ts';
import { Random } from './random.ts';

export function keyOrder(storage: Storage): void {
  describe('key order', () => {
    const test = withDatabase(storage);

    async function storedOrder(keys: readonly string[], reverse = false): Promise<string[]> {
      await test.db.doTransaction((tn) => {
        for (const key of keys) tn.set(fromHex(key), '');
      });
      const rows = await test.db.getRangeAll(new Uint8Array(0), END_OF_KEYS, { reverse });
      return rows.map(([key]) => hex(key));
    }

    it('bytes compare unsigned: 7f before 80 before fe', async () => {
      const order = await storedOrder(['fe', '80', '7f', '00', 'feff', '81']);
      assert.deepEqual(order, ['00', '7f', '80', '81', 'fe', 'feff']);
    });

    it('a prefix sorts before its extensions, and the empty key before all', async () => {
      const order = await storedOrder(['6100', '61', '', '6161', '60ffff', '610000']);
      assert.deepEqual(order, ['', '60ffff', '61', '6100', '610000', '6161']);
    });

    it('strings sort by their UTF-8 bytes, not by their UTF-16 units', async () => {
      // U+FF5E is one unit, ff5e; U+1F525 is d83d dd25, so UTF-16 would turn the two around.
      const keys = ['\u{1f525}', '\uff5e', 'a', 'ä'];
      await test.db.doTransaction((tn) => {
        for (const key of keys) tn.set(key, key);
      });
      const rows = await test.db.getRangeAll('', END_OF_KEYS);
      assert.deepEqual(
        rows.map(([key]) => new TextDecoder().decode(key)),
        ['a', 'ä', '\uff5e', '\u{1f525}'],
      );
    });

    it('random binary keys come back sorted, in both directions', async () => {
      const random = new Random(storage.seed);
      const keys = new Set<string>();
      while (keys.size < 300) {
        const key = random.bytes(random.below(12));
        if (key[0] !== 0xff) keys.add(hex(key));
      }
      const sorted = [...keys].sort();
      assert.deepEqual(await storedOrder([...keys]), sorted);
      assert.deepEqual(await storedOrder([], true), sorted.reverse());
    });
  });
}

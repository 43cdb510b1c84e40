/** Atomic operations and versionstamps. */
import { assert } from 'chai';
import { MutationType } from 'plinthdb';
import { text } from './bytes.ts';
import { codeOf, codeThrownBy, fill, type Storage, withDatabase } from './fixture.ts';

const STAMP_AT_4 = Uint8Array.of(4, 0, 0, 0);

export function atomicOperations(storage: Storage): void {
  describe('atomic operations', () => {
    const test = withDatabase(storage);

    it('additions from many transactions at once all count, without a single retry', async () => {
      let runs = 0;
      const addOne = () =>
        test.db.doTransaction((tn) => {
          runs += 1;
          tn.add('sum', Uint8Array.of(1, 0));
        });
      await Promise.all(Array.from({ length: 300 }, addOne));
      assert.deepEqual(await test.db.get('sum'), Uint8Array.of(300 - 256, 1));
      assert.equal(runs, 300);
    });

    it('each has FoundationDB’s effect', async () => {
      const cases: [keyof typeof MutationType, number[]][] = [
        ['Add', [0x0b, 0x0d]],
        ['BitAnd', [0x00, 0x02]],
        ['BitOr', [0x0b, 0x0b]],
        ['BitXor', [0x0b, 0x09]],
        ['AppendIfFits', [0x0a, 0x0b, 0x0c, 0x01, 0x02]],
        ['Max', [0x0a, 0x0b]],
        ['Min', [0x01, 0x02]],
        ['ByteMin', [0x01, 0x02]],
        ['ByteMax', [0x0a, 0x0b, 0x0c]],
        ['CompareAndClear', [0x0a, 0x0b, 0x0c]],
      ];
      await test.db.doTransaction((tn) => {
        for (const [name] of cases) tn.set(name, Uint8Array.of(0x0a, 0x0b, 0x0c));
      });
      await test.db.doTransaction(async (tn) => {
        for (const [name] of cases) tn.atomicOp(MutationType[name], name, Uint8Array.of(1, 2));
        for (const [name, expected] of cases) {
          assert.deepEqual(await tn.get(name), Uint8Array.from(expected), `${name}, own`);
        }
      });
      for (const [name, expected] of cases) {
        assert.deepEqual(await test.db.get(name), Uint8Array.from(expected), `${name}, stored`);
      }
    });

    it('the short forms are the operations of their names', async () => {
      await fill(test.db, { max: 'b', min: 'b', and: 'c', or: 'a', xor: 'b', byteMin: 'b', byteMax: 'b' });
      await test.db.doTransaction((tn) => {
        tn.max('max', 'c');
        tn.min('min', 'a');
        tn.bitAnd('and', 'a');
        tn.bitOr('or', 'b');
        tn.bitXor('xor', 'B');
        tn.byteMin('byteMin', 'abc');
        tn.byteMax('byteMax', 'cba');
      });
      const values = await test.db.getRangeAll('a', 'z');
      assert.deepEqual(
        values.map(([key, value]) => `${text(key)}=${text(value)}`),
        ['and=a', 'byteMax=cba', 'byteMin=abc', 'max=c', 'min=a', 'or=c', 'xor= '],
      );
    });

    it('an unknown number is refused with 2018', () => {
      const tn = test.db.rawCreateTransaction();
      assert.equal(
        codeThrownBy(() => tn.atomicOp(99, 'k', 'v')),
        2018,
      );
    });
  });

  describe('versionstamps', () => {
    const test = withDatabase(storage);

    it('keys with a stamp sort in the order of their commits, whoever wrote them', async () => {
      const other = await test.openAgain();
      const template = Uint8Array.of(0x6c, 0x6f, 0x67, 0x2f, ...new Uint8Array(10), ...STAMP_AT_4);
      for (let entry = 0; entry < 6; entry += 1) {
        const db = entry % 2 === 0 ? test.db : other;
        await db.doTransaction((tn) => tn.setVersionstampedKeyRaw(template, String(entry)));
      }
      const rows = await test.db.getRangeAll('log/');
      assert.deepEqual(
        rows.map(([, value]) => text(value)),
        ['0', '1', '2', '3', '4', '5'],
      );
    });

    it('getVersionstamp gives the ten bytes that were stored', async () => {
      const template = new Uint8Array(14);
      const { promise } = await test.db.doTransaction((tn) => {
        tn.setVersionstampedValueRaw('last', template);
        return tn.getVersionstamp();
      });
      const stamp = await promise;
      assert.lengthOf(stamp, 10);
      assert.deepEqual(await test.db.get('last'), stamp);
    });

    it('a transaction that wrote nothing has none: 2021', async () => {
      const { promise } = await test.db.doTransaction((tn) => tn.getVersionstamp());
      assert.equal(await codeOf(() => promise), 2021);
    });

    it('what will be stamped cannot be read before: 1036', async () => {
      const tn = test.db.rawCreateTransaction();
      tn.setVersionstampedValueRaw('last', new Uint8Array(14));
      assert.equal(await codeOf(() => tn.get('last')), 1036);
      tn.rawReset();
    });

    it('a template too short for its stamp is refused with 2000', () => {
      const tn = test.db.rawCreateTransaction();
      assert.equal(
        codeThrownBy(() => tn.setVersionstampedKeyRaw(new Uint8Array(13), '')),
        2000,
      );
    });

    it('a write without a write conflict range hurts no reader', async () => {
      const reader = test.db.rawCreateTransaction();
      await reader.get('k');
      reader.set('elsewhere', '');
      await test.db.doTransaction((tn) => {
        tn.nextWriteNoWriteConflictRange();
        tn.set('k', 'silently');
      });
      await reader.rawCommit();
    });
  });
}

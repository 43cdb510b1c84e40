/** Conflict ranges that a transaction declares without reading or writing. */
import { assert } from 'chai';
import { versionNumber } from 'plinthdb';
import { fromHex } from './bytes.ts';
import { type ConflictCase, testConflicts } from './conflict-outcome.ts';
import { commitOnce, type Storage, withDatabase } from './fixture.ts';

export function conflictRanges(storage: Storage): void {
  describe('declared conflict ranges', () => {
    const test = withDatabase(storage);

    const cases: ConflictCase[] = [
      [
        'addReadConflictKey makes a key read',
        'conflicts',
        (tn) => tn.addReadConflictKey('b'),
        (tn) => tn.set('b', 'x'),
      ],
      [
        'addReadConflictKey covers no other key',
        'commits',
        (tn) => tn.addReadConflictKey('b'),
        (tn) => tn.set('b\0', 'x'),
      ],
      [
        'addReadConflictRange makes a range read',
        'conflicts',
        (tn) => tn.addReadConflictRange('b', 'd'),
        (tn) => tn.set('c', 'x'),
      ],
      [
        'addReadConflictRange excludes its end',
        'commits',
        (tn) => tn.addReadConflictRange('b', 'd'),
        (tn) => tn.set('d', 'x'),
      ],
      [
        'an empty read conflict range protects nothing',
        'commits',
        (tn) => tn.addReadConflictRange('b', 'b'),
        (tn) => tn.set('b', 'x'),
      ],
      [
        'addWriteConflictKey harms a reader',
        'conflicts',
        (tn) => tn.get('b'),
        (tn) => tn.addWriteConflictKey('b'),
      ],
      [
        'addWriteConflictRange harms a reader',
        'conflicts',
        (tn) => tn.get('c'),
        (tn) => tn.addWriteConflictRange('b', 'd'),
      ],
      [
        'addWriteConflictRange excludes its end',
        'commits',
        (tn) => tn.get('d'),
        (tn) => tn.addWriteConflictRange('b', 'd'),
      ],
      [
        'a read conflict on an own set is trimmed',
        'commits',
        (tn) => {
          tn.set('b', 'own');
          tn.addReadConflictKey('b');
        },
        (tn) => tn.set('b', 'x'),
      ],
      [
        'binary bounds are bytes',
        'conflicts',
        (tn) => tn.addReadConflictRange(fromHex('00ff'), fromHex('0100')),
        (tn) => tn.set(fromHex('00ff00'), 'x'),
      ],
    ];

    testConflicts(test, cases);

    it('a transaction with nothing but a write conflict range gets a version', async () => {
      const tn = await commitOnce(test.db, (writer) => writer.addWriteConflictKey('key'));
      assert.isAbove(versionNumber(tn.getCommittedVersion()), 0);
      assert.isUndefined(await test.db.get('key'));
    });
  });
}

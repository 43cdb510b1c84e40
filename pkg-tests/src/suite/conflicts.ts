/** Which reads and writes conflict, and which don't. */
import { type ConflictCase, testConflicts } from './conflict-outcome.ts';
import { fill, type Storage, withDatabase } from './fixture.ts';

export function conflicts(storage: Storage): void {
  describe('conflicts', () => {
    const test = withDatabase(storage);

    beforeEach(() => fill(test.db, { b: '1', d: '2', f: '3', h: '4' }));

    const cases: ConflictCase[] = [
      ['a read key that is set conflicts', 'conflicts', (tn) => tn.get('b'), (tn) => tn.set('b', 'x')],
      ['a read key that is cleared conflicts', 'conflicts', (tn) => tn.get('b'), (tn) => tn.clear('b')],
      [
        'a key read as missing that is set conflicts',
        'conflicts',
        (tn) => tn.get('c'),
        (tn) => tn.set('c', 'x'),
      ],
      ['exists is a read', 'conflicts', (tn) => tn.exists('c'), (tn) => tn.set('c', 'x')],
      ['setting the same value again conflicts', 'conflicts', (tn) => tn.get('b'), (tn) => tn.set('b', '1')],
      ['clearing a missing key conflicts', 'conflicts', (tn) => tn.get('c'), (tn) => tn.clear('c')],
      [
        'a range clear over a read key conflicts',
        'conflicts',
        (tn) => tn.get('c'),
        (tn) => tn.clearRange('a', 'd'),
      ],
      [
        'a range clear ending at a read key does not',
        'commits',
        (tn) => tn.get('d'),
        (tn) => tn.clearRange('a', 'd'),
      ],
      ['a write to another key does not', 'commits', (tn) => tn.get('b'), (tn) => tn.set('c', 'x')],
      ['the immediate successor is another key', 'commits', (tn) => tn.get('b'), (tn) => tn.set('b\0', 'x')],
      ['a reader never harms a reader', 'commits', (tn) => tn.get('b'), (tn) => tn.get('b')],
      [
        'blind writes of one key never conflict',
        'commits',
        (tn) => tn.set('b', 'x'),
        (tn) => tn.set('b', 'y'),
      ],
      ['a blind clear never conflicts', 'commits', (tn) => tn.clearRange('a', 'z'), (tn) => tn.set('b', 'y')],

      [
        'a row changed in a read range conflicts',
        'conflicts',
        (tn) => tn.getRangeAll('a', 'z'),
        (tn) => tn.set('d', 'x'),
      ],
      [
        'a row inserted in a read range conflicts',
        'conflicts',
        (tn) => tn.getRangeAll('a', 'z'),
        (tn) => tn.set('e', 'x'),
      ],
      [
        'a row removed from a read range conflicts',
        'conflicts',
        (tn) => tn.getRangeAll('a', 'z'),
        (tn) => tn.clear('d'),
      ],
      [
        'an insert in a range read as empty conflicts',
        'conflicts',
        (tn) => tn.getRangeAll('m', 'n'),
        (tn) => tn.set('mm', 'x'),
      ],
      [
        'an insert at the begin of a read range conflicts',
        'conflicts',
        (tn) => tn.getRangeAll('c', 'e'),
        (tn) => tn.set('c', 'x'),
      ],
      [
        'an insert at the end of a read range does not',
        'commits',
        (tn) => tn.getRangeAll('c', 'e'),
        (tn) => tn.set('e', 'x'),
      ],
      [
        'an insert before a read range does not',
        'commits',
        (tn) => tn.getRangeAll('c', 'e'),
        (tn) => tn.set('bb', 'x'),
      ],
      [
        'an inverted range read protects nothing',
        'commits',
        (tn) => tn.getRangeAll('z', 'a'),
        (tn) => tn.set('d', 'x'),
      ],

      [
        'a limited read protects its last row',
        'conflicts',
        (tn) => tn.getRangeAll('a', 'z', { limit: 2 }),
        (tn) => tn.set('d', 'x'),
      ],
      [
        'a limited read protects the gaps before its last row',
        'conflicts',
        (tn) => tn.getRangeAll('a', 'z', { limit: 2 }),
        (tn) => tn.set('c', 'x'),
      ],
      [
        'a limited read protects the gap before its first row',
        'conflicts',
        (tn) => tn.getRangeAll('a', 'z', { limit: 2 }),
        (tn) => tn.set('a', 'x'),
      ],
      [
        'a limited read protects nothing after its last row',
        'commits',
        (tn) => tn.getRangeAll('a', 'z', { limit: 2 }),
        (tn) => tn.set('d\0', 'x'),
      ],
      [
        'a limit met by the very last row protects nothing after it',
        'commits',
        (tn) => tn.getRangeAll('a', 'z', { limit: 4 }),
        (tn) => tn.set('m', 'x'),
      ],
      [
        'a limit that is not met protects the whole range',
        'conflicts',
        (tn) => tn.getRangeAll('a', 'z', { limit: 5 }),
        (tn) => tn.set('m', 'x'),
      ],
      [
        'a limited reverse read protects its last row',
        'conflicts',
        (tn) => tn.getRangeAll('a', 'z', { limit: 2, reverse: true }),
        (tn) => tn.set('f', 'x'),
      ],
      [
        'a limited reverse read protects up to its end',
        'conflicts',
        (tn) => tn.getRangeAll('a', 'z', { limit: 2, reverse: true }),
        (tn) => tn.set('y', 'x'),
      ],
      [
        'a limited reverse read protects nothing before its last row',
        'commits',
        (tn) => tn.getRangeAll('a', 'z', { limit: 2, reverse: true }),
        (tn) => tn.set('e', 'x'),
      ],

      [
        'reading back an own set protects nothing',
        'commits',
        (tn) => {
          tn.set('b', 'own');
          return tn.get('b');
        },
        (tn) => tn.set('b', 'x'),
      ],
      [
        'reading back an own clear protects nothing',
        'commits',
        (tn) => {
          tn.clear('b');
          return tn.get('b');
        },
        (tn) => tn.set('b', 'x'),
      ],
      [
        'a read before the own set protects the key',
        'conflicts',
        async (tn) => {
          await tn.get('b');
          tn.set('b', 'own');
        },
        (tn) => tn.set('b', 'x'),
      ],
      [
        'a range read over an own range clear protects only what is outside it',
        'commits',
        (tn) => {
          tn.clearRange('c', 'g');
          return tn.getRangeAll('a', 'z');
        },
        (tn) => tn.set('d', 'x'),
      ],
      [
        'a range read over an own range clear still protects the rest',
        'conflicts',
        (tn) => {
          tn.clearRange('c', 'g');
          return tn.getRangeAll('a', 'z');
        },
        (tn) => tn.set('g', 'x'),
      ],

      [
        'a snapshot read protects nothing',
        'commits',
        (tn) => tn.snapshot().get('b'),
        (tn) => tn.set('b', 'x'),
      ],
      [
        'a snapshot range read protects nothing',
        'commits',
        (tn) => tn.snapshot().getRangeAll('a', 'z'),
        (tn) => tn.set('d', 'x'),
      ],
    ];

    testConflicts(test, cases);
  });
}

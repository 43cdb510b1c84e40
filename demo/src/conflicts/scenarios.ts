/** Prepared histories: the initial rows, the steps, and what they show. */

import type { InitialRows } from './replay';
import type { Operation, Side, Step } from './steps';

export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly explanation: string;
  readonly initial: InitialRows;
  readonly steps: readonly Step[];
}

const get = (key: string): Operation => ({ kind: 'get', key, isSnapshot: false });
const getRange = (begin: string, end: string, isSnapshot = false): Operation => ({
  kind: 'getRange',
  begin,
  end,
  isSnapshot,
});
const set = (key: string, value: string): Operation => ({ kind: 'set', key, value });
const clear = (key: string): Operation => ({ kind: 'clear', key });
const add = (key: string, amount: number): Operation => ({ kind: 'add', key, amount });
const commit: Operation = { kind: 'commit' };

function steps(...list: [Side, Operation][]): Step[] {
  return list.map(([side, operation]) => ({ side, operation }));
}

const SEATS: InitialRows = [
  ['guests', '3'],
  ['seat/1', 'Ann'],
  ['seat/2', 'Bob'],
  ['seat/3', 'Cleo'],
];

export const SCENARIOS: readonly Scenario[] = [
  {
    id: 'lost-update',
    title: 'Lost update',
    explanation:
      'Both read 10 and want to write 11: one increment would be lost. B read the counter, and A wrote it before B committed. So B is refused; when it is run again it reads 11 and writes 12.',
    initial: [['counter', '10']],
    steps: steps(
      ['A', get('counter')],
      ['B', get('counter')],
      ['A', set('counter', '=counter+1')],
      ['B', set('counter', '=counter+1')],
      ['A', commit],
      ['B', commit],
    ),
  },
  {
    id: 'write-skew',
    title: 'Write skew',
    explanation:
      'Two doctors are on call, and one has to stay. Each sees the other, and each goes off call. They write different keys, so snapshot isolation would let both pass and leave nobody. Here what was read counts: B read A’s key, so B is refused.',
    initial: [
      ['call/ann', 'on'],
      ['call/bob', 'on'],
    ],
    steps: steps(
      ['A', getRange('call/', 'call0')],
      ['B', getRange('call/', 'call0')],
      ['A', clear('call/ann')],
      ['B', clear('call/bob')],
      ['A', commit],
      ['B', commit],
    ),
  },
  {
    id: 'phantom',
    title: 'Phantom',
    explanation:
      'A counts the seats that are taken and writes the number down. Meanwhile B takes a seat that was not there when A looked. The range that A read has no gaps: it includes keys that did not exist, so A is refused.',
    initial: SEATS,
    steps: steps(
      ['A', getRange('seat/', 'seat0')],
      ['B', set('seat/4', 'Dan')],
      ['B', commit],
      ['A', set('guests', '=#')],
      ['A', commit],
    ),
  },
  {
    id: 'snapshot',
    title: 'Snapshot read',
    explanation:
      'The same as the phantom, but A reads by snapshot: it sees the same rows and takes no read conflict range. It commits, and the number is stale. Good for an estimate, wrong for an invoice.',
    initial: SEATS,
    steps: steps(
      ['A', getRange('seat/', 'seat0', true)],
      ['B', set('seat/4', 'Dan')],
      ['B', commit],
      ['A', set('guests', '=#')],
      ['A', commit],
    ),
  },
  {
    id: 'blind-writes',
    title: 'Blind writes',
    explanation:
      'Both write the same keys and read none. Neither depends on what the other did, so both commit, and the later commit stands: as if B had run after A. Writes alone never conflict.',
    initial: [
      ['colour', 'red'],
      ['size', 'small'],
    ],
    steps: steps(
      ['A', set('colour', 'green')],
      ['B', set('colour', 'blue')],
      ['A', set('size', 'large')],
      ['B', set('size', 'tiny')],
      ['A', commit],
      ['B', commit],
    ),
  },
  {
    id: 'atomic-add',
    title: 'Atomic add',
    explanation:
      'The lost update again, without the read: the engine adds when it applies the commit. There is no read conflict range, so both commit at the first attempt, and no increment is lost.',
    initial: [['counter', '10']],
    steps: steps(['A', add('counter', 1)], ['B', add('counter', 1)], ['A', commit], ['B', commit]),
  },
  {
    id: 'read-only',
    title: 'Only reading',
    explanation:
      'A reads twice while B commits in between, and sees the same value both times: a transaction reads one snapshot. It writes nothing, so there is nothing to refuse. Reading never fails for a conflict.',
    initial: [
      ['balance/ann', '50'],
      ['balance/bob', '50'],
    ],
    steps: steps(
      ['A', get('balance/ann')],
      ['B', getRange('balance/', 'balance0')],
      ['B', set('balance/ann', '=balance/ann-20')],
      ['B', set('balance/bob', '=balance/bob+20')],
      ['B', commit],
      ['A', get('balance/bob')],
      ['A', commit],
    ),
  },
  {
    id: 'free',
    title: 'Your own',
    explanation:
      'An empty history over five keys. Choose what each transaction does; going back and doing something else begins another history from there.',
    initial: [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
      ['d', '4'],
      ['e', '5'],
    ],
    steps: [],
  },
];

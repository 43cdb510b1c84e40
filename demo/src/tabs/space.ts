/**
 * Where the tabs' things are: two directories, with tuples as keys.
 *
 *   tabs/board   ('card', ID)                     column, position, text, name of the tab
 *                ('order', COLUMN, POSITION, ID)  the same cards as they stand on the board
 *                ('made',)                        the board has had its first cards
 *   tabs/count   ('total',)                       the counter
 *                ('by', TAB)                      what this tab has added to it; '' for those who are gone
 *                ('epoch',)                       new with every time the counter is set to zero
 *                ('race',)                        until when every tab is to count
 *                ('tab', TAB)                     what the tab says of itself, as JSON
 *
 * Positions are doubles, so that there is room between two cards.
 */

import { type Database, directory, type Subspace, type TupleItem, tuple } from 'plinthdb';

export type TupleSpace = Subspace<TupleItem[], TupleItem[]>;

export interface TabsSpace {
  readonly board: TupleSpace;
  readonly count: TupleSpace;
}

export async function openSpace(db: Database): Promise<TabsSpace> {
  return db.doTransaction(async (tn) => {
    const board = await directory.createOrOpen(tn, ['tabs', 'board']);
    const count = await directory.createOrOpen(tn, ['tabs', 'count']);
    const encoding = {
      pack: (items: TupleItem[]) => tuple.pack(items),
      unpack: (bytes: Uint8Array) => tuple.unpack(bytes),
    };
    return {
      board: board.getSubspace().withKeyEncoding(encoding),
      count: count.getSubspace().withKeyEncoding(encoding),
    };
  });
}

/** The number that is stored as a tuple of one integer; nothing stored is zero. */
export function unpackNumber(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : Number(tuple.unpack(value)[0]);
}

/** Text that is stored as a tuple of one string. */
export function unpackString(value: Uint8Array | undefined): string {
  return value === undefined ? '' : String(tuple.unpack(value)[0]);
}

/** Counting every key in the database by reading all of them, in one transaction. */

import type { Database, Transaction } from 'plinthdb';
import { compareKeys, prefixEnd, toBytes, toText } from '../bytes';
import { KEY_SPACES } from '../cities/keys';

export interface SpaceSize {
  space: string;
  keys: number;
  bytes: number;
}

const SPACES = [...KEY_SPACES, 'visit/'];

export async function takeInventory(db: Database): Promise<SpaceSize[]> {
  return db.doTransaction(async (tn) => {
    const rest: SpaceSize = { space: 'directories and the rest', keys: 0, bytes: 0 };
    const sizes: SpaceSize[] = [];
    let position: Uint8Array = new Uint8Array(0);
    for (const prefix of SPACES.map((space) => toBytes(space)).sort(compareKeys)) {
      const size: SpaceSize = { space: toText(prefix), keys: 0, bytes: 0 };
      await count(tn, position, prefix, rest);
      position = prefixEnd(prefix);
      await count(tn, prefix, position, size);
      sizes.push(size);
    }
    await count(tn, position, Uint8Array.of(0xff), rest);
    return [...sizes, rest];
  });
}

async function count(tn: Transaction, begin: Uint8Array, end: Uint8Array, size: SpaceSize): Promise<void> {
  for await (const rows of tn.getRangeBatch(begin, end)) {
    for (const [key, value] of rows) size.bytes += key.length + value.length;
    size.keys += rows.length;
  }
}

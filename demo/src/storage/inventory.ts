/** Counting every key in the database by reading all of them, in one transaction. */

import type { Database } from 'plinthdb';
import { KEY_SPACES } from '../cities/keys';

export interface SpaceSize {
  space: string;
  keys: number;
  bytes: number;
}

const SPACES = [...KEY_SPACES, 'tabs/', 'visit/'];

export async function takeInventory(db: Database): Promise<SpaceSize[]> {
  return db.doTransaction(async (tn) => {
    const sizes: SpaceSize[] = [];
    for (const space of SPACES) {
      const size = { space, keys: 0, bytes: 0 };
      for await (const rows of tn.getRangeBatch(space)) {
        for (const [key, value] of rows) size.bytes += key.length + value.length;
        size.keys += rows.length;
      }
      sizes.push(size);
    }
    return sizes;
  });
}

/**
 * Counting every key in the database by reading all of them, in as many transactions as it takes: one
 * may last five seconds, which a slow device needs for a few hundred thousand keys.
 */

import type { Database, Row } from 'plinthdb';
import { compareKeys, keyAfter, prefixEnd, toBytes, toText } from '../bytes';
import { KEY_SPACES } from '../cities/keys';

export interface SpaceSize {
  space: string;
  keys: number;
  bytes: number;
}

const SPACES = [...KEY_SPACES, 'visit/'];

const KEYS_PER_TRANSACTION = 20_000;

export async function takeInventory(db: Database): Promise<SpaceSize[]> {
  const rest: SpaceSize = { space: 'directories and the rest', keys: 0, bytes: 0 };
  const sizes: SpaceSize[] = [];
  let position: Uint8Array = new Uint8Array(0);
  for (const prefix of SPACES.map((space) => toBytes(space)).sort(compareKeys)) {
    const size: SpaceSize = { space: toText(prefix), keys: 0, bytes: 0 };
    await count(db, position, prefix, rest);
    position = prefixEnd(prefix);
    await count(db, prefix, position, size);
    sizes.push(size);
  }
  await count(db, position, Uint8Array.of(0xff), rest);
  return [...sizes, rest];
}

async function count(db: Database, begin: Uint8Array, end: Uint8Array, size: SpaceSize): Promise<void> {
  let position: Uint8Array | undefined = begin;
  while (position !== undefined) {
    const rows: Row[] = await db.getRangeAll(position, end, { limit: KEYS_PER_TRANSACTION });
    for (const [key, value] of rows) size.bytes += key.length + value.length;
    size.keys += rows.length;
    const last = rows.at(-1);
    position = last === undefined || rows.length < KEYS_PER_TRANSACTION ? undefined : keyAfter(last[0]);
  }
}

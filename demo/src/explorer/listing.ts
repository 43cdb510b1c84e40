/**
 * One level of the key space: below a prefix, the keys that are at their end there, and groups of those
 * that go on: with the same tuple element, or with the same text up to a slash.
 *
 * A group is skipped, not read: the next read begins after it. So a level with three groups costs a
 * few small reads, however many keys there are.
 */

import type { Database, Row, Transaction } from 'plinthdb';
import { compareKeys, joinBytes, keyAfter, prefixEnd, startsWith } from '../bytes';
import { guessFormat, showKey } from './encoding';
import { firstElement } from './tuple-text';

export interface Group {
  kind: 'group';
  prefix: Uint8Array;
  label: string;
  /** Of the keys and values in it. */
  bytes: number;
}

export interface Leaf {
  kind: 'leaf';
  key: Uint8Array;
  label: string;
  value: Uint8Array;
}

export type Entry = Group | Leaf;

export interface Page {
  entries: Entry[];
  /** Where the next page begins; undefined if this is the last one. */
  next: Uint8Array | undefined;
  /** Keys and values of all that begins with the prefix. */
  bytes: number;
}

export interface PageOptions {
  /** All keys one by one. */
  isFlat: boolean;
  limit: number;
}

const SLASH = 0x2f;
/** What the usual directory layer keeps about directories. */
const DIRECTORY_LAYER = 0xfe;
const BATCH_MAX = 100;

export async function readPage(
  db: Database,
  prefix: Uint8Array,
  from: Uint8Array,
  options: PageOptions,
): Promise<Page> {
  return db.doTransaction(async (transaction) => {
    const tn = transaction.snapshot();
    const end = prefixEnd(prefix);
    const entries: Entry[] = [];
    let position: Uint8Array | undefined = from;
    // A group shows itself in two rows; rows without one are read in larger batches.
    let batch = options.isFlat ? options.limit + 1 : 2;
    while (position !== undefined && entries.length < options.limit) {
      const rows = await tn.getRangeAll(position, end, { limit: batch });
      const isEnd = rows.length < batch;
      const taken = options.isFlat ? takeFlat(rows, prefix) : takeGrouped(rows, prefix, isEnd);
      for (const entry of taken.entries) {
        if (entries.length === options.limit) break;
        entries.push(entry);
      }
      batch = taken.isGroup ? 2 : Math.min(BATCH_MAX, Math.max(4, batch * 2));
      position = taken.isGroup || !isEnd ? taken.next : undefined;
    }
    const last = entries.at(-1);
    const after = last === undefined ? undefined : endOf(last);
    const rest = after && (await tn.getRangeAll(after, end, { limit: 1 }));
    return {
      entries: await Promise.all(entries.map((entry) => withSize(tn, entry))),
      next: rest?.length === 1 ? after : undefined,
      bytes: await tn.getEstimatedRangeSizeBytes(prefix, end),
    };
  });
}

interface Taken {
  entries: Entry[];
  isGroup: boolean;
  /** Where to read on. */
  next: Uint8Array | undefined;
}

function takeFlat(rows: readonly Row[], prefix: Uint8Array): Taken {
  const entries = rows.map((row) => leaf(row, prefix));
  const last = rows.at(-1);
  return { entries, isGroup: false, next: last && keyAfter(last[0]) };
}

/** The rows up to the first group, which is skipped. */
function takeGrouped(rows: readonly Row[], prefix: Uint8Array, isEnd: boolean): Taken {
  const entries: Entry[] = [];
  for (const [index, row] of rows.entries()) {
    const found = groupOf(row[0], prefix);
    const following = rows[index + 1];
    // Whether the last row of a batch is alone in its group can only be seen in the next batch.
    if (found !== undefined && following === undefined && !isEnd) {
      if (index > 0) return { entries, isGroup: false, next: row[0] };
    }
    if (found !== undefined && following !== undefined && startsWith(following[0], found.prefix)) {
      entries.push({ kind: 'group', ...found, bytes: 0 });
      return { entries, isGroup: true, next: prefixEnd(found.prefix) };
    }
    entries.push(leaf(row, prefix));
  }
  const last = rows.at(-1);
  return { entries, isGroup: false, next: last && keyAfter(last[0]) };
}

/** The group that a key is in, unless it ends right there. */
function groupOf(key: Uint8Array, prefix: Uint8Array): { prefix: Uint8Array; label: string } | undefined {
  const rest = key.subarray(prefix.length);
  if (prefix.length === 0 && rest[0] === DIRECTORY_LAYER) {
    return { prefix: rest.slice(0, 1), label: '\\xfe (the directory layer)' };
  }
  const element = guessFormat(rest) === 'tuple' ? firstElement(rest) : undefined;
  if (element !== undefined) {
    if (element.bytes.length === rest.length) return undefined;
    return { prefix: joinBytes(prefix, element.bytes), label: element.text };
  }
  const slash = rest.indexOf(SLASH);
  if (slash < 0 || slash === rest.length - 1) return undefined;
  const segment = rest.slice(0, slash + 1);
  return { prefix: joinBytes(prefix, segment), label: showKey(segment) };
}

function leaf([key, value]: Row, prefix: Uint8Array): Leaf {
  const rest = key.subarray(prefix.length);
  const label = rest.length === 0 ? '(the prefix itself)' : showKey(rest);
  return { kind: 'leaf', key: key.slice(), value: value.slice(), label };
}

function endOf(entry: Entry): Uint8Array {
  return entry.kind === 'group' ? prefixEnd(entry.prefix) : keyAfter(entry.key);
}

async function withSize(tn: Transaction, entry: Entry): Promise<Entry> {
  if (entry.kind === 'leaf') return entry;
  const bytes = await tn.getEstimatedRangeSizeBytes(entry.prefix, prefixEnd(entry.prefix));
  return { ...entry, bytes };
}

/** How far into a level a position is, for those who give one: not before the prefix, not after it. */
export function clampInto(prefix: Uint8Array, position: Uint8Array): Uint8Array {
  if (compareKeys(position, prefix) < 0) return prefix;
  const end = prefixEnd(prefix);
  return compareKeys(position, end) > 0 ? end : position;
}

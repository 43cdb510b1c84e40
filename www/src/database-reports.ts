import { type FDBError, fdbError } from './fdb-error.js';

/** Counts since the database was opened here, and sizes. */
export interface DatabaseStats {
  /** The newest version known here. */
  version: number;
  /** The sequence number of the last log record known here. */
  logTail: number;
  /**
   * Keys at that version. Once the log was folded an estimate: keys written since count as new ones, those
   * cleared since as still there.
   */
  keyCount: number;
  /** Bytes of these keys and their values. */
  keyValueBytes: number;
  /** The version up to which everything is in pages. */
  foldedVersion: number;
  /** Keys at that version, exactly. */
  foldedKeyCount: number;
  /** Bytes of their keys and values. */
  foldedKeyValueBytes: number;
  /** Entries of the log that are not in pages. */
  logEntryCount: number;
  /** Their bytes. */
  logBytes: number;
  /** Memory taken by the changes that are not in pages. */
  recentBytes: number;
  /** Bytes of pages in memory. */
  cacheBytes: number;
  /** Pages in memory. */
  cachedPageCount: number;
  /** Pages that were found in memory. */
  cacheHitCount: number;
  /** Pages that were read from IndexedDB. */
  pageReadCount: number;
  /** Pages written here. */
  pageWriteCount: number;
  /** How often the log was folded into pages here. */
  foldCount: number;
  /** Whether that is going on now. */
  isFolding: boolean;
  /** What is to be deleted and is not yet. */
  condemnedCount: number;
  /** Watches that have not ended. */
  watchCount: number;
  /** Transactions committed here that wrote something. */
  committedCount: number;
  /** Commits that failed here because of a conflict. */
  conflictCount: number;
  /** Reads of the log. */
  logReadCount: number;
  /** How often this tab began again from the pages, because it had slept too long to follow the log. */
  restartCount: number;
}

/** What {@link Database.check} found. */
export interface CheckReport {
  /** Pages in use. */
  pageCount: number;
  /** Their bytes. */
  pageBytes: number;
  /** Rows in them. */
  rowCount: number;
  /** Bytes of these rows' keys and values. */
  keyValueBytes: number;
  /** Entries of the log that are not in pages. */
  logEntryCount: number;
  /** Their bytes. */
  logBytes: number;
  /** Pages that were replaced and are still to be deleted. */
  supersededPageCount: number;
  /** Pages that nothing refers to, of a fold that was broken off. */
  unreachablePageCount: number;
  /** Damaged pages and records, each named in its message. Empty if there are none. */
  damage: FDBError[];
}

/** A report as the engine gives it. */
export interface PackedCheckReport extends Omit<CheckReport, 'damage'> {
  damage: [code: number, message: string][];
}

/** A report with its damage as errors. */
export function checkReport(packed: PackedCheckReport): CheckReport {
  return { ...packed, damage: packed.damage.map(([code, message]) => fdbError(code, message)) };
}

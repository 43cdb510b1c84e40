/**
 * Runs a history from its beginning, on a fresh state, and says what came of it.
 *
 * Every change of the history runs all of it again: it takes a few milliseconds, one can go back, and
 * nobody has to think faster than the five seconds that a transaction may last.
 */

import { type Database, errorCodes, FDBError, type Transaction, TransactionOptionCode } from 'plinthdb';
import { toText } from '../bytes';
import { describeError } from '../notices';
import { conflictRanges, type Interval } from './ranges';
import { type Operation, SIDES, type Side, type Step } from './steps';
import { evaluate, packInteger, packValue, showValue } from './values';

export type SideState = 'not begun' | 'open' | 'committed' | 'refused';

export interface SideView {
  state: SideState;
  attempt: number;
  reads: Interval[];
  writes: Interval[];
  /** The read ranges that made it fail. */
  conflicts: Interval[];
}

export interface Outcome {
  text: string;
  tone: 'plain' | 'good' | 'bad';
}

export interface Replay {
  /** One for each step. */
  outcomes: Outcome[];
  sides: Record<Side, SideView>;
  /** What is in the database after it, keys and values as shown. */
  rows: Map<string, string>;
}

export type InitialRows = readonly (readonly [key: string, value: string])[];

export async function replay(db: Database, initial: InitialRows, steps: readonly Step[]): Promise<Replay> {
  await db.doTransaction((tn) => {
    tn.clearRange('', Uint8Array.of(0xff));
    for (const [key, value] of initial) tn.set(key, packValue(value));
  });
  const runs: Record<Side, Run> = { A: new Run(db), B: new Run(db) };
  const outcomes: Outcome[] = [];
  for (const { side, operation } of steps) outcomes.push(await runs[side].do(operation));
  for (const side of SIDES) await runs[side].end();
  const rows = await db.getRangeAll('');
  return {
    outcomes,
    sides: { A: runs.A.view, B: runs.B.view },
    rows: new Map(rows.map(([key, value]) => [toText(key), showValue(value)])),
  };
}

/** One of the two transactions. */
class Run {
  readonly view: SideView = { state: 'not begun', attempt: 1, reads: [], writes: [], conflicts: [] };
  readonly #db: Database;
  #tn: Transaction | undefined;
  readonly #values = new Map<string, string>();
  #rowCount: number | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  async do(operation: Operation): Promise<Outcome> {
    try {
      return await this.#do(operation);
    } catch (error) {
      const { code, message } = describeError(error);
      return { text: error instanceof FDBError ? `${code}: ${message}` : message, tone: 'bad' };
    }
  }

  /** Looks at what the transaction holds, and gives it up if it is still open. */
  async end(): Promise<void> {
    if (this.view.state === 'open') await this.#look();
    this.#tn?.rawCancel();
  }

  async #do(operation: Operation): Promise<Outcome> {
    const tn = this.#begun();
    switch (operation.kind) {
      case 'get': {
        const reader = operation.isSnapshot ? tn.snapshot() : tn;
        const value = showValue(await reader.get(operation.key));
        this.#values.set(operation.key, value);
        return plain(value);
      }
      case 'getRange': {
        const reader = operation.isSnapshot ? tn.snapshot() : tn;
        const rows = await reader.getRangeAll(operation.begin, operation.end);
        const shown = rows.map(([key, value]) => [toText(key), showValue(value)] as const);
        for (const [key, value] of shown) this.#values.set(key, value);
        this.#rowCount = rows.length;
        const list = shown.map(([key, value]) => `${key} = ${value}`).join(', ');
        return plain(rows.length === 0 ? 'no keys' : list);
      }
      case 'set': {
        const value = evaluate(operation.value, { values: this.#values, rowCount: this.#rowCount });
        tn.set(operation.key, packValue(value));
        return plain(operation.value.startsWith('=') ? `writes ${value}` : '');
      }
      case 'clear':
        tn.clear(operation.key);
        return plain('');
      case 'clearRange':
        tn.clearRange(operation.begin, operation.end);
        return plain('');
      case 'add':
        tn.add(operation.key, packInteger(operation.amount));
        return plain('unread');
      case 'addReadConflictKey':
        tn.addReadConflictKey(operation.key);
        return plain('');
      case 'addWriteConflictKey':
        tn.addWriteConflictKey(operation.key);
        return plain('');
      case 'commit':
        return this.#commit(tn);
      case 'retry':
        return this.#retry(tn);
    }
  }

  #begun(): Transaction {
    if (this.#tn === undefined) {
      this.#tn = this.#db.rawCreateTransaction();
      this.view.state = 'open';
      this.#tn.setOption(TransactionOptionCode.ReportConflictingKeys);
    }
    return this.#tn;
  }

  async #commit(tn: Transaction): Promise<Outcome> {
    await this.#look();
    try {
      await tn.rawCommit();
    } catch (error) {
      if (!(error instanceof FDBError) || error.code !== errorCodes.not_committed) throw error;
      this.view.state = 'refused';
      this.view.conflicts = await conflictRanges(tn, 'conflicting_keys');
      return { text: `refused: ${error.code} ${error.codeName}`, tone: 'bad' };
    }
    this.view.state = 'committed';
    const isReadOnly = this.view.writes.length === 0;
    return { text: isReadOnly ? 'committed; it only read' : 'committed', tone: 'good' };
  }

  async #retry(tn: Transaction): Promise<Outcome> {
    await tn.rawOnError(errorCodes.not_committed);
    // A retry forgets most options.
    tn.setOption(TransactionOptionCode.ReportConflictingKeys);
    this.#values.clear();
    this.#rowCount = undefined;
    Object.assign(this.view, { state: 'open', attempt: this.view.attempt + 1, conflicts: [] });
    return plain(`attempt ${this.view.attempt}, on a newer state`);
  }

  async #look(): Promise<void> {
    const tn = this.#begun();
    this.view.reads = await conflictRanges(tn, 'read_conflict_range');
    this.view.writes = await conflictRanges(tn, 'write_conflict_range');
  }
}

function plain(text: string): Outcome {
  return { text, tone: 'plain' };
}

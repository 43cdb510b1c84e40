/** The question that the conflict tests ask: does a transaction that reads survive one that writes? */
import { assert } from 'chai';
import type { Database, Transaction } from 'plinthdb';
import { codeOfError, commitOnce, type TestDatabase } from './fixture.ts';

export type Outcome = 'commits' | 'conflicts';

/** `write` is committed between `read` and the commit of the transaction that read. */
export type ConflictCase = [
  claim: string,
  Outcome,
  read: (tn: Transaction) => unknown,
  write: (tn: Transaction) => unknown,
];

export function testConflicts(test: TestDatabase, cases: readonly ConflictCase[]): void {
  for (const [claim, expected, read, write] of cases) {
    it(claim, async () => {
      assert.equal(await outcome(test.db, read, write), expected);
    });
  }
}

/** Reads with `read`, lets another transaction commit `write`, then writes an unrelated key and commits. */
async function outcome(db: Database, read: ConflictCase[2], write: ConflictCase[3]): Promise<Outcome> {
  const tn = db.rawCreateTransaction();
  await tn.getReadVersion();
  await read(tn);
  await commitOnce(db, write);
  tn.set('unrelated', '');
  try {
    await tn.rawCommit();
    return 'commits';
  } catch (error) {
    assert.equal(codeOfError(error), 1020);
    return 'conflicts';
  }
}

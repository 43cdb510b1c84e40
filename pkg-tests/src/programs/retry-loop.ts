// The parts of a transaction, by hand: conflicts, options, errors that wait for the commit, and numbers with names.
import * as fdb from 'foundationdb';

fdb.configNetwork({ trace_log_group: 'programs' });
fdb.setAPIVersion(700);
const db = fdb.open(undefined, { transaction_retry_limit: 10 }).at('raw/');

/** What a retry loop of another binding looks like. */
async function increment(key: string): Promise<number> {
  const tn = db.rawCreateTransaction({ timeout: 5000 });
  for (;;) {
    try {
      const value = Number((await tn.get(key)) ?? 0) + 1;
      tn.set(key, String(value));
      await tn.rawCommit();
      return value;
    } catch (error) {
      if (!(error instanceof fdb.FDBError)) throw error;
      await tn.rawOnError(error.code);
    }
  }
}

async function main(): Promise<void> {
  // Writes of a transaction that began before the database was open.
  const early = db.rawCreateTransaction();
  early.set('early', 'bird');
  await early.rawCommit();
  console.log(`early ${await db.get('early')}, at ${early.getCommittedVersion().length} bytes of version`);

  const results = await Promise.all([increment('n'), increment('n'), increment('n')]);
  console.log(`increments: ${results.sort().join(' ')}`);

  const [one, other] = [db.rawCreateTransaction(), db.rawCreateTransaction()];
  await Promise.all([one.get('k'), other.get('k')]);
  one.set('k', 'one');
  other.set('k', 'other');
  await one.rawCommit();
  await other.rawCommit().catch((error) => {
    console.log(`conflict: ${error instanceof fdb.FDBError && error.code}`);
  });

  // Setters never throw FoundationDB's errors: the commit does.
  const large = db.rawCreateTransaction();
  large.set('k', 'x'.repeat(100_001));
  const code = await large.rawCommit().then(
    () => 'none',
    (error: fdb.FDBError) => error.code,
  );
  console.log(`too large: ${code}`);
  try {
    db.rawCreateTransaction().addReadConflictRange('b', 'a');
  } catch (reason) {
    console.log(`inverted: ${reason instanceof fdb.FDBError && reason.code}`);
  }

  let attempts = 0;
  await db.doTn(async (tn) => {
    attempts++;
    tn.set('attempts', String(attempts));
    if (attempts < 3) throw new fdb.FDBError('not committed', 1020);
  });
  console.log(`attempts: ${attempts}`);

  await db.doTn(
    async (tn) => {
      tn.set('hidden', 'from myself');
      console.log(`own write: ${await tn.get('hidden')}`);
    },
    { read_your_writes_disable: true },
  );

  await db.doTn(async (tn) => {
    tn.setOption(fdb.TransactionOptionCode.NextWriteNoWriteConflictRange);
    tn.set('unseen', '');
    for (let index = 0; index < 100; index++) tn.set(`row/${String(index).padStart(3, '0')}`, 'x');
    let [batches, rows] = [0, 0];
    const options = { streamingMode: fdb.StreamingMode.Small, reverse: true };
    for await (const batch of tn.getRangeBatch('row/', 'row0', options)) {
      batches++;
      rows += batch.length;
    }
    console.log(`${rows} rows in ${batches > 1 ? 'several batches' : 'one batch'}`);
  });

  const { MutationType, StreamingMode, TransactionOptionCode, NetworkOptionCode } = fdb;
  console.log(
    [
      MutationType[MutationType.Add],
      StreamingMode[-2],
      TransactionOptionCode[500],
      NetworkOptionCode[NetworkOptionCode.TraceEnable],
      fdb.ErrorPredicate[50000],
      fdb.ConflictRangeType[1],
    ].join(' '),
  );
  console.log(fdb.util.strInc('abc').toString());
  db.close();
  try {
    db.rawCreateTransaction();
  } catch {
    console.log('closed');
  }
}

main();

// Prints:
// early bird, at 8 bytes of version
// increments: 1 2 3
// conflict: 1020
// too large: 2103
// inverted: 2005
// attempts: 3
// own write: undefined
// 100 rows in several batches
// Add WantAll Timeout TraceEnable Retryable Write
// abd
// closed

// A log with versionstamps in its keys, what follows it, and a notification of what is new.
import * as fdb from 'foundationdb';
import { type TupleItem, tuple } from 'foundationdb';

fdb.setAPIVersion(710);

async function main(): Promise<void> {
  const root = fdb.open();
  const log = root.at('events/').withKeyEncoding(fdb.encoders.tuple).withValueEncoding(fdb.encoders.json);

  // Two in one transaction differ by their codes.
  const first: TupleItem[] = ['log', tuple.unboundVersionstamp()];
  const second: TupleItem[] = ['log', tuple.unboundVersionstamp()];
  const watch = await log.getAndWatch(['last']);
  const { promise } = await log.doTn(async (tn) => {
    tn.setVersionstampedKey(first, { what: 'began' });
    tn.setVersionstampedKey(second, { what: 'went on' });
    tn.set(['last'], 'went on');
    return tn.getVersionstamp();
  });
  const stamp = await promise;
  const [, key] = first as [string, { type: string; value: Buffer }];
  console.log(
    `baked: ${key.type}, ${key.value.slice(0, 10).equals(stamp)}, code ${key.value.readUInt16BE(10)}`,
  );
  console.log(`notified: ${await watch.promise}, before it was ${watch.value}`);

  await log.setVersionstampedKey(['log', tuple.unboundVersionstamp()], { what: 'ended' });
  const everything = await log.getRangeAll(['log']);
  console.log(everything.map(([, { what }]) => what).join(', '));

  // What came after what I have seen.
  const after = await log.getRangeAll(fdb.keySelector.firstGreaterThan(second), ['log\0']);
  console.log(`after the second one: ${after.map(([, { what }]) => what).join(' ')}`);
  const { begin, end } = tuple.range(['log']);
  const raw = await root
    .at('events/')
    .getRangeAll(
      fdb.keySelector.firstGreaterThan(tuple.pack(second)),
      fdb.keySelector.firstGreaterOrEqual(end),
    );
  console.log(`the same by bytes: ${raw.length}, ${raw[0]?.[0].compare(begin)}`);

  const newest = await log.getKey(fdb.keySelector.lastLessThan(['log\0']));
  console.log(`newest: ${newest?.[0]}`);

  await root.setVersionstampPrefixedValue('page', 'its text');
  const page = await root.getVersionstampPrefixedValue('page');
  console.log(`page: ${page?.value}, stamp of ${page?.stamp.length} bytes`);
  console.log(`no page: ${await root.getVersionstampPrefixedValue('none')}`);
  root.close();
}

main();

// Prints:
// baked: versionstamp, true, code 0
// notified: true, before it was undefined
// began, went on, ended
// after the second one: ended
// the same by bytes: 1, 1
// newest: log
// page: its text, stamp of 10 bytes
// no page: null

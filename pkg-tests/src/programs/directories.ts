// Directories and partitions, with the errors that they have.
import * as fdb from 'foundationdb';
import { Directory, DirectoryError, DirectoryLayer, directory, Subspace } from 'foundationdb';

fdb.setAPIVersion(720);

async function main(): Promise<void> {
  const db = fdb.open();
  const app = await directory.createOrOpen(db, ['app']);
  const users = await app.createOrOpen(db, 'users', 'table');
  console.log(`${users.getPath().join('/')} is a ${users.getLayer()}, ${users instanceof Directory}`);

  await db.at(users).withKeyEncoding(fdb.encoders.int32BE).set(7, 'Ann');
  const moved = await directory.move(db, ['app', 'users'], ['app', 'people']);
  const ann = await db.at(moved).withKeyEncoding(fdb.encoders.int32BE).get(7);
  console.log(`${ann?.toString()} moved to ${moved.getPath().join('/')}`);

  const tenant = await directory.create(db, 'acme', 'partition');
  await tenant.create(db, ['data', 'a']);
  await tenant.create(db, ['data', 'b']);
  console.log(`partition: ${tenant.isPartition()}, with ${(await tenant.listAll(db, 'data')).join(' ')}`);
  try {
    tenant.getSubspace();
  } catch (error) {
    console.log(`no subspace: ${error instanceof DirectoryError}`);
  }

  await db.doTn(async (tn) => {
    const names: string[] = [];
    for await (const name of directory.list(tn, [])) names.push(name.toString());
    console.log(`at the top: ${names.join(' ')}`);
  });
  await directory.open(db, 'nowhere').catch((error: Error) => {
    console.log(`not there: ${error instanceof DirectoryError}, ${error instanceof Error}`);
  });
  console.log(`removed: ${await directory.removeIfExists(db, 'acme')} ${await directory.exists(db, 'acme')}`);

  const mine = new DirectoryLayer({
    nodeSubspace: new Subspace('mine/nodes/'),
    contentPrefix: 'mine/content/',
    allowManualPrefixes: true,
  });
  const manual = await mine.create(db, 'x', undefined, Buffer.from('mine/x/'));
  console.log(`by hand: ${manual.getSubspace().prefix.toString()}`);
  db.close();
}

main();

// Prints:
// app/users is a table, true
// Ann moved to app/people
// partition: true, with a b
// no subspace: true
// at the top: acme app
// not there: true, true
// removed: true false
// by hand: mine/x/

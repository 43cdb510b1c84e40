// The first program that a user of the package writes.
import * as fdb from 'foundationdb';

fdb.setAPIVersion(700); // Must be called before database is opened

async function main(): Promise<void> {
  const dbRoot = fdb.open();

  // Scope all of your application's data inside the 'myapp' directory in your database
  const db = dbRoot
    .at(await fdb.directory.createOrOpen(dbRoot, 'myapp'))
    .withKeyEncoding(fdb.encoders.tuple) // automatically encode & decode keys using tuples
    .withValueEncoding(fdb.encoders.json); // and values using JSON

  await db.doTransaction(async (tn) => {
    console.log(`Book 123 is ${await tn.get(['books', 123])}`);
    tn.set(['books', 123], { title: 'Reinventing Organizations', author: 'Laloux' });
  });

  const { title, author } = await db.get(['books', 123]);
  console.log(`now book 123 is ${title} by ${author}`);

  await db.clear(['books', 123]);
  console.log(`and then it is ${await db.get(['books', 123])}`);
  db.close();
}

main();

// Prints:
// Book 123 is undefined
// now book 123 is Reinventing Organizations by Laloux
// and then it is undefined

// Data modelling of FoundationDB's manual: a table with an index, a multimap, a priority queue, all in one subspace.
import { encoders, open, root, type Subspace, setAPIVersion, type Transaction, tuple } from 'foundationdb';

setAPIVersion(720);

interface User {
  name: string;
  city: string;
}

const app = root.at('modelling/').withKeyEncoding(encoders.tuple);
const users = app.at(['users'], undefined, encoders.json);
const byCity = app.at(['by city'], undefined, encoders.string);
const tags = app.at(['tags'], undefined, encoders.int32BE);
const jobs = app.at(['jobs'], undefined, encoders.string);

type AnyTransaction = Transaction;

async function setUser(tn: AnyTransaction, id: number, user: User): Promise<void> {
  const old: User | undefined = await tn.at(users).get([id]);
  if (old) tn.at(byCity).clear([old.city, id]);
  tn.at(users).set([id], user);
  tn.at(byCity).set([user.city, id], '');
}

async function usersIn(tn: AnyTransaction, city: string): Promise<User[]> {
  const found: User[] = [];
  for await (const [key] of tn.at(byCity).getRange([city])) {
    found.push(await tn.at(users).get([key[1] as number]));
  }
  return found;
}

async function tag(tn: AnyTransaction, name: string, value: string): Promise<void> {
  const index = tn.at(tags);
  index.set([name, value], ((await index.get([name, value])) ?? 0) + 1);
}

function push(tn: AnyTransaction, priority: number, job: string): void {
  tn.at(jobs).set([priority, Math.random()], job);
}

async function pop(tn: AnyTransaction): Promise<string | undefined> {
  for await (const [key, job] of tn.at(jobs).getRange([], undefined, { limit: 1 })) {
    tn.at(jobs).clear(key);
    return job;
  }
  return undefined;
}

function prefixOf(subspace: Subspace<never, unknown, never, unknown>): string {
  return subspace.prefix.toString();
}

async function main(): Promise<void> {
  const db = open();
  await db.doTn(async (tn) => {
    await setUser(tn, 1, { name: 'Ann', city: 'Oslo' });
    await setUser(tn, 2, { name: 'Bob', city: 'Rome' });
    await setUser(tn, 3, { name: 'Cyd', city: 'Oslo' });
    await setUser(tn, 2, { name: 'Bob', city: 'Oslo' });
  });
  const names = await db.doTn(async (tn) => (await usersIn(tn, 'Oslo')).map(({ name }) => name));
  console.log(`in Oslo: ${names.join(' ')}`);
  console.log(`in Rome: ${await db.doTn(async (tn) => (await usersIn(tn, 'Rome')).length)}`);

  await db.doTn(async (tn) => {
    for (const value of ['red', 'blue', 'red']) await tag(tn, 'colour', value);
  });
  const colours = await db.at(tags).getRangeAll(['colour']);
  console.log(`tags: ${colours.map(([[, value], count]) => `${value} ${count}`).join(', ')}`);

  await db.doTn(async (tn) => {
    push(tn, 5, 'sweep');
    push(tn, -1, 'put out the fire');
    push(tn, 5.5, 'dust');
  });
  const done = [await db.doTn(pop), await db.doTn(pop), await db.doTn(pop), await db.doTn(pop)];
  console.log(`jobs: ${done.join(', ')}`);

  const [key] = (await db.getRangeAll(users.packRange([]).begin, users.packRange([]).end))[0] ?? [];
  console.log(
    `a raw key: ${key && tuple.unpack(key.subarray(prefixOf(root.at('modelling/')).length)).join(' ')}`,
  );
  await db.at(app).clearRange([]);
  console.log(`left: ${(await db.at(app).getRangeAll([])).length}`);
  db.close();
}

main();

// Prints:
// in Oslo: Ann Bob Cyd
// in Rome: 0
// tags: blue 1, red 2
// jobs: put out the fire, sweep, dust,
// a raw key: users 1
// left: 0

// The class scheduling tutorial of FoundationDB's manual.
import * as fdb from 'foundationdb';

type Db = fdb.Database<fdb.TupleItem[], fdb.TupleItem[], string, string>;
type Tn = fdb.Transaction<fdb.TupleItem[], fdb.TupleItem[], string, string>;

fdb.setAPIVersion(720);

const levels = ['intro', 'for dummies', 'remedial', '101', '201', '301', 'mastery', 'lab', 'seminar'];
const types = ['chem', 'bio', 'cs', 'geometry', 'calc', 'alg', 'film', 'music', 'art', 'dance'];
const times = Array.from({ length: 18 }, (_, index) => `${index + 2}:00`);
const classNames = times.flatMap((time) =>
  types.flatMap((type) => levels.map((level) => `${time} ${type} ${level}`)),
);

const SEATS = 10;
const CLASSES_MAX = 5;

async function initDb(db: Db): Promise<void> {
  await db.doTn(async (tn) => {
    tn.clearRange(['attends']);
    tn.clearRange(['class']);
    for (const name of classNames) tn.set(['class', name], String(SEATS));
  });
}

async function availableClasses(tn: Tn): Promise<string[]> {
  const names: string[] = [];
  for await (const [key, seats] of tn.getRange(['class'])) {
    if (Number(seats) > 0) names.push(key[1] as string);
  }
  return names;
}

async function signup(tn: Tn, student: string, name: string): Promise<void> {
  const record = ['attends', student, name];
  if (await tn.exists(record)) return; // already signed up
  const seatsLeft = Number(await tn.get(['class', name]));
  if (seatsLeft === 0) throw new Error('No remaining seats');
  const classes = await tn.getRangeAll(['attends', student]);
  if (classes.length === CLASSES_MAX) throw new Error('Too many classes');
  tn.set(['class', name], String(seatsLeft - 1));
  tn.set(record, '');
}

async function drop(tn: Tn, student: string, name: string): Promise<void> {
  const record = ['attends', student, name];
  if ((await tn.get(record)) === undefined) return; // not taking this class
  tn.set(['class', name], String(Number(await tn.get(['class', name])) + 1));
  tn.clear(record);
}

async function switchClasses(tn: Tn, student: string, from: string, to: string): Promise<void> {
  await drop(tn, student, from);
  await signup(tn, student, to);
}

/** A student who decides at random, and changes their mind. */
async function simulateStudent(db: Db, index: number, ops: number): Promise<void> {
  const student = `s${index}`;
  const mine: string[] = [];
  let all = classNames;
  const pick = (names: string[]) => names[Math.floor(Math.random() * names.length)] as string;
  for (let op = 0; op < ops; op++) {
    const moods: string[] = [];
    if (mine.length > 0) moods.push('drop', 'switch');
    if (mine.length < CLASSES_MAX) moods.push('add');
    const mood = pick(moods);
    try {
      if (mood === 'add') {
        const name = pick(all);
        await db.doTn((tn) => signup(tn, student, name));
        if (!mine.includes(name)) mine.push(name);
      } else if (mood === 'drop') {
        const name = pick(mine);
        await db.doTn((tn) => drop(tn, student, name));
        mine.splice(mine.indexOf(name), 1);
      } else {
        const [from, to] = [pick(mine), pick(all)];
        await db.doTn((tn) => switchClasses(tn, student, from, to));
        mine.splice(mine.indexOf(from), 1);
        if (!mine.includes(to)) mine.push(to);
      }
    } catch {
      // Full: look again what there is.
      all = await db.doTn(availableClasses);
    }
  }
}

async function main(): Promise<void> {
  const root = fdb.open();
  const scheduling = await fdb.directory.createOrOpen(root, 'scheduling');
  const db: Db = root
    .at(scheduling)
    .withKeyEncoding(fdb.encoders.tuple)
    .withValueEncoding(fdb.encoders.string);
  await initDb(db);
  console.log(`${(await db.doTn(availableClasses)).length} classes to choose from`);

  await db.doTn((tn) => signup(tn, 's0', '2:00 chem intro'));
  await db.doTn((tn) => switchClasses(tn, 's0', '2:00 chem intro', '3:00 dance mastery'));
  const [[key] = []] = await db.getRangeAll(['attends', 's0']);
  console.log(`s0 attends ${key?.[2]}`);
  await db.doTn((tn) => drop(tn, 's0', '3:00 dance mastery'));

  await Promise.all(Array.from({ length: 10 }, (_, index) => simulateStudent(db, index, 10)));

  const [taken, attending] = await db.doTn(async (tn) => {
    let seats = 0;
    for await (const [, left] of tn.getRange(['class'])) seats += SEATS - Number(left);
    return [seats, (await tn.getRangeAll(['attends'])).length];
  });
  console.log(`seats and signups agree: ${taken === attending}`);
  db.close();
}

main();

// Prints:
// 1620 classes to choose from
// s0 attends 3:00 dance mastery
// seats and signups agree: true

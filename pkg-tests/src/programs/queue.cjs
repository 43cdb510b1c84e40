// A queue in the way of CommonJS: versionstamps keep what is enqueued in order, without conflicts.
const fdb = require('foundationdb');

fdb.setAPIVersion(620);

const db = fdb.open().at('queue/');

async function enqueue(value) {
  await db.setVersionstampSuffixedKey('items/', value);
}

async function dequeue() {
  return db.doTn(async (tn) => {
    const [first] = await tn.getRangeAll('items/', undefined, { limit: 1 });
    if (!first) return undefined;
    tn.clear(first[0]);
    return first[1].toString();
  });
}

async function main() {
  for (const job of ['wash', 'rinse', 'spin']) await enqueue(job);
  const taken = await Promise.all([dequeue(), dequeue(), dequeue()]);
  console.log(`taken, each once: ${taken.sort().join(' ')}`);
  console.log(`left: ${await dequeue()}`);
  db.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

// Prints:
// taken, each once: rinse spin wash
// left: undefined

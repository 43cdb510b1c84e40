// Counters of eight bytes in little endian, with Buffers, callbacks and an encoding of the program's own.
import * as fdb from 'foundationdb';

fdb.setAPIVersion(700);

const int64LE = {
  pack(value: number): Buffer {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(BigInt(value), 0);
    return buffer;
  },
  unpack: (buffer: Buffer): number => Number(buffer.readBigInt64LE(0)),
};

async function main(): Promise<void> {
  const root = fdb.open();
  const counters = root.at('counters/').withValueEncoding(int64LE);

  await Promise.all(Array.from({ length: 50 }, () => counters.add('visits', 1)));
  await counters.add('visits', -8);
  console.log(`visits: ${await counters.get('visits')}`);

  await counters.max('record', 40);
  await counters.max('record', 30);
  console.log(`record: ${await counters.get('record')}`);

  const raw = (await root.get('counters/visits')) as Buffer;
  console.log(`stored: ${raw.toString('hex')}, ${raw.length} bytes, ${raw.equals(int64LE.pack(42))}`);
  console.log(`a view of it: ${raw.slice(0, 1).readUInt8(0)}`);

  await root.doTransaction(async (tn) => {
    tn.set('greeting', 'hi there');
    // As it was before promises.
    await new Promise<void>((resolve, reject) => {
      tn.get('greeting', (error, value) => {
        if (error) return reject(error);
        console.log(`called back: ${value?.toString()}`);
        resolve();
      });
    });
    const keys: string[] = [];
    for await (const [key, value] of tn.at(counters).getRange(''))
      keys.push(`${key.toString('utf8')}=${value}`);
    console.log(keys.join(' '));
  });

  await root.atomicOp(fdb.MutationType.AppendIfFits, 'greeting', Buffer.from(', you'));
  await root.doOneshot((tn) => {
    tn.bitOrBuf('flags', Buffer.from([0b0101]));
    tn.bitAndBuf('flags', Buffer.from([0b0110]));
  });
  const [greeting, flags] = await Promise.all([root.get('greeting'), root.get('flags')]);
  console.log(`${greeting?.toString()}, flags ${flags?.readUInt8(0)}`);
  root.close();
}

main();

// Prints:
// visits: 42
// record: 40
// stored: 2a00000000000000, 8 bytes, true
// a view of it: 42
// called back: hi there
// record=40 visits=42
// hi there, you, flags 4

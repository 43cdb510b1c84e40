/** What packing and unpacking cost, beside `fdb-tuple`, the tuple layer of the npm package `foundationdb`. */
import * as theirs from 'fdb-tuple';
import { tuple as ours } from 'plinthdb';
import * as fdb from 'plinthdb/foundationdb';

/** Nanoseconds an operation takes. */
export interface Cost {
  readonly what: string;
  /** By `plinthdb`. */
  readonly ours: number;
  /** By `plinthdb/foundationdb`, which hands out Buffers. */
  readonly buffers: number;
  readonly theirs: number;
}

const KEY = ['user', 42, 'name'];
const STAMPED = ['log', ours.unboundVersionstamp()];
const BAKED = ['log', { type: 'versionstamp' as const, value: Buffer.alloc(12) }];

/** Turns of which the best one counts, so that what else the machine does counts for nobody. */
const TURNS = 7;
const OPERATIONS = 10_000;

export function tupleCosts(): Cost[] {
  const [packed, packedStamp] = [ours.pack(KEY), ours.pack(BAKED)];
  const [packedBuffer, packedStampBuffer] = [Buffer.from(packed), Buffer.from(packedStamp)];
  return [
    measured("pack ['user', 42, 'name']", {
      ours: () => ours.pack(KEY),
      buffers: () => fdb.tuple.pack(KEY),
      theirs: () => theirs.pack(KEY),
    }),
    measured('unpack it', {
      ours: () => ours.unpack(packed),
      buffers: () => fdb.tuple.unpack(packedBuffer),
      theirs: () => theirs.unpack(packedBuffer),
    }),
    measured('pack a key with a versionstamp', {
      ours: () => ours.packUnboundVersionstamp(STAMPED),
      buffers: () => fdb.tuple.packUnboundVersionstamp(STAMPED),
      theirs: () => theirs.packUnboundVersionstamp(STAMPED as theirs.TupleItem[]),
    }),
    measured('unpack it', {
      ours: () => ours.unpack(packedStamp),
      buffers: () => fdb.tuple.unpack(packedStampBuffer),
      theirs: () => theirs.unpack(packedStampBuffer),
    }),
  ];
}

function measured(what: string, bodies: Record<'ours' | 'buffers' | 'theirs', () => unknown>): Cost {
  const best = {
    ours: Number.POSITIVE_INFINITY,
    buffers: Number.POSITIVE_INFINITY,
    theirs: Number.POSITIVE_INFINITY,
  };
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const name of ['ours', 'buffers', 'theirs'] as const) {
      best[name] = Math.min(best[name], nanoseconds(bodies[name]));
    }
  }
  return { what, ...best };
}

let kept: unknown;

function nanoseconds(body: () => unknown): number {
  const from = process.hrtime.bigint();
  for (let turn = 0; turn < OPERATIONS; turn += 1) kept = body();
  if (kept === undefined) throw new Error('the operation gave nothing');
  return Number(process.hrtime.bigint() - from) / OPERATIONS;
}

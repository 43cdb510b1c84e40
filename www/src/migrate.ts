/** Brings what is stored to the form that the program expects, once, however many tabs try. */
import { type BytesLike, concat2, toBytes } from './bytes.js';
import type { Database } from './database.js';
import { encoders } from './encoders.js';
import { Subspace } from './subspace.js';
import type { Transaction } from './transaction.js';

/** No text and no tuple begins so; what FoundationDB's directories begin with comes after it. */
const FIRST_BYTE = 0xfd;

/**
 * A step from one version of the schema to the next.
 *
 * A function does it in one transaction. What is too much for one transaction goes on in many: `batch` gets what its
 * last call returned, `undefined` at first, and returns where to go on, or `undefined` when it is done. Where to go on
 * is stored with what the batch wrote, so it runs on wherever it was broken off, in whichever tab.
 */
export type Migration<KeyIn = BytesLike, KeyOut = Uint8Array, ValIn = BytesLike, ValOut = Uint8Array> =
  | ((tn: Transaction<KeyIn, KeyOut, ValIn, ValOut>) => Promise<void> | void)
  | {
      batch(
        tn: Transaction<KeyIn, KeyOut, ValIn, ValOut>,
        at: MigrationPlace | undefined,
      ): Promise<MigrationPlace | undefined> | MigrationPlace | undefined;
    };

/** Where a step that takes many transactions goes on: anything that JSON can say. */
export type MigrationPlace = string | number | boolean | readonly MigrationPlace[];

/** What {@link migrate} did. */
export interface Migrated {
  /** The version that was found. */
  from: number;
  /** The version there is now: the number of steps. */
  to: number;
}

/** What is stored is of a newer version of the program than this one. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
  /** The version that is stored. */
  readonly found: number;
  /** The newest version that the program knows. */
  readonly expected: number;

  constructor(found: number, expected: number) {
    super(
      `a schema of version ${expected} at most was expected, found version ${found}: load the newer program`,
    );
    this.found = found;
    this.expected = expected;
  }
}

interface State {
  version: number;
  /** Where the step from this version goes on. */
  at?: MigrationPlace | undefined;
}

/**
 * Brings the database to the version that is the number of `steps`: those that it has not been through run in their
 * order, on a new database all of them. The version is read and written by the transactions of the steps themselves, so
 * each step happens once, also if many tabs begin at the same time and any of them is closed in the middle. Rejects
 * with a {@link SchemaError} if the database is newer than the steps.
 *
 * A part of a database (see {@link Database.at}) has a version of its own, and steps get transactions of that part. The
 * versions are kept outside of the parts, at keys of the whole database that begin with the byte `fd`.
 *
 * @example
 * ```ts
 * await migrate(db, [
 *   (tn) => tn.set('settings/theme', 'dark'),
 *   {
 *     batch: async (tn, at) => {
 *       const rows = await tn.getRangeAll(typeof at === 'string' ? at : 'old/', 'old0', { limit: 1000 });
 *       for (const [key, value] of rows) {
 *         tn.set(`new/${new TextDecoder().decode(key).slice('old/'.length)}`, value);
 *         tn.clear(key);
 *       }
 *       return rows.length < 1000 ? undefined : 'old/';
 *     },
 *   },
 * ]);
 * ```
 */
export async function migrate<KeyIn, KeyOut, ValIn, ValOut>(
  db: Database<KeyIn, KeyOut, ValIn, ValOut>,
  steps: readonly Migration<KeyIn, KeyOut, ValIn, ValOut>[],
): Promise<Migrated> {
  const place = stateOf(db.getPrefix());
  let from: number | undefined;
  for (;;) {
    const [before, after] = await db.doTransaction(async (tn) => {
      const states = tn.at(place);
      const state = (await states.get('')) ?? { version: 0 };
      const { version } = state;
      if (version > steps.length) throw new SchemaError(version, steps.length);
      const step = steps[version];
      if (step === undefined) return [version, version];
      const next = await take(step, tn, state);
      states.set('', next);
      return [version, next.version];
    });
    from ??= before;
    if (after === steps.length) return { from, to: after };
  }
}

/** Where the state of the part with this prefix is kept. */
function stateOf(prefix: Uint8Array): Subspace<BytesLike, Uint8Array, State, State> {
  return new Subspace(
    concat2(new Uint8Array([FIRST_BYTE]), concat2(toBytes('schema/'), prefix)),
    undefined,
    encoders.json,
  );
}

/** Does a step, or the next part of it, and answers the state after it. */
async function take<KeyIn, KeyOut, ValIn, ValOut>(
  step: Migration<KeyIn, KeyOut, ValIn, ValOut>,
  tn: Transaction<KeyIn, KeyOut, ValIn, ValOut>,
  { version, at }: State,
): Promise<State> {
  if (typeof step === 'function') {
    await step(tn);
    return { version: version + 1 };
  }
  const next = await step.batch(tn, at);
  return next === undefined ? { version: version + 1 } : { version, at: next };
}

/** `migrate`: steps from one version of the schema to the next, each once. */
import { assert } from 'chai';
import { type Database, encoders, type Migration, migrate, SchemaError, type Transaction } from 'plinthdb';
import { text } from './bytes.ts';
import { fill, type Storage, withDatabase } from './fixture.ts';

export function migrations(storage: Storage): void {
  describe('migrate', () => {
    const world = withDatabase(storage);

    /** A step that appends to a key, so that a second run of it would show. */
    const append =
      (name: string) =>
      async (tn: Transaction): Promise<void> => {
        tn.set('steps', `${text(await tn.get('steps')) ?? ''}${name}`);
      };

    it('runs the steps that the database has not been through, in their order, each once', async () => {
      const { db } = world;
      assert.deepEqual(await migrate(db, [append('a'), append('b')]), { from: 0, to: 2 });
      assert.deepEqual(await migrate(db, [append('a'), append('b')]), { from: 2, to: 2 });
      assert.deepEqual(await migrate(db, [append('a'), append('b'), append('c')]), { from: 2, to: 3 });
      assert.equal(text(await db.get('steps')), 'abc');
    });

    it('runs each step once however many begin at the same time', async () => {
      const handles = [world.db, ...(await Promise.all([1, 2, 3].map(() => world.openAgain())))];
      const steps = ['a', 'b', 'c', 'd'].map(append);
      const results = await Promise.all(handles.map((db) => migrate(db, steps)));
      assert.deepEqual(
        results.map(({ to }) => to),
        [4, 4, 4, 4],
      );
      assert.equal(text(await world.db.get('steps')), 'abcd');
    });

    it('takes a step with batches through many transactions, and goes on where it was broken off', async () => {
      const { db } = world;
      const rows = Object.fromEntries(
        Array.from({ length: 25 }, (_, index) => [`old/${index + 10}`, `${index}`]),
      );
      await fill(db, rows);
      let calls = 0;
      const moving = (failsAt: number): Migration => ({
        async batch(tn, at) {
          calls++;
          const begin = typeof at === 'string' ? at : 'old/';
          const found = await tn.getRangeAll(begin, 'old0', { limit: 10 });
          for (const [key, value] of found) {
            const name = (text(key) ?? '').slice('old/'.length);
            tn.set(`new/${name}`, value);
            tn.add('moved', new Uint8Array([1, 0, 0, 0]));
            tn.clear(key);
          }
          if (calls === failsAt) throw new Error('the tab was closed');
          const last = found.at(-1)?.[0];
          return found.length < 10 ? undefined : text(last);
        },
      });
      let failure: unknown;
      await migrate(db, [append('a'), moving(3)]).catch((error: unknown) => {
        failure = error;
      });
      assert.match(String(failure), /the tab was closed/);
      assert.lengthOf(await db.getRangeAll('new/'), 20);
      assert.deepEqual(await migrate(db, [append('a'), moving(0)]), { from: 1, to: 2 });
      assert.lengthOf(await db.getRangeAll('new/'), 25);
      assert.lengthOf(await db.getRangeAll('old/'), 0);
      assert.deepEqual(await db.get('moved'), new Uint8Array([25, 0, 0, 0]), 'each row once');
      assert.equal(text(await db.get('steps')), 'a');
    });

    it('refuses a database that is newer than the steps, and changes nothing', async () => {
      const { db } = world;
      await migrate(db, [append('a'), append('b')]);
      let failure: unknown;
      await migrate(db, [append('x')]).catch((error: unknown) => {
        failure = error;
      });
      assert.instanceOf(failure, SchemaError);
      assert.include(failure, { found: 2, expected: 1 });
      assert.match((failure as SchemaError).message, /version 1 at most was expected, found version 2/);
      assert.equal(text(await db.get('steps')), 'ab');
    });

    it('leaves no trace of a step that fails', async () => {
      const { db } = world;
      const failing: Migration = async (tn) => {
        await append('b')(tn);
        throw new Error('no');
      };
      await migrate(db, [append('a'), failing]).catch(() => undefined);
      assert.equal(text(await db.get('steps')), 'a');
      assert.deepEqual(await migrate(db, [append('a'), append('B')]), { from: 1, to: 2 });
      assert.equal(text(await db.get('steps')), 'aB');
    });

    it('keeps a version for each part of a database, outside of it', async () => {
      const part = world.db.at('part/', encoders.string, encoders.json);
      const steps: Migration<string, string, unknown, unknown>[] = [(tn) => tn.set('theme', 'dark')];
      assert.deepEqual(await migrate(part, steps), { from: 0, to: 1 });
      assert.deepEqual(await part.getRangeAll(''), [['theme', 'dark']]);
      const other: Database<string, string, unknown, unknown> = world.db.at(
        'other/',
        encoders.string,
        encoders.json,
      );
      assert.deepEqual(await migrate(other, []), { from: 0, to: 0 });
      assert.deepEqual(await migrate(part, steps), { from: 1, to: 1 });
    });
  });
}

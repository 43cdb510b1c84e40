/** Live ranges: everything first, then every change, whoever makes it and however slow the subscriber is. */
import { assert } from 'chai';
import type { Changes, Database } from 'plinthdb';
import { text } from './bytes.ts';
import { codeOf, codeThrownBy, fill, type Storage, withDatabase } from './fixture.ts';

/** Keys and values as text; `undefined` for a key that is gone. */
function changed({ changes }: Changes): [string | undefined, string | undefined][] {
  return changes.map(([key, value]) => [text(key), text(value)]);
}

/** What a subscriber is told, to be taken piece by piece. */
class Told {
  readonly #told: Changes[] = [];
  #wake: () => void = () => undefined;

  readonly tell = (changes: Changes): void => {
    this.#told.push(changes);
    this.#wake();
  };

  async next(): Promise<Changes> {
    for (;;) {
      const next = this.#told.shift();
      if (next) return next;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export function subscriptions(storage: Storage): void {
  describe('subscriptions', () => {
    const test = withDatabase(storage);

    async function subscribed(db: Database, subject: Parameters<Database['subscribe']>[0]) {
      const told = new Told();
      const subscription = db.subscribe(subject, told.tell);
      return { told, subscription, first: await told.next() };
    }

    it('tell everything first, and then what changes', async () => {
      await fill(test.db, { 'a/1': 'one', 'a/2': 'two', b: 'other' });
      const { told, first, subscription } = await subscribed(test.db, { prefix: 'a/' });
      assert.deepEqual(changed(first), [
        ['a/1', 'one'],
        ['a/2', 'two'],
      ]);
      assert.deepEqual(
        first.replaced.map(({ begin, end }) => [text(begin), text(end)]),
        [['a/', 'a0']],
      );
      await test.db.set('b', 'still another');
      await test.db.set('a/2', 'new');
      const second = await told.next();
      assert.deepEqual(changed(second), [['a/2', 'new']]);
      assert.lengthOf(second.replaced, 0);
      assert.lengthOf(second.version, 8);
      subscription.close();
      await subscription.ended;
    });

    it('tell of a range that was cleared, and of a single key that is gone', async () => {
      await fill(test.db, { k1: '', k2: '', l: '' });
      const range = await subscribed(test.db, { begin: 'k', end: 'm' });
      const key = await subscribed(test.db, 'l');
      await test.db.clearRange('k', 'z');
      const cleared = await range.told.next();
      assert.deepEqual(
        cleared.replaced.map(({ begin, end }) => [text(begin), text(end)]),
        [['k', 'm']],
      );
      assert.deepEqual(changed(await key.told.next()), [['l', undefined]]);
      await test.db.set('k3', '');
      await range.told.next();
      await test.db.clear('k3');
      const gone = await range.told.next();
      assert.deepEqual([changed(gone), gone.replaced], [[['k3', undefined]], []]);
    });

    it('hear what other handles write', async () => {
      const other = await test.openAgain();
      const { told } = await subscribed(test.db, 'k');
      await other.set('k', 'from elsewhere');
      assert.deepEqual(changed(await told.next()), [['k', 'from elsewhere']]);
    });

    it('tell a slow subscriber each key once, with its newest value', async () => {
      const calls: Changes[] = [];
      let release: () => void = () => undefined;
      const blocked = new Promise<void>((resolve) => {
        release = resolve;
      });
      const told = new Told();
      test.db.subscribe('k', async (changes) => {
        calls.push(changes);
        if (calls.length === 1) await blocked;
        told.tell(changes);
      });
      for (let round = 0; round < 20; round += 1) await test.db.set('k', `${round}`);
      release();
      await told.next();
      const last = await told.next();
      assert.deepEqual(changed(last), [['k', '19']]);
      assert.lengthOf(calls, 2);
    });

    it('can be iterated, and end with the loop', async () => {
      const seen: unknown[] = [];
      for await (const changes of test.db.subscribe('k')) {
        seen.push(...changed(changes));
        if (seen.length === 0) await test.db.set('k', 'v');
        else break;
      }
      assert.deepEqual(seen, [['k', 'v']]);
    });

    it('end with their signal, and with the database', async () => {
      const abort = new AbortController();
      const db = await test.openAgain();
      const one = db.subscribe('k', () => undefined, { signal: abort.signal });
      const other = db.subscribe('k', () => undefined);
      abort.abort();
      await one.ended;
      await db.close();
      await other.ended.catch((error: { code: number }) => assert.equal(error.code, 2000));
      assert.equal(await codeOf(() => db.set('k', 'v')), 2000);
    });

    it('refuse ranges that are inverted, empty or not of ordinary keys', () => {
      const refused = (begin: string | Uint8Array, end: string | Uint8Array) =>
        codeThrownBy(() => test.db.subscribe({ begin, end }, () => undefined));
      assert.equal(refused('b', 'a'), 2005);
      assert.equal(refused('a', 'a'), 2000);
      assert.equal(refused('a', Uint8Array.of(0xff, 0xff)), 2004);
    });
  });
}

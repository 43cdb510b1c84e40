/** Options of transactions: timeout, retry limit, size limit, abort signal; and the database's defaults. */
import { assert } from 'chai';
import { FDBError } from 'plinthdb';
import { text } from './bytes.ts';
import { codeOf, codeThrownBy, type Storage, withDatabase } from './fixture.ts';

export function options(storage: Storage): void {
  describe('options of transactions', () => {
    const test = withDatabase(storage);

    it('a timeout ends a transaction that retries for ever: 1031', async () => {
      let runs = 0;
      const retrying = test.db.doTransaction(
        () => {
          runs += 1;
          throw new FDBError('as the test wants it', 1020);
        },
        { timeout: 60 },
      );
      assert.equal(await codeOf(() => retrying), 1031);
      assert.isAtLeast(runs, 1);
    });

    it('a timeout does nothing to a transaction that is done in time', async () => {
      await test.db.doTransaction((tn) => tn.set('k', 'v'), { timeout: 30_000 });
      assert.equal(text(await test.db.get('k')), 'v');
    });

    it('a retry limit of n allows n retries, and then gives the error itself', async () => {
      let runs = 0;
      const failing = test.db.doTransaction(
        () => {
          runs += 1;
          throw new FDBError('as the test wants it', 1020);
        },
        { retry_limit: 2, max_retry_delay: 1 },
      );
      assert.equal(await codeOf(() => failing), 1020);
      assert.equal(runs, 3);
    });

    it('a size limit is checked at commit: 2101', async () => {
      const large = test.db.doTransaction((tn) => tn.set('k', 'x'.repeat(100)), { size_limit: 100 });
      assert.equal(await codeOf(() => large), 2101);
      assert.isUndefined(await test.db.get('k'));
    });

    it('values out of bounds are refused: 2006', () => {
      for (const wrong of [{ timeout: -1 }, { retry_limit: -2 }, { size_limit: 31 }, { timeout: 0.5 }]) {
        assert.equal(
          codeThrownBy(() => test.db.rawCreateTransaction(wrong)),
          2006,
          JSON.stringify(wrong),
        );
      }
    });

    it('the database’s defaults apply, and the transaction’s own options override them', async () => {
      const limited = await test.openAgain({ transaction_size_limit: 100 });
      const write = (size_limit?: number) =>
        limited.doTransaction((tn) => tn.set('k', 'x'.repeat(100)), size_limit ? { size_limit } : {});
      assert.equal(await codeOf(() => write()), 2101);
      await write(10_000);
    });
  });

  describe('an abort signal', () => {
    const test = withDatabase(storage);

    it('ends doTransaction with its reason, and nothing is written', async () => {
      const abort = new AbortController();
      const reason = new Error('changed my mind');
      const running = test.db.doTransaction(
        async (tn) => {
          tn.set('k', 'v');
          abort.abort(reason);
          await tn.get('l');
        },
        { signal: abort.signal },
      );
      assert.equal(await running.catch((error: unknown) => error), reason);
      assert.isUndefined(await test.db.get('k'));
    });

    it('that was aborted before keeps the body from running', async () => {
      let runs = 0;
      const body = () => {
        runs += 1;
      };
      const refused = test.db.doTransaction(body, { signal: AbortSignal.abort('too late') });
      assert.equal(await refused.catch((error: unknown) => error), 'too late');
      assert.equal(runs, 0);
    });

    it('that never aborts changes nothing', async () => {
      const { signal } = new AbortController();
      await test.db.doTransaction((tn) => tn.set('k', 'v'), { signal });
      assert.equal(text(await test.db.get('k')), 'v');
    });
  });
}

/** doTransaction: commits what the body did, and runs it again where that can help. */
import { assert } from 'chai';
import { FDBError, type Transaction, versionNumber } from 'plinthdb';
import { text } from './bytes.ts';
import { codeOf, commitOnce, fill, type Storage, withDatabase } from './fixture.ts';

export function retry(storage: Storage): void {
  describe('doTransaction', () => {
    const test = withDatabase(storage);

    it('resolves with what the body returns, once the commit is done', async () => {
      const answer = await test.db.doTransaction(async (tn) => {
        tn.set('key', 'value');
        return { answer: 42 };
      });
      assert.deepEqual(answer, { answer: 42 });
      assert.equal(text(await test.db.get('key')), 'value');
    });

    it('takes a synchronous body, and is called doTn too', async () => {
      const answer = await test.db.doTn((tn) => {
        tn.set('key', 'value');
        return 7;
      });
      assert.equal(answer, 7);
      assert.equal(text(await test.db.get('key')), 'value');
    });

    it('an error thrown by the body is passed on unchanged, and nothing is written', async () => {
      const thrown = new Error('the body’s own');
      let caught: unknown;
      try {
        await test.db.doTransaction((tn) => {
          tn.set('key', 'value');
          throw thrown;
        });
      } catch (error) {
        caught = error;
      }
      assert.strictEqual(caught, thrown);
      assert.isUndefined(await test.db.get('key'));
    });

    it('a conflict runs the body again, on the new state and without its old writes', async () => {
      await fill(test.db, { counter: '1' });
      const seen: (string | undefined)[] = [];
      await test.db.doTransaction(async (tn) => {
        seen.push(text(await tn.get('counter')));
        if (seen.length === 1) {
          tn.set('only/first', 'attempt');
          await test.db.set('counter', '2');
        }
        tn.set('result', `after ${seen.join(', ')}`);
      });
      assert.deepEqual(seen, ['1', '2']);
      assert.equal(text(await test.db.get('result')), 'after 1, 2');
      assert.isUndefined(await test.db.get('only/first'));
    });

    it('a conflict several times over is retried several times', async () => {
      await fill(test.db, { counter: '0' });
      let attempts = 0;
      await test.db.doTransaction(async (tn) => {
        await tn.get('counter');
        attempts += 1;
        if (attempts < 5) await test.db.set('counter', `${attempts}`);
        tn.set('done', 'yes');
      });
      assert.equal(attempts, 5);
    });

    it('a body that throws a retryable FDBError runs again', async () => {
      let attempts = 0;
      await test.db.doTransaction((tn) => {
        attempts += 1;
        tn.set('attempts', `${attempts}`);
        if (attempts < 3) throw new FDBError('once more, please', 1020);
      });
      assert.equal(attempts, 3);
      assert.equal(text(await test.db.get('attempts')), '3');
    });

    it('a body that throws another FDBError is not run again', async () => {
      let attempts = 0;
      const code = await codeOf(() =>
        test.db.doTransaction(() => {
          attempts += 1;
          throw new FDBError('no', 2000);
        }),
      );
      assert.equal(code, 2000);
      assert.equal(attempts, 1);
    });

    it('a hundred concurrent increments of one key add up', async () => {
      await fill(test.db, { counter: '0' });
      const increment = (tn: Transaction) =>
        tn.get('counter').then((value) => tn.set('counter', `${Number(text(value)) + 1}`));
      await Promise.all(Array.from({ length: 100 }, () => test.db.doTransaction(increment)));
      assert.equal(text(await test.db.get('counter')), '100');
    }).timeout(30_000);

    it('independent transactions at once need no retry', async () => {
      let attempts = 0;
      await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          test.db.doTransaction(async (tn) => {
            attempts += 1;
            await tn.get(`own/${index}`);
            tn.set(`own/${index}`, 'set');
          }),
        ),
      );
      assert.equal(attempts, 50);
    });
  });

  describe('the parts of a retry loop', () => {
    const test = withDatabase(storage);

    it('rawOnError of a retryable code resolves and empties the transaction', async () => {
      const tn = test.db.rawCreateTransaction();
      await tn.get('key');
      tn.set('forgotten', 'yes');
      await test.db.set('key', 'changed');
      assert.equal(await codeOf(() => tn.rawCommit()), 1020);
      await tn.rawOnError(1020);
      assert.isUndefined(await tn.get('forgotten'));
      assert.equal(text(await tn.get('key')), 'changed');
      tn.set('kept', 'yes');
      await tn.rawCommit();
      assert.isUndefined(await test.db.get('forgotten'));
      assert.equal(text(await test.db.get('kept')), 'yes');
    });

    it('rawOnError of any other code rejects with it, and the transaction stays dead until reset', async () => {
      const tn = test.db.rawCreateTransaction();
      assert.equal(await codeOf(() => tn.rawOnError(2103)), 2103);
      assert.equal(await codeOf(() => tn.get('key')), 1025);
      tn.rawReset();
      assert.isUndefined(await tn.get('key'));
    });

    it('a commit that conflicts rejects with 1020 and writes nothing', async () => {
      const tn = test.db.rawCreateTransaction();
      await tn.get('key');
      await test.db.set('key', 'theirs');
      tn.set('mine', 'yes');
      assert.equal(await codeOf(() => tn.rawCommit()), 1020);
      assert.equal(versionNumber(tn.getCommittedVersion()), -1);
      assert.isUndefined(await test.db.get('mine'));
    });

    it('commitOnce and rawCommit without writes succeed', async () => {
      const tn = await commitOnce(test.db, (reader) => reader.get('key'));
      assert.equal(versionNumber(tn.getCommittedVersion()), -1);
    });
  });
}

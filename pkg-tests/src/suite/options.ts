/** Options of transactions: timeout, retry limit, size limit, abort signal; and the database's defaults. */
import { assert } from 'chai';
import { DatabaseOptionCode, FDBError, keySelector, TransactionOptionCode } from 'plinthdb';
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

    it('a name that is no option is refused: 2007', async () => {
      const wrong = { no_such_option: 1 } as object;
      assert.equal(
        codeThrownBy(() => test.db.rawCreateTransaction(wrong)),
        2007,
      );
      assert.equal(await codeOf(() => storage.open(test.name, wrong)), 2007);
      const tn = test.db.rawCreateTransaction();
      assert.equal(
        codeThrownBy(() => tn.setOption(1)),
        2007,
      );
    });

    it('an option that pretends nothing can be done about it is refused: 2007', () => {
      const tn = test.db.rawCreateTransaction();
      assert.equal(
        codeThrownBy(() => tn.setOption(TransactionOptionCode.AuthorizationToken, 'token')),
        2007,
      );
    });

    it('a flag is set by true or 1, and left alone by false', async () => {
      for (const [flag, seen] of [
        [true, undefined],
        [1, undefined],
        [false, 'mine'],
        [undefined, 'mine'],
      ] as const) {
        const tn = test.db.rawCreateTransaction({ read_your_writes_disable: flag });
        tn.set('k', 'mine');
        assert.equal(text(await tn.get('k')), seen, String(flag));
      }
    });

    it('numbers name the same options', async () => {
      const tn = test.db.rawCreateTransaction();
      tn.setOption(TransactionOptionCode.SizeLimit, 100);
      tn.set('k', 'x'.repeat(100));
      assert.equal(await codeOf(() => tn.rawCommit()), 2101);
      assert.equal(DatabaseOptionCode.MaxWatches, 20);
    });

    it('doTransaction sets them again for every attempt, rawOnError forgets most', async () => {
      const seen: (string | undefined)[] = [];
      const body = async (tn: {
        set(key: string, value: string): void;
        get(key: string): Promise<unknown>;
      }) => {
        tn.set('k', 'mine');
        seen.push(text((await tn.get('k')) as Uint8Array | undefined));
        if (seen.length % 2 === 1) throw new FDBError('as the test wants it', 1020);
      };
      await test.db.doTransaction(body, { read_your_writes_disable: true });
      const tn = test.db.rawCreateTransaction({ read_your_writes_disable: true });
      await body(tn).catch(() => tn.rawOnError(1020));
      await body(tn);
      assert.deepEqual(seen, [undefined, undefined, 'mine', 'mine']);
    });

    it('system keys can be read and written with access_system_keys', async () => {
      const key = Uint8Array.of(0xff, 0x2f, 1);
      await test.db.doTransaction((tn) => tn.set(key, 'v'), { access_system_keys: true });
      assert.equal(await codeOf(() => test.db.get(key)), 2004);
      const tn = test.db.rawCreateTransaction({ read_system_keys: true });
      assert.equal(text(await tn.get(key)), 'v');
    });

    it('a conflict can say what it was about', async () => {
      const tn = test.db.rawCreateTransaction({ report_conflicting_keys: true });
      await tn.get('a');
      await tn.get('b');
      tn.set('c', '');
      await test.db.set('b', 'theirs');
      assert.equal(await codeOf(() => tn.rawCommit()), 1020);
      const prefix = [0xff, 0xff, ...new TextEncoder().encode('/transaction/conflicting_keys/')];
      const begin = keySelector.firstGreaterOrEqual(Uint8Array.from(prefix));
      const end = keySelector.firstGreaterOrEqual(Uint8Array.from([...prefix, 0xff]));
      const rows = await tn.getRangeAll(begin, end);
      const keys = rows.map(([key]) => text(key.subarray(prefix.length)));
      assert.deepEqual(keys, ['b', 'b\0']);
    });

    it('max_watches limits the watches of a handle: 1032', async () => {
      const limited = await test.openAgain({ max_watches: 1 });
      const first = await limited.doTransaction((tn) => tn.watch('a'));
      const second = limited.rawCreateTransaction().watch('b');
      assert.equal(await codeOf(() => second.promise), 1032);
      first.cancel();
      assert.isFalse(await first.promise);
    });

    it('setNativeOptions changes the defaults of later transactions', async () => {
      const changed = await test.openAgain();
      changed.setNativeOptions({ transaction_size_limit: 100 });
      assert.equal(await codeOf(() => changed.set('k', 'x'.repeat(100))), 2101);
    });

    it('a wrong default keeps a database from being opened: 2006', async () => {
      assert.equal(await codeOf(() => storage.open(test.name, { transaction_size_limit: 1 })), 2006);
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

    it('ends doTransaction although its body hangs', async () => {
      const abort = new AbortController();
      let later: Promise<unknown> = Promise.resolve();
      const running = test.db.doTransaction(
        (tn) => {
          setTimeout(() => abort.abort('enough'), 5);
          return new Promise<void>((_, reject) => {
            later = new Promise((resolve) => {
              setTimeout(() => {
                resolve(codeOf(() => tn.get('k')));
                reject(new Error('nobody hears this'));
              }, 10);
            });
          });
        },
        { signal: abort.signal },
      );
      assert.equal(await running.catch((error: unknown) => error), 'enough');
      assert.equal(await later, 1025, 'its transaction is cancelled');
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

    it('makes a read reject with its reason, and the transaction goes on', async () => {
      await test.db.set('k', 'v');
      const tn = test.db.rawCreateTransaction();
      const signal = AbortSignal.abort('not needed');
      const reads = [
        tn.get('k', { signal }),
        tn.exists('k', { signal }),
        tn.getRangeAll('k', undefined, { signal }),
      ];
      for (const read of reads) assert.equal(await read.catch((error: unknown) => error), 'not needed');
      tn.set('l', 'w');
      await tn.rawCommit();
      assert.equal(text(await test.db.get('l')), 'w');
    });

    it('ends a watch', async () => {
      const abort = new AbortController();
      const watch = await test.db.doTransaction((tn) => tn.watch('k', { signal: abort.signal }));
      abort.abort();
      assert.isFalse(await watch.promise);
    });

    it('that never aborts changes nothing', async () => {
      const { signal } = new AbortController();
      await test.db.doTransaction((tn) => tn.set('k', 'v'), { signal });
      assert.equal(text(await test.db.get('k')), 'v');
    });
  });
}

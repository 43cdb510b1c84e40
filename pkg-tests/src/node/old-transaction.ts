/**
 * A transaction older than five seconds is too old: 1007.
 *
 * The one place of these tests where time has to pass: five million versions are five seconds.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { assert } from 'chai';
import { deleteDatabase, open } from 'plinthdb';
import { text } from '../suite/bytes.ts';
import { codeOf } from '../suite/fixture.ts';

const NAME = 'memory:old transactions';
const LIFETIME_MS = 5_000;

export function oldTransaction(): void {
  describe('a transaction older than five seconds', () => {
    it('cannot commit what it read (1007), can commit blind writes, and doTransaction runs it again', async () => {
      const db = await open(NAME);
      await db.set('key', 'value');
      const reader = db.rawCreateTransaction();
      await reader.get('key');
      reader.set('from the reader', '');
      const blind = db.rawCreateTransaction();
      blind.set('from the blind', '');
      let attempts = 0;
      const retried = db.doTransaction(async (tn) => {
        await tn.get('key');
        attempts += 1;
        if (attempts === 1) await pause(LIFETIME_MS + 500);
        tn.set('attempts', `${attempts}`);
      });

      await pause(LIFETIME_MS + 200);
      await db.set('unrelated', 'so that versions move on');
      assert.equal(await codeOf(() => reader.rawCommit()), 1007);
      await blind.rawCommit();
      await retried;

      assert.isUndefined(await db.get('from the reader'));
      assert.isDefined(await db.get('from the blind'));
      assert.equal(text(await db.get('attempts')), '2');
      await db.close();
      await deleteDatabase(NAME);
    }).timeout(15_000);
  });
}

/** A tab that ends in the middle of its commits: nothing acknowledged is lost, nothing torn, and nobody has to wait. */
import { assert } from 'chai';
import { Random } from '../suite/random.ts';
import { NumberedCommits } from './numbered-commits.ts';
import { uniqueName, type World, withTabs } from './world.ts';

const ROUNDS = 5;
const ACKNOWLEDGEMENTS_MAX = 40;

export function closedTab(world: World): void {
  describe('a tab closed in the middle of its commits', () => {
    const tabs = withTabs(world);

    it('loses no acknowledged one, tears none, and blocks no other tab', async () => {
      const random = new Random(world.seed);
      const name = uniqueName();
      const commits = new NumberedCommits(name);
      const witness = await tabs.open();
      for (let round = 0; round < ROUNDS; round += 1) {
        const context = `seed ${world.seed}, round ${round}`;
        await commits.assertNothingLost(witness, context);
        const page = await tabs.open();
        const target = 1 + random.below(ACKNOWLEDGEMENTS_MAX);
        const closed = new Promise<void>((resolve, reject) => {
          commits
            .begin(page, random, (count) => {
              if (count === target) resolve(page.close());
            })
            .then(({ end }) => end)
            .then((reason) => reject(new Error(reason)), reject);
        });
        await closed;
        const written = await witness.evaluate(async (name) => {
          const db = await plinth.open(name);
          await tools.increment(db, 'witness');
          const count = await tools.numberAt(db, 'witness');
          await db.close();
          return count;
        }, name);
        assert.equal(written, round + 1, context);
      }
      await commits.assertNothingLost(witness, `seed ${world.seed}, at the end`);
    }).timeout(40_000);
  });
}

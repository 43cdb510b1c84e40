/**
 * Damage to what is stored: a typed error that names the record, never a panic and never silence.
 *
 * The log is damaged past the package, through IndexedDB. Every case opens what is before the damage for salvage, checks
 * and exports it, then heals the record again and finds the data whole, so that nothing but the damage can have made the
 * error, and the salvage wrote nothing.
 */
import { assert } from 'chai';
import { Random } from '../suite/random.ts';
import type { Page } from '../support/driver.ts';
import { uniqueName, type World, withTabs } from './world.ts';

type Damage =
  | { kind: 'flip'; byte: number; mask: number }
  | { kind: 'truncate'; bytes: number }
  | { kind: 'extend' }
  | { kind: 'empty' }
  | { kind: 'remove' }
  | { kind: 'wrong type' };

interface Outcome {
  code: number | undefined;
  message: string;
  isFDBError: boolean;
  /** How many rows could be salvaged, what a commit to them fails with, and what a check says of the damage. */
  salvaged: number | undefined;
  refusal: number | undefined;
  report: string;
  /** How many of these rows came out of an export. */
  exported: number | undefined;
  /** What the healed database holds; undefined when it does not open. */
  healed: number | undefined;
}

const ROWS = 12;

/** Commits one row a transaction, so that every row has a log record of its own. Resolves with the log's keys. */
function fillLog(page: Page, name: string): Promise<number[]> {
  return page.evaluate(
    async ({ name, rows }) => {
      const db = await plinth.open(name);
      for (let row = 0; row < rows; row += 1) await db.set(`row/${row}`, `value ${row}`.repeat(10));
      await db.close();
      return tools.withLogStore(name, (log) => tools.request(log.getAllKeys())) as Promise<number[]>;
    },
    { name, rows: ROWS },
  );
}

/** `byte` counts from the end when it is negative. */
function damageAndOpen(page: Page, name: string, sequence: number, damage: Damage): Promise<Outcome> {
  return page.evaluate(
    async ({ name, sequence, damage }) => {
      const original = (await tools.withLogStore(name, (log) =>
        tools.request(log.get(sequence)),
      )) as ArrayBuffer;

      function damaged(): unknown {
        const bytes = new Uint8Array(original.slice(0));
        switch (damage.kind) {
          case 'flip': {
            const index = damage.byte < 0 ? bytes.length + damage.byte : damage.byte % bytes.length;
            bytes[index] = (bytes[index] ?? 0) ^ damage.mask;
            return bytes.buffer;
          }
          case 'truncate':
            return original.slice(0, original.byteLength - damage.bytes);
          case 'extend': {
            const longer = new Uint8Array(bytes.length + 1);
            longer.set(bytes);
            return longer.buffer;
          }
          case 'empty':
            return new ArrayBuffer(0);
          case 'wrong type':
            return 'a string';
          case 'remove':
            return undefined;
        }
      }

      await tools.withLogStore(name, async (log) => {
        if (damage.kind === 'remove') await tools.request(log.delete(sequence));
        else await tools.request(log.put(damaged(), sequence));
      });
      const outcome: Outcome = {
        code: undefined,
        message: 'it opened',
        isFDBError: false,
        salvaged: undefined,
        refusal: undefined,
        report: '',
        exported: undefined,
        healed: undefined,
      };
      try {
        await (await plinth.open(name)).close();
      } catch (error) {
        outcome.isFDBError = error instanceof plinth.FDBError;
        outcome.code = (error as { code?: number }).code;
        outcome.message = String((error as Error).message);
      }
      const salvage = await plinth.open(name, { salvage: true });
      outcome.salvaged = (await salvage.getRangeAll('row/')).length;
      outcome.refusal = await salvage.set('row/more', '').then(
        () => undefined,
        (error: { code?: number }) => error.code,
      );
      outcome.report = String((await salvage.check()).damage[0]?.message);
      const copy = await plinth.open(`memory:${name}`);
      outcome.exported = (await copy.importFrom(salvage.export())).rows;
      await copy.close();
      await salvage.close();
      await tools.withLogStore(name, (log) => tools.request(log.put(original, sequence)));
      const db = await plinth.open(name);
      outcome.healed = (await db.getRangeAll('row/')).length;
      await db.close();
      return outcome;
    },
    { name, sequence, damage },
  );
}

/** `intact` is how many rows are before the damage. */
function assertNamed(outcome: Outcome, sequence: number, intact: number, context: string): void {
  assert.isTrue(outcome.isFDBError, `${context}: ${outcome.message}`);
  assert.equal(outcome.code, 1522, `${context}: ${outcome.message}`);
  assert.match(outcome.message, new RegExp(`log record ${sequence}\\b`), context);
  assert.equal(outcome.salvaged, intact, `${context}: rows before the damage`);
  assert.equal(outcome.exported, intact, `${context}: rows exported`);
  assert.equal(outcome.refusal, 2023, `${context}: a commit`);
  assert.match(outcome.report, new RegExp(`log record ${sequence}\\b`), `${context}: the report`);
  assert.equal(outcome.healed, ROWS, `${context}: rows after healing`);
}

export function damagedLog(world: World): void {
  describe('a damaged log record makes open fail with 1522 and its number', () => {
    const tabs = withTabs(world);
    let name = '';
    let page: Page;
    let keys: number[] = [];

    beforeEach(async () => {
      name = uniqueName();
      page = await tabs.open();
      keys = await fillLog(page, name);
      assert.isAtLeast(keys.length, ROWS, 'log records');
    });

    /** A record has one row; the first one has number 1. */
    function rowsBefore(sequence: number): number {
      return keys.indexOf(sequence);
    }

    function middleKey(): number {
      return keys[Math.floor(keys.length / 2)] ?? -1;
    }

    const cases: [title: string, Damage][] = [
      ['the first byte flipped', { kind: 'flip', byte: 0, mask: 0xff }],
      ['one bit of the header flipped', { kind: 'flip', byte: 5, mask: 0x01 }],
      ['one bit in the middle flipped', { kind: 'flip', byte: 60, mask: 0x10 }],
      ['the last byte flipped', { kind: 'flip', byte: -1, mask: 0xff }],
      ['one bit of the last byte flipped', { kind: 'flip', byte: -1, mask: 0x80 }],
      ['the last byte missing', { kind: 'truncate', bytes: 1 }],
      ['most of it missing', { kind: 'truncate', bytes: 60 }],
      ['a byte too many', { kind: 'extend' }],
      ['all of it missing', { kind: 'empty' }],
      ['a string in its place', { kind: 'wrong type' }],
      ['no record in its place', { kind: 'remove' }],
    ];

    for (const [title, damage] of cases) {
      it(title, async () => {
        const sequence = middleKey();
        const outcome = await damageAndOpen(page, name, sequence, damage);
        assertNamed(outcome, sequence, rowsBefore(sequence), title);
      });
    }

    it('the first record, and the last', async () => {
      for (const sequence of [keys.at(0) ?? -1, keys.at(-1) ?? -1]) {
        const damage: Damage = { kind: 'flip', byte: 20, mask: 0x04 };
        const outcome = await damageAndOpen(page, name, sequence, damage);
        assertNamed(outcome, sequence, rowsBefore(sequence), `record ${sequence}`);
      }
    });

    it('the first record missing', async () => {
      const sequence = keys.at(0) ?? -1;
      assertNamed(await damageAndOpen(page, name, sequence, { kind: 'remove' }), sequence, 0, 'removed');
    });

    it('any bit of any record', async () => {
      const random = new Random(world.seed);
      for (let round = 0; round < 40; round += 1) {
        const sequence = random.pick(keys as [number, ...number[]]);
        const damage: Damage = { kind: 'flip', byte: random.below(100_000), mask: 1 << random.below(8) };
        const context = `seed ${world.seed}, record ${sequence}, ${JSON.stringify(damage)}`;
        const outcome = await damageAndOpen(page, name, sequence, damage);
        assertNamed(outcome, sequence, rowsBefore(sequence), context);
      }
    }).timeout(40_000);

    it('a record of several parts, damaged in its middle', async () => {
      const large = uniqueName();
      const sequences = await page.evaluate(async (name) => {
        const db = await plinth.open(name);
        const value = new Uint8Array(100_000);
        for (let at = 0; at < value.length; at += 65_536)
          crypto.getRandomValues(value.subarray(at, at + 65_536));
        await db.doTransaction((tn) => {
          for (let row = 0; row < 12; row += 1) tn.set(`row/${row}`, value);
        });
        await db.close();
        return tools.withLogStore(name, (log) => tools.request(log.getAllKeys())) as Promise<number[]>;
      }, large);
      assert.isAbove(sequences.length, 2, 'a large record is cut into parts');
      const sequence = sequences[Math.floor(sequences.length / 2)] ?? -1;
      const damages: Damage[] = [{ kind: 'flip', byte: 30_000, mask: 0x20 }, { kind: 'remove' }];
      for (const damage of damages) {
        const outcome = await damageAndOpen(page, large, sequence, damage);
        assertNamed(outcome, sequence, 0, JSON.stringify(damage));
      }
    });
  });
}

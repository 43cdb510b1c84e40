/** Vector, multimap, table, indexed map and graph against maps and arrays. */
import { assert } from 'chai';
import { encoders, type TupleItem, tuple } from 'plinthdb';
import { type Encoding, Graph, IndexedMap, MultiMap, Table, Vector } from 'plinthdb/recipes';
import { type Storage, withDatabase } from '../fixture.ts';
import { atOnce, collect, place, runSteps, transactionCount, withSeed } from './support.ts';

export function collections(storage: Storage): void {
  describe('Vector', () => vector(storage));
  describe('MultiMap', () => multiMap(storage));
  describe('Table', () => table(storage));
  describe('IndexedMap', () => indexedMap(storage));
  describe('Graph', () => graph(storage));
}

function vector(storage: Storage): void {
  const test = withDatabase(storage);
  const numbers = new Vector(place, encoders.json as Encoding<number>, 0);

  it('is an array whose gaps read as the default value', async () => {
    const model: number[] = [];
    await runSteps(test.db, storage, async (tn, random) => {
      const index = random.below(model.length + 4);
      switch (random.below(6)) {
        case 0:
          assert.equal(await numbers.push(tn, index), model.length);
          model.push(index);
          break;
        case 1:
          assert.equal(await numbers.pop(tn), model.pop());
          break;
        case 2:
          numbers.set(tn, index, 100 + index);
          while (model.length <= index) model.push(0);
          model[index] = 100 + index;
          break;
        case 3:
          if (!random.chance(0.2)) break;
          await numbers.resize(tn, index);
          model.length = Math.min(model.length, index);
          while (model.length < index) model.push(0);
          break;
        case 4:
          assert.equal(await numbers.get(tn, index), model[index]);
          break;
        default: {
          const end = random.chance(0.3) ? undefined : random.below(model.length + 4);
          const found = await collect(numbers.range(tn, index, end));
          const expected = model.map((value, at) => [at, value]).slice(index, end);
          assert.deepEqual(found, expected as [number, number][]);
        }
      }
      assert.equal(await numbers.size(tn), model.length);
    });
    const all = await test.db.doTransaction((tn) => collect(numbers.range(tn)));
    assert.deepEqual(
      all.map(([, value]) => value),
      model,
    );
  });

  it('gives every one of concurrent pushes an index of its own', async () => {
    const indices = await atOnce(20, (number) => test.db.doTransaction((tn) => numbers.push(tn, number)));
    assert.deepEqual(new Set(indices).size, 20);
    const found = await test.db.doTransaction((tn) => collect(numbers.range(tn)));
    for (const [number, index] of indices.entries()) assert.deepEqual(found[index], [index, number]);
  });

  it('refuses what is no index', async () => {
    await test.db.doTransaction(async (tn) => {
      for (const index of [-1, 0.5, Number.NaN]) assert.throws(() => numbers.set(tn, index, 1), RangeError);
    });
  });

  it('changes elements without a conflict over others', async () => {
    await test.db.doTransaction((tn) => numbers.resize(tn, 10));
    const [one, other] = [test.db.rawCreateTransaction(), test.db.rawCreateTransaction()];
    for (const [index, tn] of [one, other].entries()) {
      await numbers.get(tn, index);
      numbers.set(tn, index, 7);
    }
    await Promise.all([one.rawCommit(), other.rawCommit()]);
  });
}

function multiMap(storage: Storage): void {
  const test = withDatabase(storage);
  const map = new MultiMap<string, number>(place);

  it('counts what is added', async () => {
    const model = new Map<string, Map<number, number>>([...'abc'].map((key) => [key, new Map()]));
    await runSteps(test.db, storage, async (tn, random) => {
      const key = random.pick(['a', 'b', 'c']);
      const counts = model.get(key) as Map<number, number>;
      const value = random.below(4) - 1;
      const count = counts.get(value) ?? 0;
      switch (random.below(4)) {
        case 0:
        case 1:
          map.add(tn, key, value);
          counts.set(value, count + 1);
          break;
        case 2:
          await map.subtract(tn, key, value);
          if (count > 1) counts.set(value, count - 1);
          else counts.delete(value);
          break;
        default:
          if (random.chance(0.8)) map.delete(tn, key, value);
          else map.delete(tn, key);
          if (await map.has(tn, key, value)) assert.fail('it was deleted');
          if ((await collect(map.get(tn, key))).length === 0) counts.clear();
          counts.delete(value);
      }
      const expected = [...counts].sort(([a], [b]) => a - b);
      assert.deepEqual(await collect(map.counts(tn, key)), expected);
      assert.deepEqual(
        await collect(map.get(tn, key)),
        expected.map(([one]) => one),
      );
      assert.equal(await map.count(tn, key, value), counts.get(value) ?? 0);
    });
  });

  it('counts every one of concurrent additions and subtractions', async () => {
    await atOnce(30, () => test.db.doTransaction((tn) => map.add(tn, 'k', 1)));
    await atOnce(10, () => test.db.doTransaction((tn) => map.subtract(tn, 'k', 1)));
    assert.equal(await test.db.doTransaction((tn) => map.count(tn, 'k', 1)), 20);
  });
}

function table(storage: Storage): void {
  const test = withDatabase(storage);
  const cells = new Table<number, string, string>(place, encoders.string);

  it('has the same cells by row and by column', async () => {
    const model = new Map<string, string>();
    const keyOf = (row: number, column: string) => `${row}/${column}`;
    const rowOf = (row: number) =>
      ['a', 'b', 'c', 'd'].flatMap((column) => {
        const value = model.get(keyOf(row, column));
        return value === undefined ? [] : [[column, value] as [string, string]];
      });
    const columnOf = (column: string) =>
      [0, 1, 2, 3].flatMap((row) => {
        const value = model.get(keyOf(row, column));
        return value === undefined ? [] : [[row, value] as [number, string]];
      });
    await runSteps(test.db, storage, async (tn, random) => {
      const row = random.below(4);
      const column = random.pick(['a', 'b', 'c', 'd']);
      const value = `${random.below(100)}`;
      switch (random.below(7)) {
        case 0:
          cells.delete(tn, row, column);
          model.delete(keyOf(row, column));
          break;
        case 1:
          await cells.deleteRow(tn, row);
          for (const [name] of rowOf(row)) model.delete(keyOf(row, name));
          break;
        case 2:
          await cells.deleteColumn(tn, column);
          for (const [number] of columnOf(column)) model.delete(keyOf(number, column));
          break;
        case 3:
          await cells.setRow(tn, row, [[column, value]]);
          for (const [name] of rowOf(row)) model.delete(keyOf(row, name));
          model.set(keyOf(row, column), value);
          break;
        case 4:
          await cells.setColumn(tn, column, [[row, value]]);
          for (const [number] of columnOf(column)) model.delete(keyOf(number, column));
          model.set(keyOf(row, column), value);
          break;
        default:
          cells.set(tn, row, column, value);
          model.set(keyOf(row, column), value);
      }
      assert.equal(await cells.get(tn, row, column), model.get(keyOf(row, column)));
      assert.deepEqual(await collect(cells.row(tn, row)), rowOf(row));
      assert.deepEqual(await collect(cells.column(tn, column)), columnOf(column));
    });
  });
}

interface User {
  city: string;
  age: number;
  tags: string[];
}

function indexedMap(storage: Storage): void {
  const test = withDatabase(storage);
  const indexes = {
    byCity: (user: User) => [user.city],
    byAge: (user: User) => [user.age],
    byCityAndAge: (user: User) => [[user.city, user.age]],
    byTag: (user: User) => user.tags,
  };
  const users = new IndexedMap<string, User, keyof typeof indexes>(place, encoders.json, indexes);

  /** What an index has to say, from all the values. */
  function expected(model: Map<string, User>, index: keyof typeof indexes) {
    return [...model]
      .flatMap(([id, user]) => indexes[index](user).map((entry) => ({ id, user, entry })))
      .sort((a, b) => {
        const [x, y] = [tuple.pack([a.entry, a.id]), tuple.pack([b.entry, b.id])].map((bytes) =>
          String.fromCharCode(...bytes),
        ) as [string, string];
        return x < y ? -1 : 1;
      });
  }

  it('finds values by what they say, and no others', async () => {
    const model = new Map<string, User>();
    await runSteps(test.db, storage, async (tn, random) => {
      const id = `user ${random.below(12)}`;
      if (random.chance(0.25)) {
        assert.equal(await users.delete(tn, id), model.delete(id));
      } else {
        const tags = ['new', 'old', 'odd'].filter(() => random.chance(0.4));
        const user = { city: random.pick(['Rome', 'Oslo']), age: random.below(40) - 5, tags };
        await users.set(tn, id, user);
        model.set(id, user);
      }
      assert.deepEqual(await users.get(tn, id), model.get(id));
      for (const entry of ['new', 'odd']) {
        assert.deepEqual(
          await collect(users.where(tn, 'byTag', entry)),
          expected(model, 'byTag')
            .filter((found) => found.entry === entry)
            .map(({ id, user }) => [id, user]),
        );
      }
      const [from, to] = [random.below(40) - 5, random.below(40) - 5].sort((a, b) => a - b) as [
        number,
        number,
      ];
      const within = expected(model, 'byAge').filter(({ user }) => user.age >= from && user.age < to);
      assert.deepEqual(
        await collect(users.between(tn, 'byAge', { from, to })),
        within.map(({ id, user, entry }) => [id, user, entry] as [string, User, TupleItem]),
      );
      const last = await collect(users.between(tn, 'byAge', { from, to, reverse: true, limit: 2 }));
      assert.deepEqual(
        last.map(([one]) => one),
        within
          .reverse()
          .slice(0, 2)
          .map(({ id: one }) => one),
      );
      const romans = await collect(
        users.between(tn, 'byCityAndAge', { from: ['Rome', 10], to: ['Rome', 20] }),
      );
      assert.deepEqual(
        romans.map(([one]) => one),
        expected(model, 'byCityAndAge')
          .filter(({ user }) => user.city === 'Rome' && user.age >= 10 && user.age < 20)
          .map(({ id: one }) => one),
      );
    });
    const all = await test.db.doTransaction((tn) => collect(users.all(tn)));
    assert.deepEqual(new Map(all), model);
  });

  it('keeps its indexes right under concurrent changes, also while one is rebuilt', async () => {
    await withSeed(storage, async (random) => {
      const changes = Array.from({ length: transactionCount(storage) }, () => ({
        id: `user ${random.below(8)}`,
        user: {
          city: random.pick(['Rome', 'Oslo']),
          age: random.below(9),
          tags: ['x', 'y'].slice(random.below(3)),
        },
      }));
      const change = ({ id, user }: (typeof changes)[number]) =>
        test.db.doTransaction((tn) => users.set(tn, id, user));
      const half = changes.length >> 1;
      await Promise.all(changes.slice(0, half).map(change));
      await Promise.all([users.rebuild(test.db, 'byTag'), ...changes.slice(half).map(change)]);
      await test.db.doTransaction(async (tn) => {
        const model = new Map(await collect(users.all(tn)));
        for (const index of ['byCity', 'byAge', 'byCityAndAge', 'byTag'] as const) {
          assert.deepEqual(
            await collect(users.between(tn, index)),
            expected(model, index).map(
              ({ id, user, entry }) => [id, user, entry] as [string, User, TupleItem],
            ),
            index,
          );
        }
      });
    });
  });

  it('makes an index for values that were there before it', async () => {
    const before = new IndexedMap<string, User, 'byCity'>(place, encoders.json, { byCity: indexes.byCity });
    await test.db.doTransaction(async (tn) => {
      for (let number = 0; number < 1_200; number += 1) {
        await before.set(tn, `user ${number}`, { city: 'Rome', age: number % 7, tags: [] });
      }
    });
    assert.lengthOf(await test.db.doTransaction((tn) => collect(users.where(tn, 'byAge', 3))), 0);
    await users.rebuild(test.db, 'byAge');
    const found = await test.db.doTransaction((tn) => collect(users.between(tn, 'byAge')));
    assert.lengthOf(found, 1_200);
    assert.lengthOf(await test.db.doTransaction((tn) => collect(users.where(tn, 'byAge', 3))), 171);
  });
}

function graph(storage: Storage): void {
  const test = withDatabase(storage);
  const edges = new Graph<number, string>(place, encoders.string);

  it('has the same edges from both ends', async () => {
    const model = new Map<number, Map<number, string>>(
      Array.from({ length: 8 }, (_, node) => [node, new Map<number, string>()]),
    );
    const from = (node: number) => [...(model.get(node) ?? [])].sort(([a], [b]) => a - b);
    const to = (node: number) =>
      [...model].flatMap(([other, targets]) => {
        const value = targets.get(node);
        return value === undefined ? [] : [[other, value] as [number, string]];
      });
    const reachable = (node: number, distance: number) => {
      const rings = [[node]];
      const seen = new Set([node]);
      for (let ring = 0; ring < distance; ring += 1) {
        const next = new Set((rings[ring] ?? []).flatMap((one) => from(one).map(([other]) => other)));
        rings.push([...next].filter((one) => !seen.has(one)));
        for (const one of next) seen.add(one);
      }
      return rings.slice(1).map((ring) => ring.sort((a, b) => a - b));
    };
    await runSteps(test.db, storage, async (tn, random) => {
      const [a, b] = [random.below(8), random.below(8)];
      if (random.chance(0.6)) {
        edges.set(tn, a, b, `${a} to ${b}`);
        model.get(a)?.set(b, `${a} to ${b}`);
      } else if (random.chance(0.7)) {
        edges.delete(tn, a, b);
        model.get(a)?.delete(b);
      } else {
        await edges.deleteNode(tn, a);
        model.get(a)?.clear();
        for (const targets of model.values()) targets.delete(a);
      }
      assert.equal(await edges.get(tn, a, b), model.get(a)?.get(b));
      assert.deepEqual(await collect(edges.from(tn, a)), from(a));
      assert.deepEqual(await collect(edges.to(tn, b)), to(b));
      const rings = reachable(a, 2);
      const found = await collect(edges.reachable(tn, a, 2));
      assert.deepEqual(
        [found.slice(0, rings[0]?.length), found.slice(rings[0]?.length)].map((ring) =>
          ring.sort((x, y) => x - y),
        ),
        rings,
      );
      const all = await collect(edges.reachable(tn, a));
      assert.sameMembers(all, reachable(a, 8).flat());
    });
  });
}

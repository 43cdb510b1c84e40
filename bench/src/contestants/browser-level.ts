/** npm `browser-level`: Level's interface over IndexedDB, with IndexedDB's default durability. */
import { BrowserLevel } from 'browser-level';
import type { Connection, Contestant, Pair, Scan } from '../contestant.ts';
import type { Key, Row } from '../dataset.ts';
import { removed } from './requests.ts';

const LOAD_ROWS = 10_000;
const PREFIX = 'level-';

type Level = BrowserLevel<string, Uint8Array>;

export const browserLevel: Contestant = {
  async open(database: string): Promise<Connection> {
    const handle: Level = new BrowserLevel(database, {
      prefix: PREFIX,
      keyEncoding: 'utf8',
      valueEncoding: 'view',
    });
    await handle.open();
    return new LevelConnection(handle);
  },
  remove: (database) => removed(PREFIX + database),
};

class LevelConnection implements Connection {
  readonly #handle: Level;

  constructor(handle: Level) {
    this.#handle = handle;
  }

  put(key: Key, value: Uint8Array): Promise<void> {
    return this.#handle.put(key.text, value);
  }

  async load(rows: readonly Row[]): Promise<void> {
    const commits: Promise<void>[] = [];
    for (let begin = 0; begin < rows.length; begin += LOAD_ROWS) {
      const piece = rows.slice(begin, begin + LOAD_ROWS);
      commits.push(
        this.#handle.batch(piece.map(({ key, value }) => ({ type: 'put', key: key.text, value }))),
      );
    }
    await Promise.all(commits);
  }

  async count(): Promise<number> {
    return (await this.#handle.keys().all()).length;
  }

  get(key: Key): Promise<Uint8Array | undefined> {
    return this.#handle.get(key.text);
  }

  async getEach(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    const values: (Uint8Array | undefined)[] = [];
    for (const key of keys) values.push(await this.#handle.get(key.text));
    return values;
  }

  async scanEach(scans: readonly Scan[]): Promise<Pair[][]> {
    const all: Pair[][] = [];
    for (const { begin, end } of scans) {
      all.push(await this.#handle.iterator({ gte: begin.text, lt: end.text }).all());
    }
    return all;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

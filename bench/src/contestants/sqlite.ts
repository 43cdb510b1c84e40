/** npm `@sqlite.org/sqlite-wasm`: SQLite in a worker; this is the page's side. */
import type { Connection, Contestant, Durability, Pair, Scan } from '../contestant.ts';
import type { Key, Row } from '../dataset.ts';
import { type PackedRows, packRows, unpackRows } from './packed-rows.ts';
import type { Answer, Question, SqliteCalls } from './sqlite-calls.ts';

export const sqlite: Contestant = {
  async open(database: string, durability: Durability): Promise<Connection> {
    const engine = new Engine();
    await engine.ask('open', database, durability);
    return new SqliteConnection(engine);
  },
  async remove(database: string): Promise<void> {
    const engine = new Engine();
    await engine.ask('remove', database);
    engine.end();
  },
};

/** The worker, and the questions that it has not answered. */
class Engine {
  readonly #worker = new Worker(new URL('./sqlite-worker.js', import.meta.url), { type: 'module' });
  readonly #open = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #asked = 0;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const question = this.#open.get(data.id);
      this.#open.delete(data.id);
      if ('error' in data) question?.reject(new Error(data.error));
      else question?.resolve(data.result as never);
    };
    this.#worker.onerror = (event) => {
      for (const { reject } of this.#open.values()) reject(new Error(`the worker failed: ${event.message}`));
    };
  }

  ask<Name extends keyof SqliteCalls>(
    name: Name,
    ...parameters: Parameters<SqliteCalls[Name]>
  ): Promise<Awaited<ReturnType<SqliteCalls[Name]>>> {
    return new Promise((resolve, reject) => {
      const question: Question = { id: this.#asked++, name, parameters };
      this.#open.set(question.id, { resolve, reject });
      this.#worker.postMessage(question);
    });
  }

  end(): void {
    this.#worker.terminate();
  }
}

class SqliteConnection implements Connection {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  put(key: Key, value: Uint8Array): Promise<void> {
    return this.#engine.ask('put', key.text, value);
  }

  load(rows: readonly Row[]): Promise<void> {
    const packed = packRows(rows.map(({ key, value }) => [key.text, value]));
    return this.#engine.ask('load', packed);
  }

  settle(): Promise<void> {
    return this.#engine.ask('settle');
  }

  count(): Promise<number> {
    return this.#engine.ask('count');
  }

  get(key: Key): Promise<Uint8Array | undefined> {
    return this.#engine.ask('get', key.text);
  }

  async getEach(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    const values: (Uint8Array | undefined)[] = [];
    for (const key of keys) values.push(await this.#engine.ask('get', key.text));
    return values;
  }

  async scanEach(scans: readonly Scan[]): Promise<Pair[][]> {
    const all: Pair[][] = [];
    for (const { begin, end } of scans) {
      const packed: PackedRows = await this.#engine.ask('scan', begin.text, end.text);
      all.push(unpackRows(packed));
    }
    return all;
  }

  increment(key: Key): Promise<void> {
    return this.#engine.ask('increment', key.text);
  }

  counter(key: Key): Promise<number> {
    return this.#engine.ask('counter', key.text);
  }

  transact(keys: readonly Key[]): Promise<void> {
    return this.#engine.ask(
      'transact',
      keys.map((key) => key.text),
    );
  }

  async close(): Promise<void> {
    await this.#engine.ask('close');
    this.#engine.end();
  }
}

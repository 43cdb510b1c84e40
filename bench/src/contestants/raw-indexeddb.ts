/** IndexedDB itself, written as carefully as its interface allows: all requests at once, explicit `commit()`. */
import type { Connection, Contestant, Durability, Pair, Scan } from '../contestant.ts';
import { type Key, type Row, tallied } from '../dataset.ts';
import { completed, removed, requested } from './requests.ts';

const STORE = 'rows';
const LOAD_ROWS = 10_000;

/** Newer than the types of the DOM. */
interface ObjectStoreWithRecords {
  getAllRecords?(options: {
    query: IDBKeyRange;
    count: number;
  }): IDBRequest<{ key: string; value: Uint8Array }[]>;
}

export const rawIndexedDb: Contestant = {
  async open(database: string, durability: Durability): Promise<Connection> {
    const request = indexedDB.open(database);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    const handle = await requested(request);
    return new RawConnection(handle, durability === 'none' ? 'default' : durability);
  },
  remove: removed,
};

class RawConnection implements Connection {
  readonly #handle: IDBDatabase;
  readonly #durability: IDBTransactionDurability;

  constructor(handle: IDBDatabase, durability: IDBTransactionDurability) {
    this.#handle = handle;
    this.#durability = durability;
  }

  put(key: Key, value: Uint8Array): Promise<void> {
    const { transaction, store } = this.#writing();
    store.put(value, key.text);
    transaction.commit();
    return completed(transaction);
  }

  async load(rows: readonly Row[]): Promise<void> {
    const transactions: Promise<void>[] = [];
    for (let begin = 0; begin < rows.length; begin += LOAD_ROWS) {
      const { transaction, store } = this.#writing();
      for (const { key, value } of rows.slice(begin, begin + LOAD_ROWS)) store.put(value, key.text);
      transaction.commit();
      transactions.push(completed(transaction));
    }
    await Promise.all(transactions);
  }

  count(): Promise<number> {
    return requested(this.#reading().count());
  }

  get(key: Key): Promise<Uint8Array | undefined> {
    return requested(this.#reading().get(key.text));
  }

  async getEach(keys: readonly Key[]): Promise<(Uint8Array | undefined)[]> {
    const store = this.#reading();
    const values: (Uint8Array | undefined)[] = [];
    for (const key of keys) values.push(await requested(store.get(key.text)));
    return values;
  }

  async scanEach(scans: readonly Scan[]): Promise<Pair[][]> {
    const store = this.#reading();
    const all: Pair[][] = [];
    for (const scan of scans) all.push(await scanned(store, scan));
    return all;
  }

  increment(key: Key): Promise<void> {
    const { transaction, store } = this.#writing();
    const read = store.get(key.text);
    read.onsuccess = () => {
      store.put((read.result ?? 0) + 1, key.text);
      transaction.commit();
    };
    return completed(transaction);
  }

  async counter(key: Key): Promise<number> {
    return (await requested(this.#reading().get(key.text))) ?? 0;
  }

  transact(keys: readonly Key[]): Promise<void> {
    const { transaction, store } = this.#writing();
    const reads = keys.map((key) => store.get(key.text));
    // Requests succeed in the order in which they were made.
    const last = reads.at(-1) as IDBRequest<Uint8Array>;
    last.onsuccess = () => {
      for (const [index, key] of keys.slice(0, 2).entries()) {
        store.put(tallied((reads[index] as IDBRequest<Uint8Array>).result), key.text);
      }
      transaction.commit();
    };
    return completed(transaction);
  }

  async close(): Promise<void> {
    this.#handle.close();
  }

  #writing(): { transaction: IDBTransaction; store: IDBObjectStore } {
    const transaction = this.#handle.transaction(STORE, 'readwrite', { durability: this.#durability });
    return { transaction, store: transaction.objectStore(STORE) };
  }

  #reading(): IDBObjectStore {
    return this.#handle.transaction(STORE, 'readonly').objectStore(STORE);
  }
}

async function scanned(store: IDBObjectStore, { begin, end, count }: Scan): Promise<Pair[]> {
  const query = IDBKeyRange.bound(begin.text, end.text, false, true);
  const { getAllRecords } = store as ObjectStoreWithRecords;
  if (getAllRecords !== undefined) {
    const records = await requested(getAllRecords.call(store, { query, count }));
    return records.map((record) => [record.key, record.value] as const);
  }
  const [keys, values] = await Promise.all([
    requested(store.getAllKeys(query, count)),
    requested(store.getAll(query, count)),
  ]);
  return values.map((value, index) => [keys[index] as string, value as Uint8Array] as const);
}

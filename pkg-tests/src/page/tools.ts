/**
 * What the browser scenarios find in their pages: the package as `plinth`, its recipes as `recipes`, a few helpers as
 * `tools`.
 *
 * The scenarios run code in pages with Playwright's `evaluate`, which sends the source of a function: it can use
 * nothing of the file it stands in, only these globals and its argument.
 */
import * as plinthdb from 'plinthdb';
import * as plinthRecipes from 'plinthdb/recipes';
import { numbered, text, utf8 } from '../suite/bytes.ts';
import { isRowValue, rowKey, rowValue, scanRows } from './rows.ts';

type Database = plinthdb.Database;

/** `x += 1`, as one transaction. */
async function increment(db: Database, key: string): Promise<void> {
  await db.doTransaction(async (tn) => {
    const value = Number(text(await tn.get(key)) ?? '0');
    tn.set(key, `${value + 1}`);
  });
}

async function numberAt(db: Database, key: string): Promise<number> {
  return Number(text(await db.get(key)) ?? '0');
}

function request<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

/** The database's object store `log`, past the package: for damaging it. */
async function withLogStore<T>(name: string, body: (log: IDBObjectStore) => Promise<T>): Promise<T> {
  const raw = await request(indexedDB.open(`plinth:${name}`));
  try {
    const transaction = raw.transaction('log', 'readwrite');
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    const result = await body(transaction.objectStore('log'));
    await done;
    return result;
  } finally {
    raw.close();
  }
}

/** Opens the database for this page's later calls, as `db`. */
async function openHere(name: string): Promise<void> {
  globalThis.db = await plinthdb.open(name);
}

/** The next task of the event loop: what is done after it is no part of the present one. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const pageTools = {
  text,
  utf8,
  numbered,
  increment,
  numberAt,
  request,
  withLogStore,
  openHere,
  sleep,
  nextTask,
  rowKey,
  rowValue,
  isRowValue,
  scanRows,
};

declare global {
  var plinth: typeof plinthdb;
  var recipes: typeof plinthRecipes;
  var tools: typeof pageTools;
  /** What `tools.openHere` opened. */
  var db: Database;
}

Object.assign(globalThis, { plinth: plinthdb, recipes: plinthRecipes, tools: pageTools });

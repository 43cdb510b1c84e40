/** The Plinth databases of this origin, and the one that is open here. */

import { type Database, deleteDatabase, open } from 'plinthdb';
import { DATABASE_NAME } from '../session';

/** What the package puts before a name. */
const STORAGE_PREFIX = 'plinth:';

/** Browsers that do not tell get the page's own. */
export async function databaseNames(): Promise<string[]> {
  const found = (await indexedDB.databases?.()) ?? [];
  const names = found
    .map(({ name = '' }) => name)
    .filter((name) => name.startsWith(STORAGE_PREFIX))
    .map((name) => name.slice(STORAGE_PREFIX.length));
  return [...new Set([DATABASE_NAME, ...names.sort()])];
}

export class OpenDatabase {
  readonly #own: Database;
  #current: Database;

  /** `own` is the page's, which stays open. */
  constructor(own: Database) {
    this.#own = own;
    this.#current = own;
  }

  get db(): Database {
    return this.#current;
  }

  get isOwn(): boolean {
    return this.#current === this.#own;
  }

  /** Creates it if there is none of that name. */
  async use(name: string): Promise<void> {
    if (name === this.#current.name) return;
    const next = name === this.#own.name ? this.#own : await open(name);
    await this.#leave();
    this.#current = next;
  }

  /** Deletes the one that is open, and goes back to the page's own. */
  async delete(): Promise<void> {
    const { name } = this.#current;
    if (this.isOwn) throw new Error('the page’s own database is deleted in “Storage”');
    await this.#leave();
    this.#current = this.#own;
    await deleteDatabase(name);
  }

  async #leave(): Promise<void> {
    if (!this.isOwn) await this.#current.close();
  }
}

/** The directories of a database, as a tree of buttons. */

import { type Database, type Directory, directory, type Transaction } from 'plinthdb';
import { button, element } from '../dom';

export interface FoundDirectory {
  readonly path: readonly string[];
  readonly prefix: Uint8Array;
  readonly layer: string;
}

/** A database may have millions of them; so many are shown. */
const DIRECTORIES_MAX = 300;

/** Parents before their children. */
export function readDirectories(db: Database): Promise<FoundDirectory[]> {
  return db.doTransaction(async (tn) => {
    const found: FoundDirectory[] = [];
    await collect(tn, [], found);
    return found;
  });
}

async function collect(tn: Transaction, path: readonly string[], found: FoundDirectory[]): Promise<void> {
  for (const name of await directory.listAll(tn, path)) {
    if (found.length >= DIRECTORIES_MAX) return;
    const childPath = [...path, name];
    const child: Directory = await directory.open(tn, childPath);
    found.push({ path: childPath, prefix: child.content.prefix, layer: child.getLayer() });
    await collect(tn, childPath, found);
  }
}

export function createDirectory(db: Database, path: string): Promise<Directory> {
  return directory.create(db, parsePath(path));
}

export function removeDirectory(db: Database, path: readonly string[]): Promise<boolean> {
  return directory.remove(db, path);
}

function parsePath(text: string): string[] {
  const path = text.split('/').map((name) => name.trim());
  if (path.some((name) => name === '')) {
    throw new Error(`a path such as app/users was expected, found “${text}”`);
  }
  return path;
}

export class DirectoryTree {
  readonly #list: HTMLElement;
  readonly #choose: (chosen: FoundDirectory | undefined) => void;

  /** Without a directory, all keys are meant. */
  constructor(list: HTMLElement, choose: (chosen: FoundDirectory | undefined) => void) {
    this.#list = list;
    this.#choose = choose;
  }

  show(directories: readonly FoundDirectory[], chosen: FoundDirectory | undefined): void {
    const isSame = (one: FoundDirectory): boolean => one.path.join('/') === chosen?.path.join('/');
    this.#list.replaceChildren(
      this.#item('All keys', 0, chosen === undefined, () => this.#choose(undefined)),
      ...directories.map((one) => {
        const label = one.layer === '' ? (one.path.at(-1) ?? '') : `${one.path.at(-1)} · ${one.layer}`;
        return this.#item(label, one.path.length, isSame(one), () => this.#choose(one));
      }),
    );
  }

  #item(label: string, depth: number, isCurrent: boolean, act: () => void): HTMLElement {
    const made = button(label, act, { class: 'tree-item' });
    if (isCurrent) made.setAttribute('aria-current', 'true');
    made.style.setProperty('--depth', String(depth));
    return element('li', {}, [made]);
  }
}

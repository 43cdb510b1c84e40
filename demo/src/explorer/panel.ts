/** The explorer: any Plinth database of this origin, by directory, subspace and key. */

import { compareKeys, joinBytes, prefixEnd } from '../bytes';
import { confirmed } from '../confirm';
import { button, element, part } from '../dom';
import { byteSize, duration, integer } from '../format';
import type { Panel } from '../panels';
import { DATABASE_NAME } from '../session';
import { databaseNames, OpenDatabase } from './databases';
import {
  createDirectory,
  DirectoryTree,
  type FoundDirectory,
  readDirectories,
  removeDirectory,
} from './directories';
import { Editor } from './editor';
import { parseKey, showKey } from './encoding';
import { EntryTable } from './entry-table';
import markup from './explorer.html?raw';
import './explorer.css';
import { clampInto, type Entry, readPage } from './listing';
import { startTransfer } from './transfer';
import { Watches } from './watches';

const PAGE_ROWS = 50;

interface Crumb {
  label: string;
  prefix: Uint8Array;
}

export const explorerPanel: Panel = {
  markup,
  async start(root, { db: own, notices }) {
    const opened = new OpenDatabase(own);
    const select = part(root, '#explorer-database', HTMLSelectElement);
    const deleteDatabaseButton = part(root, '#explorer-delete-database', HTMLButtonElement);
    const flat = part(root, '#explorer-flat', HTMLInputElement);
    const from = part(root, '#explorer-from', HTMLInputElement);
    const previous = part(root, '#explorer-previous', HTMLButtonElement);
    const next = part(root, '#explorer-next', HTMLButtonElement);
    const status = part(root, '#explorer-status', HTMLElement);
    const removeButton = part(root, '#explorer-remove', HTMLButtonElement);

    let directories: FoundDirectory[] = [];
    let chosenDirectory: FoundDirectory | undefined;
    let crumbs: Crumb[] = [];
    /** Where the pages up to the one that is shown begin. */
    let begins: Uint8Array[] = [];
    let nextBegin: Uint8Array | undefined;
    let asked = 0;

    const guard = (doing: string, work: () => Promise<void>): void => void notices.guard(doing, work);
    const tree = new DirectoryTree(part(root, '#explorer-tree', HTMLElement), (chosen) =>
      guard('Opening the directory', () => goToDirectory(chosen)),
    );
    const table = new EntryTable(part(root, '#explorer-entries', HTMLTableSectionElement), {
      enter: ({ label, prefix }) =>
        guard('Opening the subspace', async () => {
          const found = directoryAt(prefix);
          if (found === undefined) await goTo([...crumbs, { label, prefix }]);
          else await goToDirectory(found);
          table.focusFirst();
        }),
      choose: ({ key }) => guard('Reading the key', () => choose(key)),
    });
    const editor = new Editor(root, {
      save: (key, value) => guard('Saving the key', () => save(key, value)),
      delete: (key) => guard('Deleting the key', () => clear(key)),
      watch: (key) => watches.add(opened.db, key, nameOf(key)),
      fail: (error) => notices.show('Reading what was typed', error),
    });
    const watches = new Watches(part(root, '#explorer-watches', HTMLElement), {
      changed: (key, value) => table.changed(key, value),
      failed: (error) => notices.show('Watching the key', error),
    });

    listen();
    startTransfer(root, notices, {
      db: () => opened.db,
      say: (text) => {
        status.textContent = text;
      },
      imported: async () => {
        await showDirectories();
        await goToDirectory(undefined);
      },
    });
    editor.showNew();
    await showDatabases();
    await showDirectories();
    await goToDirectory(undefined);

    function listen(): void {
      select.addEventListener('change', () => guard('Opening the database', () => use(select.value)));
      onSubmit('#explorer-open', 'Opening the database', async (input) => {
        await use(input.value.trim());
        input.value = '';
      });
      deleteDatabaseButton.addEventListener('click', () => {
        guard('Deleting the database', async () => {
          const { name } = opened.db;
          const text = `The database “${name}” and everything in it will be removed from this browser.`;
          if (!(await confirmed({ title: 'Delete the database?', text, action: 'Delete it' }))) return;
          watches.stopAll();
          await opened.delete();
          await showDatabases();
          await showDirectories();
          await goToDirectory(undefined);
        });
      });
      onSubmit('#explorer-create', 'Creating the directory', async (input) => {
        const made = await createDirectory(opened.db, input.value.trim());
        input.value = '';
        await showDirectories();
        const path = made.getPath().join('/');
        await goToDirectory(directories.find((one) => one.path.join('/') === path));
        status.textContent = `Created the directory ${path}; its keys begin with ${showKey(made.content.prefix)}.`;
      });
      removeButton.addEventListener('click', () => guard('Removing', () => remove()));
      onSubmit('#explorer-find', 'Finding the key', () => show([begin()]));
      flat.addEventListener('change', () => guard('Reading the keys', () => show([begin()])));
      previous.addEventListener('click', () => {
        guard('Reading the keys', () => show(begins.slice(0, -1)));
      });
      next.addEventListener('click', () => {
        guard('Reading the keys', async () => {
          if (nextBegin !== undefined) await show([...begins, nextBegin]);
        });
      });
      part(root, '#explorer-reload', HTMLButtonElement).addEventListener('click', () => {
        guard('Reading the keys', async () => {
          await showDirectories();
          await show(begins);
        });
      });
    }

    function onSubmit(
      selector: string,
      doing: string,
      work: (input: HTMLInputElement) => Promise<void>,
    ): void {
      const form = part(root, selector, HTMLFormElement);
      form.addEventListener('submit', (event) => {
        event.preventDefault();
        guard(doing, () => work(part(form, 'input[type="text"]', HTMLInputElement)));
      });
    }

    async function use(name: string): Promise<void> {
      if (name === '') return;
      watches.stopAll();
      await opened.use(name);
      await showDatabases();
      await showDirectories();
      await goToDirectory(undefined);
    }

    async function showDatabases(): Promise<void> {
      const names = new Set([...(await databaseNames()), opened.db.name]);
      select.replaceChildren(...[...names].map((name) => new Option(name, name)));
      select.value = opened.db.name;
      deleteDatabaseButton.hidden = opened.db.name === DATABASE_NAME;
    }

    async function showDirectories(): Promise<void> {
      directories = await readDirectories(opened.db);
      tree.show(directories, chosenDirectory);
    }

    async function goToDirectory(chosen: FoundDirectory | undefined): Promise<void> {
      chosenDirectory = chosen;
      tree.show(directories, chosen);
      const first: Crumb =
        chosen === undefined
          ? { label: 'All keys', prefix: new Uint8Array(0) }
          : { label: chosen.path.join('/'), prefix: chosen.prefix };
      await goTo([first]);
    }

    async function goTo(level: Crumb[]): Promise<void> {
      crumbs = level;
      from.value = '';
      editor.showNew();
      await show([prefix()]);
    }

    function prefix(): Uint8Array {
      return crumbs.at(-1)?.prefix ?? new Uint8Array(0);
    }

    function directoryAt(found: Uint8Array): FoundDirectory | undefined {
      return directories.find((one) => compareKeys(one.prefix, found) === 0);
    }

    /** A directory's prefix says little; its path says what it is. */
    function named(entry: Entry): Entry {
      const found = entry.kind === 'group' ? directoryAt(entry.prefix) : undefined;
      return found === undefined ? entry : { ...entry, label: `${entry.label} · ${found.path.join('/')}` };
    }

    /** A key of the level that is shown, with the way to it. */
    function nameOf(key: Uint8Array): string {
      const way = crumbs.filter((crumb) => crumb.prefix.length > 0).map((crumb) => crumb.label);
      return [...way, showKey(key.subarray(prefix().length))].join(' ▸ ');
    }

    /** Where the typed key would be, in the level that is shown. */
    function begin(): Uint8Array {
      return clampInto(prefix(), joinBytes(prefix(), parseKey(from.value)));
    }

    /** The page that begins at the last of these positions. */
    async function show(positions: Uint8Array[]): Promise<void> {
      asked += 1;
      const question = asked;
      const beganMs = performance.now();
      const options = { isFlat: flat.checked, limit: PAGE_ROWS };
      const page = await readPage(opened.db, prefix(), positions.at(-1) ?? prefix(), options);
      // Another page has been asked for meanwhile.
      if (question !== asked) return;
      begins = positions;
      nextBegin = page.next;
      table.show(page.entries.map(named));
      table.mark(editor.chosen);
      previous.disabled = begins.length <= 1;
      next.disabled = nextBegin === undefined;
      showCrumbs();
      const noun = page.entries.length === 1 ? 'entry' : 'entries';
      const more = nextBegin === undefined ? '' : ', and more';
      status.textContent =
        `${integer(page.entries.length)} ${noun}${more}, read in ${duration(performance.now() - beganMs)}. ` +
        `In all ${byteSize(page.bytes)} of keys and values.`;
      const isTop = crumbs.length === 1;
      removeButton.hidden = page.entries.length === 0 && !(isTop && chosenDirectory !== undefined);
      removeButton.textContent =
        isTop && chosenDirectory !== undefined ? 'Remove the directory…' : 'Clear all of it…';
      await showStats();
    }

    function showCrumbs(): void {
      part(root, '#explorer-crumbs', HTMLElement).replaceChildren(
        ...crumbs.map((crumb, index) => {
          const level = crumbs.slice(0, index + 1);
          const isLast = index === crumbs.length - 1;
          const made = button(crumb.label, () => guard('Opening the subspace', () => goTo(level)), {
            class: 'crumb',
            title: `the keys that begin with ${showKey(crumb.prefix) || 'anything'}`,
          });
          if (isLast) made.setAttribute('aria-current', 'location');
          return element('li', {}, [made]);
        }),
      );
    }

    async function showStats(): Promise<void> {
      const stats = await opened.db.stats();
      const facts: [string, string][] = [
        ['keys', integer(stats.keyCount)],
        ['keys and values', byteSize(stats.keyValueBytes)],
        ['of that in pages', byteSize(stats.foldedKeyValueBytes)],
        ['log not in pages', `${integer(stats.logEntryCount)} entries, ${byteSize(stats.logBytes)}`],
        ['pages in memory', `${integer(stats.cachedPageCount)}, ${byteSize(stats.cacheBytes)}`],
        ['version', integer(stats.version)],
        ['watches', integer(stats.watchCount)],
      ];
      part(root, '#explorer-stats', HTMLElement).replaceChildren(
        ...facts.flatMap(([name, value]) => [element('dt', { text: name }), element('dd', { text: value })]),
      );
    }

    async function choose(key: Uint8Array): Promise<void> {
      const value = await opened.db.get(key);
      if (value === undefined) {
        await show(begins);
        status.textContent = 'This key is gone: somebody has cleared it.';
        return;
      }
      editor.showKey(key, value);
      table.mark(key);
      editor.focusValue();
    }

    async function save(
      key: { relative: Uint8Array } | { absolute: Uint8Array },
      value: Uint8Array,
    ): Promise<void> {
      const saved = 'absolute' in key ? key.absolute : joinBytes(prefix(), key.relative);
      if (saved.length === 0) throw new Error('a key of at least one byte was expected, found none');
      const beganMs = performance.now();
      await opened.db.set(saved, value);
      const took = duration(performance.now() - beganMs);
      editor.showKey(saved, value);
      await show(begins);
      status.textContent = `Saved ${showKey(saved)}; durable after ${took}.`;
    }

    async function clear(key: Uint8Array): Promise<void> {
      await opened.db.clear(key);
      editor.showNew();
      await show(begins);
      status.textContent = `Deleted ${showKey(key)}.`;
      part(root, '#explorer-new', HTMLButtonElement).focus();
    }

    /** The directory that is shown, or all keys of the level. */
    async function remove(): Promise<void> {
      const label = crumbs.map((crumb) => crumb.label).join(' ▸ ');
      if (crumbs.length === 1 && chosenDirectory !== undefined) {
        const { path } = chosenDirectory;
        const text = `${label}, its keys and all directories below it will be gone, in all tabs.`;
        if (!(await confirmed({ title: 'Remove the directory?', text, action: 'Remove it' }))) return;
        await removeDirectory(opened.db, path);
        chosenDirectory = undefined;
        await showDirectories();
        await goToDirectory(undefined);
        return;
      }
      const text = `Every key of ${label} will be cleared, in all tabs, in one transaction.`;
      if (!(await confirmed({ title: 'Clear all of it?', text, action: 'Clear it' }))) return;
      await opened.db.clearRange(prefix(), prefixEnd(prefix()));
      await showDirectories();
      await goTo(crumbs);
    }
  },
};

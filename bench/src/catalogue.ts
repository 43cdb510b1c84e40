/**
 * The contestants of the full benchmark, each in a module of its own that is loaded when it is called up. A page that
 * wants few of them imports those modules instead.
 */
import { type Contestant, type Durability, withPrefix } from './contestant.ts';

export interface Entry {
  title: string;
  /** The npm package, for its version; none for what the browser itself has. */
  package?: string;
  kind: 'plinth' | 'peer' | 'floor';
  durabilities: readonly Durability[];
  /** Does this part of the work only where each operation takes milliseconds. */
  share: number;
  /** Why it takes no part in some workloads, by their ids. */
  absent: Readonly<Record<string, string>>;
  load(): Promise<Contestant>;
}

const NO_WATCH = { W8: 'no watch' } as const;
const NO_DATABASE = { W5: 'in memory', W9: 'in memory' } as const;

export const catalogue = {
  plinth: {
    title: 'Plinth',
    package: 'plinthdb',
    kind: 'plinth',
    durabilities: ['strict', 'relaxed'],
    share: 1,
    absent: {},
    load: async () => {
      const [{ plinth }, module] = await Promise.all([import('./contestants/plinth.ts'), import('plinthdb')]);
      return plinth(module);
    },
  },
  'raw-indexeddb': {
    title: 'IndexedDB',
    kind: 'peer',
    durabilities: ['strict', 'relaxed'],
    share: 1,
    absent: { ...NO_WATCH },
    load: async () => (await import('./contestants/raw-indexeddb.ts')).rawIndexedDb,
  },
  'idb-keyval': {
    title: 'idb-keyval',
    package: 'idb-keyval',
    kind: 'peer',
    durabilities: ['relaxed'],
    share: 1,
    absent: { ...NO_WATCH, W4: 'no range reads', W7: 'no transactions of several keys' },
    load: async () => (await import('./contestants/idb-keyval.ts')).idbKeyval,
  },
  dexie: {
    title: 'Dexie',
    package: 'dexie',
    kind: 'peer',
    durabilities: ['strict', 'relaxed'],
    share: 1,
    absent: {},
    load: async () => (await import('./contestants/dexie.ts')).dexie,
  },
  'browser-level': {
    title: 'browser-level',
    package: 'browser-level',
    kind: 'peer',
    durabilities: ['relaxed'],
    share: 1,
    absent: { ...NO_WATCH, W6: 'no transactions', W7: 'no transactions' },
    load: async () => (await import('./contestants/browser-level.ts')).browserLevel,
  },
  sqlite: {
    title: 'SQLite (OPFS)',
    package: '@sqlite.org/sqlite-wasm',
    kind: 'peer',
    durabilities: ['strict', 'relaxed'],
    share: 1,
    absent: { ...NO_WATCH, W9: 'its fastest storage serves one tab' },
    load: async () => (await import('./contestants/sqlite.ts')).sqlite,
  },
  pglite: {
    title: 'PGlite',
    package: '@electric-sql/pglite',
    kind: 'peer',
    durabilities: ['strict', 'relaxed'],
    share: 0.01,
    absent: { 'W8 other tab': 'serves one tab', W9: 'serves one tab' },
    load: async () => (await import('./contestants/pglite.ts')).pglite,
  },
  map: {
    title: 'Map',
    kind: 'floor',
    durabilities: ['none'],
    share: 1,
    absent: { ...NO_WATCH, ...NO_DATABASE, W4: 'no order' },
    load: async () => (await import('./contestants/memory.ts')).map,
  },
  'sorted-btree': {
    title: 'sorted-btree',
    package: 'sorted-btree',
    kind: 'floor',
    durabilities: ['none'],
    share: 1,
    absent: { ...NO_WATCH, ...NO_DATABASE },
    load: async () => (await import('./contestants/memory.ts')).sortedBtree,
  },
} as const satisfies Record<string, Entry>;

export type ContestantName = keyof typeof catalogue;

export const contestantNames = Object.keys(catalogue) as ContestantName[];

export function entryOf(name: ContestantName): Entry {
  return catalogue[name];
}

/** The contestant, with databases of its own. */
export async function contestantOf(name: ContestantName): Promise<Contestant> {
  return withPrefix(`bench-${name}`, await entryOf(name).load());
}

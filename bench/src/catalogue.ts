/** The contestants of the full benchmark, each in a module of its own that is loaded when it is called up. */
import { type Contestant, withPrefix } from './contestant.ts';
import { type Entry, NO_WATCH } from './entry.ts';
import { overIndexedDb } from './over-indexeddb.ts';

const NO_DATABASE = { W5: 'in memory', W9: 'in memory' } as const;

export const catalogue = {
  ...overIndexedDb,
  'browser-level': {
    title: 'browser-level',
    package: 'browser-level',
    kind: 'peer',
    durabilities: ['relaxed'],
    share: 0.4,
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

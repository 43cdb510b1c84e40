/**
 * Contestants that keep their rows in IndexedDB and are a few kilobytes each: those that a page, too, lets compete for
 * whoever looks at it. Each is a module of its own that is loaded when it is called up.
 */
import { type Entry, NO_WATCH } from './entry.ts';

export const overIndexedDb = {
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
    share: 0.5,
    absent: { ...NO_WATCH, W4: 'no range reads', W7: 'no transactions of several keys' },
    load: async () => (await import('./contestants/idb-keyval.ts')).idbKeyval,
  },
  dexie: {
    title: 'Dexie',
    package: 'dexie',
    kind: 'peer',
    durabilities: ['strict', 'relaxed'],
    share: 0.4,
    absent: {},
    load: async () => (await import('./contestants/dexie.ts')).dexie,
  },
} as const satisfies Record<string, Entry>;

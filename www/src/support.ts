/** What Plinth needs of its surroundings, and what of it there is. */

/** Something that Plinth uses. */
export interface SupportedFeature {
  /** Its usual name, such as `IndexedDB`. */
  name: string;
  isSupported: boolean;
  /** Whether databases outside of memory can't be opened without it. */
  isNeeded: boolean;
  /** What goes wrong without it, and what to do about it. */
  why: string;
}

/** What there is. */
export interface Support {
  /** Whether everything that is needed is there, so that `open` works with any name. */
  isSupported: boolean;
  /** Everything that Plinth uses, what is needed first. */
  features: SupportedFeature[];
  /** Those that are not there. */
  missing: SupportedFeature[];
}

/**
 * A module with what the engine is compiled for besides the first version of WebAssembly: bulk memory, reference types,
 * sign extension and saturating conversions.
 */
const PROBE = 'AGFzbQEAAAABBwFgAn1/AX8DAgEABQMBAAEKGAEWAEEAQQBBAPwLANBvGiAA/AAaIAHACw==';

/**
 * Says what is missing here, and why it matters. Opens nothing and stores nothing.
 *
 * @example
 * ```ts
 * const { isSupported, missing } = await supported();
 * if (!isSupported) alert(missing.map(({ name, why }) => name + ': ' + why).join('\\n'));
 * ```
 */
export async function supported(): Promise<Support> {
  const features: SupportedFeature[] = [
    {
      name: 'WebAssembly',
      isSupported: canCompile(),
      isNeeded: true,
      why:
        'The engine is WebAssembly of the year 2022. A Content-Security-Policy has to allow it by ' +
        "'wasm-unsafe-eval' in script-src.",
    },
    {
      name: 'IndexedDB',
      isSupported: await hasIndexedDb(),
      isNeeded: true,
      why:
        'Databases are kept there. Node has none, nor have frames without an origin; browsers refuse it when storage ' +
        "is blocked for the site. Databases in memory work: names that begin with memory:, or the option fallback: 'memory'.",
    },
    {
      name: 'Web Locks',
      isSupported: typeof navigator !== 'undefined' && navigator.locks !== undefined,
      isNeeded: false,
      why:
        'A tab that is alone knows it by them, and reads from memory. Without them every transaction looks at the end ' +
        'of the log first. They need a secure context: https or localhost.',
    },
    {
      name: 'BroadcastChannel',
      isSupported: typeof BroadcastChannel !== 'undefined',
      isNeeded: false,
      why: 'Tabs tell each other of commits on it. Without it watches and subscriptions hear of them within a second.',
    },
    {
      name: 'StorageManager',
      isSupported: typeof navigator !== 'undefined' && typeof navigator.storage?.persist === 'function',
      isNeeded: false,
      why: 'persist and storageEstimate ask it. It needs a secure context: https or localhost.',
    },
  ];
  const missing = features.filter(({ isSupported }) => !isSupported);
  return { isSupported: missing.every(({ isNeeded }) => !isNeeded), features, missing };
}

/** A policy that forbids it lets modules be validated, but not compiled. */
function canCompile(): boolean {
  try {
    return new WebAssembly.Module(Uint8Array.from(atob(PROBE), (char) => char.charCodeAt(0))) !== undefined;
  } catch {
    return false;
  }
}

/** Where it is refused, touching it throws, or listing what is there fails. */
async function hasIndexedDb(): Promise<boolean> {
  try {
    if (typeof indexedDB === 'undefined' || indexedDB === null) return false;
    await indexedDB.databases?.();
    return true;
  } catch {
    return false;
  }
}

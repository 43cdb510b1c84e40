/** The room that the browser gives the site, and whether it may take back what is stored there. */

/** How much is stored, how much may be. */
export interface StorageSpace {
  /** Bytes that the whole site has stored, by the browser's own estimate. */
  usageBytes: number;
  /** Bytes that it may store. */
  quotaBytes: number;
  /** Whether the browser keeps them until the user says otherwise. */
  isPersistent: boolean;
}

/**
 * Asks the browser not to evict what the site has stored when disk space runs out, and tells whether it won't. Some
 * browsers ask the user; `false` where the question can't be asked.
 *
 * @example
 * ```ts
 * if (!(await persist())) console.log('keep a copy elsewhere');
 * ```
 */
export async function persist(): Promise<boolean> {
  const { storage } = navigatorOrNothing();
  if (typeof storage?.persist !== 'function') return false;
  return (await storage.persisted()) || storage.persist();
}

/**
 * How much the site has stored and may store; `undefined` where the browser does not tell. What was written a moment ago
 * may not be in it yet.
 *
 * @example
 * ```ts
 * const space = await storageEstimate();
 * if (space && space.usageBytes > 0.8 * space.quotaBytes) console.log('nearly full');
 * ```
 */
export async function storageEstimate(): Promise<StorageSpace | undefined> {
  const { storage } = navigatorOrNothing();
  if (typeof storage?.estimate !== 'function') return undefined;
  const [{ usage = 0, quota = 0 }, isPersistent] = await Promise.all([
    storage.estimate(),
    storage.persisted(),
  ]);
  return { usageBytes: usage, quotaBytes: quota, isPersistent };
}

/** Node has a navigator since version 21, without storage. */
function navigatorOrNothing(): { storage?: StorageManager } {
  return typeof navigator === 'undefined' ? {} : navigator;
}

/** FoundationDB's API version, which a program names before it opens anything. */
const MIN = 500;
const MAX = 730;

let chosen: number | undefined;

/**
 * Chooses the API version, once, before `open`: from 500 to 730. What differs between versions is the form
 * of the raw templates of versionstamps below 520; everything else behaves as in the newest.
 *
 * @example
 * ```ts
 * fdb.setAPIVersion(720);
 * ```
 */
export function setAPIVersion(version: number, _headerVersion?: number): void {
  if (typeof version !== 'number') {
    throw new TypeError(`an API version from ${MIN} to ${MAX} was expected, found ${typeof version}`);
  }
  if (!(version >= MIN && version <= MAX)) {
    throw new Error(`an API version from ${MIN} to ${MAX} was expected, found ${version}`);
  }
  setAPIVersionUnchecked(version);
}

/**
 * As {@link setAPIVersion}, for any version.
 *
 * @example
 * ```ts
 * fdb.setAPIVersionUnchecked(800);
 * ```
 */
export function setAPIVersionUnchecked(version: number): void {
  if (chosen !== undefined && chosen !== version) {
    throw new Error(`foundationdb already initialized with API version ${chosen}`);
  }
  chosen = version;
}

/** The version that was chosen. */
export function apiVersion(): number | undefined {
  return chosen;
}

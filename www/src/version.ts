/**
 * The number of a version, which is eight bytes, big-endian. -1 for "none".
 *
 * @example
 * ```ts
 * const number = versionNumber(await tn.getReadVersion());
 * ```
 */
export function versionNumber(version: Uint8Array): number {
  return Number(toBigInt(version));
}

/**
 * A number as a version: eight bytes, big-endian.
 *
 * @example
 * ```ts
 * tn.setReadVersion(versionBytes(10_000_000));
 * ```
 */
export function versionBytes(version: number | bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(version));
  return bytes;
}

/** The number of a version as the engine takes it. */
export function toBigInt(version: Uint8Array): bigint {
  if (!(version instanceof Uint8Array) || version.length !== 8) {
    const found = version instanceof Uint8Array ? `${version.length} bytes` : typeof version;
    throw new TypeError(`a version of 8 bytes was expected, found ${found}`);
  }
  return new DataView(version.buffer, version.byteOffset, 8).getBigInt64(0);
}

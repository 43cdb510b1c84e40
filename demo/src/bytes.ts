/** Text and JSON in and out of stored bytes. */

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
const STRICT_DECODER = new TextDecoder('utf-8', { fatal: true });

export function toBytes(text: string): Uint8Array<ArrayBuffer> {
  return ENCODER.encode(text);
}

export function toText(bytes: Uint8Array): string {
  return DECODER.decode(bytes);
}

export function fromJson<T>(bytes: Uint8Array): T {
  return JSON.parse(toText(bytes)) as T;
}

/** The key that follows `key` directly: where a range read goes on. */
export function keyAfter(key: Uint8Array): Uint8Array<ArrayBuffer> {
  const after = new Uint8Array(key.length + 1);
  after.set(key);
  return after;
}

/** A key as fdbcli prints it: what is no readable text becomes `\x00`. */
export function printable(key: Uint8Array): string {
  try {
    return STRICT_DECODER.decode(key).replaceAll('\0', '\\x00');
  } catch {
    return Array.from(key, (byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
    ).join('');
  }
}

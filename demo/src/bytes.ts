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
  let text: string;
  try {
    text = STRICT_DECODER.decode(key);
  } catch {
    // Not UTF-8, as the end of a range may be: byte by byte, then.
    text = String.fromCharCode(...key).replace(/[^ -~]/g, escaped);
  }
  return text.replace(/\p{Cc}/gu, escaped);
}

function escaped(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

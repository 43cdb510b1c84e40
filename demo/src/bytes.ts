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

/** The order of keys: below zero if `first` comes before `second`, zero if they are the same. */
export function compareKeys(first: Uint8Array, second: Uint8Array): number {
  const length = Math.min(first.length, second.length);
  for (let index = 0; index < length; index += 1) {
    const difference = (first[index] ?? 0) - (second[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return first.length - second.length;
}

export function isInRange(key: Uint8Array, begin: Uint8Array, end: Uint8Array): boolean {
  return compareKeys(begin, key) <= 0 && compareKeys(key, end) < 0;
}

/** Two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/\s/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) {
    throw new Error(`an even number of hex digits was expected, found ${text}`);
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** The keys that begin with a prefix end before this one; after all `ff` comes the end of all keys. */
export function prefixEnd(prefix: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = prefix.findLastIndex((byte) => byte !== 0xff) + 1;
  if (length === 0) return Uint8Array.of(0xff);
  const end = prefix.slice(0, length);
  end[length - 1] = (end[length - 1] ?? 0) + 1;
  return end;
}

export function joinBytes(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return compareKeys(bytes.subarray(0, prefix.length), prefix) === 0;
}

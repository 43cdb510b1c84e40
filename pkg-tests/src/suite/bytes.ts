/** Bytes as tests like to write and read them. */

export type Row = [Uint8Array, Uint8Array];

/** The exclusive end of the ordinary key space. */
export const END_OF_KEYS = Uint8Array.of(0xff);

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

export function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : decoder.decode(bytes);
}

/** Rows as pairs of strings, so that a failed comparison can be read. */
export function rowTexts(rows: readonly Row[]): [string, string][] {
  return rows.map(([key, value]) => [decoder.decode(key), decoder.decode(value)]);
}

export function keyTexts(rows: readonly Row[]): string[] {
  return rows.map(([key]) => decoder.decode(key));
}

export function hex(bytes: Uint8Array): string {
  let digits = '';
  for (const byte of bytes) digits += byte.toString(16).padStart(2, '0');
  return digits;
}

export function fromHex(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length / 2);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16);
  }
  return bytes;
}

/** `row00017`: fixed width, so that byte order is number order. */
export function numbered(prefix: string, number: number): string {
  return `${prefix}${String(number).padStart(5, '0')}`;
}

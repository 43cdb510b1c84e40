/** Bytes as people read and write them: text, tuple, integer or hex. */

import { fromHex, joinBytes, toBytes, toHex } from '../bytes';
import { parseTuple, showTuple } from './tuple-text';

export const FORMATS = ['text', 'tuple', 'integer', 'hex'] as const;
export type Format = (typeof FORMATS)[number];

const STRICT_DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const INTEGER_BYTES = 8;

/** `undefined` if these bytes can't be shown so that the same bytes come back. */
export function showAs(format: Format, bytes: Uint8Array): string | undefined {
  switch (format) {
    case 'text':
      return plainText(bytes);
    case 'tuple':
      return showTuple(bytes);
    case 'integer':
      return bytes.length === INTEGER_BYTES ? String(view(bytes).getBigInt64(0, true)) : undefined;
    case 'hex':
      return toHex(bytes).replace(/(..)(?=.)/g, '$1 ');
  }
}

export function parseAs(format: Format, text: string): Uint8Array {
  switch (format) {
    case 'text':
      return toBytes(text);
    case 'tuple':
      return parseTuple(text);
    case 'integer': {
      if (!/^-?\d+$/.test(text.trim())) throw new Error(`an integer was expected, found ${text}`);
      const bytes = new Uint8Array(INTEGER_BYTES);
      view(bytes).setBigInt64(0, BigInt(text.trim()), true);
      return bytes;
    }
    case 'hex':
      return fromHex(text);
  }
}

/** The format in which these bytes say most. */
export function guessFormat(bytes: Uint8Array): Format {
  if (plainText(bytes) !== undefined) return 'text';
  return (['tuple', 'integer'] as const).find((format) => showAs(format, bytes) !== undefined) ?? 'hex';
}

/** In the format in which they say most. */
export function show(bytes: Uint8Array): string {
  return showAs(guessFormat(bytes), bytes) ?? '';
}

function plainText(bytes: Uint8Array): string | undefined {
  try {
    const text = STRICT_DECODER.decode(bytes);
    return /[^\P{C}\n\t\r]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** A key, or what is left of it: a tuple, or text in which `\x00` stands for a byte. */
export function showKey(bytes: Uint8Array): string {
  return guessFormat(bytes) === 'tuple' ? (showTuple(bytes) ?? '') : escaped(bytes);
}

/** What `showKey` shows: in square brackets a tuple, otherwise text with `\x00`. */
export function parseKey(text: string): Uint8Array {
  if (text.startsWith('[')) return parseTuple(text);
  let key: Uint8Array = new Uint8Array(0);
  for (const [part = ''] of text.matchAll(/\\x[0-9a-f]{2}|\\\\|\\|[^\\]+/gi)) {
    const bytes = part.startsWith('\\x') ? fromHex(part.slice(2)) : toBytes(part === '\\\\' ? '\\' : part);
    key = joinBytes(key, bytes);
  }
  return key;
}

function escaped(bytes: Uint8Array): string {
  const asByte = (character: string): string =>
    `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`;
  try {
    return STRICT_DECODER.decode(bytes)
      .replaceAll('\\', '\\\\')
      .replace(/\p{Cc}/gu, asByte);
  } catch {
    // Not UTF-8: byte by byte, then.
    return Array.from(bytes, (byte) => String.fromCharCode(byte))
      .join('')
      .replaceAll('\\', '\\\\')
      .replace(/[^ -~]/g, asByte);
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

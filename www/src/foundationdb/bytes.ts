/** Bytes as a program for the npm package `foundationdb` gets them: Buffers, where there are any. */
import type { BytesLike } from '../bytes.js';

/** `Buffer` in a program that has its types, as those of Node; else `Uint8Array`. */
export type Bytes = typeof globalThis extends { Buffer: { alloc(size: number): infer B extends Uint8Array } }
  ? B
  : Uint8Array;

/** What keys and values are given as. */
export type NativeValue = BytesLike;

interface BufferClass {
  from(bytes: Uint8Array): Uint8Array;
  from(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array;
}

/** So many bytes a JavaScript engine keeps without an ArrayBuffer; to ask for one costs more than a copy. */
const COPIED_BYTES_MAX = 64;

/**
 * The same bytes as a Buffer, if there is a global `Buffer`: that of Node, or one that a bundler or the
 * program brings along. Looked up at each call, since a page may bring it after this module was loaded.
 */
export function toBuffer(bytes: Uint8Array): Bytes {
  const { Buffer } = globalThis as { Buffer?: BufferClass | undefined };
  if (!Buffer || bytes.constructor === (Buffer as unknown)) return bytes as Bytes;
  const isCopied = bytes.length <= COPIED_BYTES_MAX;
  return (isCopied ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)) as Bytes;
}

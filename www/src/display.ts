/** Bytes as people read them in messages: printable ASCII as it is, the rest as `\xNN`, cut at 64 bytes. */
export function display(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes.subarray(0, 64)) {
    if (byte === 0x5c) text += '\\\\';
    else if (byte >= 0x20 && byte <= 0x7e) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return bytes.length > 64 ? `${text}… (${bytes.length} bytes)` : text;
}

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const FOR_URLS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/*
 * RFC 4648, written here because some runtimes of this core lack `btoa` and `atob`, and `atob` accepts non-canonical texts. Each
 * reader accepts only the one text that its writer makes of the same bytes, so that no second text passes as the same link or key.
 */

/** Encodes by section 4 of RFC 4648, with padding. */
export function toBase64(bytes: Uint8Array): string {
  const digits = write(bytes, STANDARD);
  return digits.padEnd(Math.ceil(digits.length / 4) * 4, '=');
}

/** Encodes by section 5 of RFC 4648 for URLs, without padding. */
export const toBase64Url = (bytes: Uint8Array): string => write(bytes, FOR_URLS);

/** Decodes only the one text that {@link toBase64} makes of these bytes; `undefined` for any other text. */
export function fromBase64(text: string): Uint8Array | undefined {
  const bytes = read(text.replace(/={1,2}$/, ''), STANDARD);
  return bytes !== undefined && toBase64(bytes) === text ? bytes : undefined;
}

/** Decodes only the one text that {@link toBase64Url} makes of these bytes; `undefined` for any other text. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  const bytes = read(text, FOR_URLS);
  return bytes !== undefined && toBase64Url(bytes) === text ? bytes : undefined;
}

function write(bytes: Uint8Array, digits: string): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const chunk = bytes.subarray(i, i + 3);
    const bits = ((chunk[0] as number) << 16) | ((chunk[1] ?? 0) << 8) | (chunk[2] ?? 0);
    for (let digit = 0; digit <= chunk.length; digit++) text += digits[(bits >> (18 - 6 * digit)) & 63] as string;
  }
  return text;
}

function read(text: string, digits: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  for (let i = 0, at = 0; i < text.length; i++) {
    const digit = digits.indexOf(text[i] as string);
    if (digit === -1) return undefined;
    bits = (bits << 6) | digit;
    if (i % 4 > 0) bytes[at++] = (bits >> (6 - 2 * (i % 4))) & 255;
  }
  return bytes;
}

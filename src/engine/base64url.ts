const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** RFC 4648, section 5, without padding. Written here because `btoa` is not in every realm that has this core. */
export function toBase64Url(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const chunk = bytes.subarray(i, i + 3);
    const bits = ((chunk[0] as number) << 16) | ((chunk[1] ?? 0) << 8) | (chunk[2] ?? 0);
    for (let digit = 0; digit <= chunk.length; digit++) text += DIGITS[(bits >> (18 - 6 * digit)) & 63] as string;
  }
  return text;
}

/** Only the one text that {@link toBase64Url} makes of these bytes; `undefined` for any other. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  for (let i = 0, at = 0; i < text.length; i++) {
    const digit = DIGITS.indexOf(text[i] as string);
    if (digit === -1) return undefined;
    bits = (bits << 6) | digit;
    if (i % 4 > 0) bytes[at++] = (bits >> (6 - 2 * (i % 4))) & 255;
  }
  return toBase64Url(bytes) === text ? bytes : undefined;
}

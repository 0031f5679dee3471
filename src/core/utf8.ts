/**
 * Made at the first use, never at import: jsdom under Jest has no encoder, and some runtimes refuse constructors at module scope.
 */
let encoder: TextEncoder | undefined;
let decoder: TextDecoder | undefined;

/** The UTF-8 bytes of a text. */
export function toUtf8(text: string): Uint8Array<ArrayBuffer> {
  return (encoder ??= new TextEncoder()).encode(text);
}

/** Decodes strictly: exactly the text that was encoded, with its byte order mark. @throws TypeError for bytes that are not UTF-8 */
export function fromUtf8(bytes: ArrayBufferView): string {
  return (decoder ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })).decode(bytes);
}

import { toUtf8 } from '../../core/utf8.js';

const SLOTS = 16_384;

/** The Cluster slot of a key: CRC-16/XMODEM of its hash tag, or of the whole key if it has none. */
export function slotOf(key: string): number {
  const [, tag = key] = /^[^{]*\{([^}]+)\}/.exec(key) ?? [];
  let crc = 0;
  for (const byte of toUtf8(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % SLOTS;
}

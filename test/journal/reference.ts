import { createHash } from 'node:crypto';
import type { AuditEntry } from '../../src/records/index.js';

/*
 * The chain of the design, implemented a second time with Node's SHA-256 and by hand from RFC 8785, so that a fault
 * in the libraries or in their use cannot agree with itself.
 */

const sha256 = (...parts: readonly (string | Buffer)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/** Section 3.2: literals and strings as JSON.stringify writes them, members by the UTF-16 code units of their names. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => compareUnits(a, b));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}

function compareUnits(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a.charCodeAt(i) !== b.charCodeAt(i)) return a.charCodeAt(i) - b.charCodeAt(i);
  }
  return a.length - b.length;
}

export function referenceDigest({ digest: _, seq: __, prevHash: ___, hash: ____, ...rest }: AuditEntry): string {
  return sha256(canonical(rest));
}

export function referenceHash(prevHash: string, seq: number, digest: string): string {
  const place = Buffer.alloc(8);
  place.writeUInt32BE(Math.floor(seq / 2 ** 32), 0);
  place.writeUInt32BE(seq % 2 ** 32, 4);
  return sha256(Buffer.from(prevHash, 'hex'), place, Buffer.from(digest, 'hex'));
}

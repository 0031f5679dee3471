import { sha256 } from '@noble/hashes/sha2.js';
import { builtinModule } from './builtin.js';

type Hash = (algorithm: 'sha256', data: Uint8Array, encoding: 'hex') => string;

const inJavaScript: Hash = (_, data) => Array.from(sha256(data), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Loaded at the first hash and not at import, because loading `node:crypto` takes longer than importing the core. */
let chosen: Hash | undefined;

/** SHA-256 as 64 lower-case hex digits. Synchronous, unlike Web Crypto, so that a store awaits nothing while it holds a head. */
export function sha256Hex(data: Uint8Array): string {
  return (chosen ??= choose())('sha256', data, 'hex');
}

/**
 * Chooses the runtime's own SHA-256, which is several times faster. A runtime may lack it, be built without it, or have a
 * polyfill in its place, so its answer is compared with that of the portable one.
 */
function choose(): Hash {
  try {
    const { hash } = builtinModule('node:crypto') as { readonly hash: Hash };
    const probe = new Uint8Array(1);
    if (hash('sha256', probe, 'hex') === inJavaScript('sha256', probe, 'hex')) return hash;
  } catch {
    // No built-in hash that works.
  }
  return inJavaScript;
}

import { fromBase64Url, toBase64Url } from '../../core/base64.js';
import { LinkError } from '../../core/errors.js';
import type { ParsedMacKey } from '../../core/mac-keys.js';
import { isId } from '../../core/parse.js';
import { isDuration } from '../../core/duration.js';
import { canonicalJson } from '../../journal/link.js';
import { areEqualBytes, macOf } from '../../core/mac.js';
import { isInstant } from '../../core/instant.js';
import { toUtf8 } from '../../core/utf8.js';

/** A key that signs approval links. */
export interface LinkKey {
  /** 1-64 of `[A-Za-z0-9_-]`. Each token contains it, so that keys can be rotated. */
  readonly id: string;
  /** At least 32 random bytes. A string counts by its UTF-8 bytes. */
  readonly secret: string | Uint8Array;
}

/** The content of a token: which reviewer may give which decision on which request, and until when. */
export interface ApprovalLink {
  readonly namespace: string;
  readonly requestId: string;
  /** A digest of the ask and its creation time, so that the token is not valid for a later request with the same id. */
  readonly askDigest: string;
  readonly reviewer: string;
  readonly decision: 'approve' | 'deny';
  /** Epoch milliseconds. */
  readonly issuedAt: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** When the reviewer had last reviewed before the link was created; `undefined`: not yet. Epoch milliseconds. */
  readonly reviewedAt: number | undefined;
  /** The window to which the approval narrows the request, in milliseconds. `undefined`: as requested. */
  readonly ttlMs: number | undefined;
  /**
   * The scopes to which the approval narrows the request, by their places in it, from 1. `askDigest` fixes the scopes themselves, and
   * 50 long scopes would not fit in a URL. `undefined`: all requested scopes.
   */
  readonly places: readonly number[] | undefined;
}

/** Three ids of 256 characters, escaped, and the other fields fit. A longer token was not made by this package. */
const MAX_TOKEN = 16_384;

/** The token is `<key id>.<content>.<HMAC-SHA-256 of both>`, in base64url, which needs no escaping in a URL. */
export function signLink(key: ParsedMacKey, link: ApprovalLink): string {
  const { namespace, requestId, askDigest, reviewer, decision, issuedAt, expiresAt, reviewedAt = null, ttlMs = null, places } = link;
  const kept = places === undefined ? null : [...places];
  const text = canonicalJson([namespace, requestId, askDigest, reviewer, decision, issuedAt, expiresAt, reviewedAt, ttlMs, kept]);
  const signed = `${key.id}.${toBase64Url(toUtf8(text))}`;
  return `${signed}.${toBase64Url(macOf(key.secret, PURPOSE + signed))}`;
}

/** Separates link signatures from other uses of the same key: no other signed text can pass for a link. */
const PURPOSE = 'jit-access approval link 1: ';

/**
 * Parses and verifies a token. Each link has exactly one valid text.
 *
 * @throws LinkError
 */
export function readLink(keys: readonly ParsedMacKey[], token: unknown): ApprovalLink {
  const parts = typeof token === 'string' && token.length <= MAX_TOKEN ? token.split('.') : [];
  const [keyId, said = '', mac = ''] = parts;
  const bytes = fromBase64Url(said);
  const given = fromBase64Url(mac);
  if (parts.length !== 3 || bytes === undefined || given === undefined) throw new LinkError('malformed', undefined);
  const key = keys.find(({ id }) => id === keyId);
  if (key === undefined || !areEqualBytes(macOf(key.secret, `${PURPOSE}${key.id}.${said}`), given))
    throw new LinkError('signature', undefined);
  const link = parse(bytes);
  if (link === undefined) throw new LinkError('malformed', undefined);
  return link;
}

/** The signature is valid, so this package wrote the text. But another version may have written it in another form. */
function parse(bytes: Uint8Array): ApprovalLink | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.length !== 10) return undefined;
  const [namespace, requestId, askDigest, reviewer, decision, issuedAt, expiresAt, reviewed, ttlMs, places] = value as unknown[];
  const isSound =
    typeof namespace === 'string' &&
    isId(requestId) &&
    isId(askDigest) &&
    isId(reviewer) &&
    (decision === 'approve' || decision === 'deny') &&
    isInstant(issuedAt) &&
    isInstant(expiresAt) &&
    (reviewed === null || isInstant(reviewed)) &&
    (ttlMs === null || isDuration(ttlMs)) &&
    (places === null || (Array.isArray(places) && places.length > 0 && places.every(Number.isSafeInteger)));
  if (!isSound) return undefined;
  const narrowing = { ttlMs: ttlMs ?? undefined, places: (places ?? undefined) as readonly number[] | undefined };
  return { namespace, requestId, askDigest, reviewer, decision, issuedAt, expiresAt, reviewedAt: reviewed ?? undefined, ...narrowing };
}

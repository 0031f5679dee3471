import { readOptions } from '../../input.js';
import { areEqualBytes } from '../../journal/mac.js';
import type { Clock, JsonObject } from '../../ports.js';
import type { EntryType } from '../../records.js';
import { formatDuration, readDuration, type Duration } from '../../time.js';
import { WebhookError } from './errors.js';
import { readKeeper } from './keeper.js';
import { readSecrets, signatureOf } from './signature.js';

/** What a webhook of `webhookSink` says. */
export interface WebhookPayload {
  readonly type: EntryType;
  /** When it happened: ISO 8601 in UTC. */
  readonly timestamp: string;
  /** The entry without its place in the chain. */
  readonly data: {
    readonly namespace: string;
    readonly id: string;
    readonly seq: number;
    /** Epoch milliseconds. */
    readonly at: number;
    readonly actor: string;
    readonly requestId?: string | undefined;
    readonly grantId?: string | undefined;
    readonly data: JsonObject;
  };
}

export interface WebhookToVerify {
  /** As it came, byte for byte: not parsed and written again. */
  readonly body: string | Uint8Array;
  /** `Headers`, or an object with lower-case names, as `node:http` has it. */
  readonly headers: { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** One match suffices. */
  readonly secrets: readonly string[];
  /** Default: the machine's clock. */
  readonly clock?: Clock | undefined;
  /** How far the clocks may differ, and how long a webhook may be under way. Default: 5 minutes. */
  readonly toleranceMs?: Duration | undefined;
}

/**
 * For receivers: proves that a webhook comes from whoever has the secret, and is not an old one.
 *
 * Gotcha: within the tolerance it may be replayed, and repeats are normal: remember `id`, and do each once.
 *
 * @returns the `webhook-id`, and the body
 * @throws WebhookError `why: 'malformed' | 'signature' | 'stale'`: answer 400 or 401, and do nothing
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` when secrets, clock or tolerance are wrong
 * @example
 * const { id, payload } = verifyWebhook({ body: await request.text(), headers: request.headers, secrets });
 */
export function verifyWebhook(options: WebhookToVerify): { readonly id: string; readonly payload: WebhookPayload } {
  const given = readOptions('options', options, ['body', 'headers', 'secrets', 'clock', 'toleranceMs']);
  const keys = readSecrets('secrets', given.secrets);
  const { now } = readKeeper('clock', given.clock).read();
  const toleranceMs = readDuration('toleranceMs', given.toleranceMs ?? 300_000);
  const [id, seconds, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => headerOf(given.headers, name));
  const body = textOf(given.body);
  if (!id || !/^\d{1,12}$/.test(seconds ?? '') || !signatures || body === undefined)
    throw new WebhookError('malformed', 'this is no webhook: a header is missing, or the body is not text');
  const isSigned = keys
    .map((key) => utf8.encode(signatureOf(key, id, seconds as string, body)))
    // All are looked at, whichever fits.
    .map((wanted) => signatures.split(' ').filter((signature) => areEqualBytes(wanted, utf8.encode(signature))).length > 0)
    .includes(true);
  if (!isSigned) throw new WebhookError('signature', 'this webhook is not signed with a secret that is known here');
  if (Math.abs(now - Number(seconds) * 1_000) > toleranceMs)
    throw new WebhookError('stale', `this webhook was sent more than ${formatDuration(toleranceMs)} ago, or from the future`);
  return { id, payload: parse(body) };
}

const utf8 = new TextEncoder();

function headerOf(headers: unknown, name: string): string | undefined {
  const all = Object(headers) as Record<string, unknown>;
  const value: unknown = typeof all['get'] === 'function' ? (headers as Headers).get(name) : Object.hasOwn(all, name) && all[name];
  return typeof value === 'string' ? value : undefined;
}

/** Strictly UTF-8: what is signed is what is read. */
function textOf(body: unknown): string | undefined {
  if (typeof body === 'string') return body;
  try {
    return ArrayBuffer.isView(body) ? new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body) : undefined;
  } catch {
    return undefined;
  }
}

function parse(body: string): WebhookPayload {
  try {
    return JSON.parse(body) as WebhookPayload;
  } catch {
    throw new WebhookError('malformed', 'the body of this webhook is no JSON');
  }
}

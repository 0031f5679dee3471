import { invalid, readOptions } from '../../core/parse.js';
import { areEqualBytes } from '../../core/mac.js';
import type { JsonObject } from '../../core/json.js';
import type { Clock } from '../../core/ports.js';
import type { EntryType } from '../../records/index.js';
import { formatDuration, readDuration, type Duration } from '../../core/duration.js';
import { WebhookError } from './errors.js';
import { readClock } from '../../core/time.js';
import { parseClock } from './clock.js';
import { readSecrets, signatureOf } from './signature.js';

/** What a webhook of `webhookSink` says. */
export interface WebhookPayload {
  readonly type: EntryType;
  /** When it happened: ISO 8601 in UTC. */
  readonly timestamp: string;
  readonly data: WebhookEntry | WithheldWebhookEntry;
}

/** The entry without its place in the chain. */
export interface WebhookEntry {
  readonly withheld?: undefined;
  readonly namespace: string;
  readonly id: string;
  readonly seq: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly actor: string;
  readonly requestId?: string | undefined;
  readonly grantId?: string | undefined;
  readonly data: JsonObject;
  readonly digest?: undefined;
  readonly hash?: undefined;
}

/**
 * An entry without any text that a caller chose: this receiver has refused it, or the sink has `texts: 'digest'`. The
 * journal has all of it, under `seq`; `digest` and `hash` prove which entry it is.
 */
export interface WithheldWebhookEntry {
  readonly withheld: true;
  readonly namespace: string;
  readonly id: string;
  readonly seq: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** SHA-256 of the whole entry, in hex. */
  readonly digest: string;
  /** The journal's chain up to this entry, in hex. */
  readonly hash: string;
  readonly actor?: undefined;
  readonly requestId?: undefined;
  readonly grantId?: undefined;
  readonly data?: undefined;
}

export interface WebhookToVerify {
  /** As it came, byte for byte: not parsed and written again. */
  readonly body: string | Uint8Array;
  /** `Headers`, or an object by name, as `node:http` has it. */
  readonly headers: { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** One match suffices. */
  readonly secrets: readonly string[];
  /** Default: the machine's clock. */
  readonly clock?: Clock | undefined;
  /** How far the clocks may differ, and how long a webhook may be under way. Default: 5 minutes. */
  readonly tolerance?: Duration | undefined;
}

/**
 * For receivers: proves that a webhook comes from whoever has the secret, and is not an old one.
 *
 * Gotcha: within the tolerance it may be replayed, and repeats are normal: remember `id`, and do each once.
 *
 * @returns the `webhook-id`, and the body
 * @throws WebhookError `why: 'malformed' | 'signature' | 'stale'`: answer 400 or 401, and do nothing
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` when the body is no text and no bytes (it was parsed), or secrets, clock or tolerance are wrong
 * @example
 * const { id, payload } = verifyWebhook({ body: await request.text(), headers: request.headers, secrets });
 */
export function verifyWebhook(options: WebhookToVerify): { readonly id: string; readonly payload: WebhookPayload } {
  const given = readOptions('options', options, ['body', 'headers', 'secrets', 'clock', 'tolerance']);
  const keys = readSecrets('secrets', given.secrets);
  const now = readClock(parseClock('clock', given.clock));
  const toleranceMs = readDuration('tolerance', given.tolerance ?? 300_000);
  const { body: raw } = given;
  if (typeof raw !== 'string' && !ArrayBuffer.isView(raw))
    throw invalid('body', 'the text or the bytes as they came, before a parser has had them', raw);
  const [id, seconds, signatures] = HEADERS.map((name) => readHeader(given.headers, name)) as [string, string, string];
  if (!/^\d{1,12}$/.test(seconds)) throw new WebhookError('malformed', 'this is no webhook: its webhook-timestamp is no number of seconds');
  // Before the signature: an old webhook, or a forged one, costs no hash of its body.
  if (Math.abs(now - Number(seconds) * 1_000) > toleranceMs)
    throw new WebhookError('stale', `this webhook was sent more than ${formatDuration(toleranceMs)} ago, or from the future`);
  const body = textOf(raw);
  if (body === undefined) throw new WebhookError('malformed', 'this is no webhook: its body is not UTF-8');
  const isSigned = keys
    .map((key) => utf8.encode(signatureOf(key, id, seconds, body)))
    // All are looked at, whichever fits.
    .map((wanted) => signatures.split(' ').filter((signature) => areEqualBytes(wanted, utf8.encode(signature))).length > 0)
    .includes(true);
  if (!isSigned) throw new WebhookError('signature', 'this webhook is not signed with a secret that is known here');
  return { id, payload: parse(body) };
}

const utf8 = new TextEncoder();

const HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;

/** From `Headers`, or from an object, where a name may be written in whatever case. */
function readHeader(headers: unknown, name: string): string {
  const all = Object(headers) as Record<string, unknown>;
  const key = Object.keys(all).find((one) => one.toLowerCase() === name);
  const value: unknown = typeof all['get'] === 'function' ? (headers as Headers).get(name) : key !== undefined && all[key];
  if (typeof value === 'string' && value !== '') return value;
  throw new WebhookError('malformed', `this is no webhook: it has no header ${name}`);
}

/** Strictly UTF-8: what is signed is what is read. */
function textOf(body: string | ArrayBufferView): string | undefined {
  if (typeof body === 'string') return body;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
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

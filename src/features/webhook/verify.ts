import { invalid, readOptions } from '../../core/parse.js';
import { areEqualBytes } from '../../core/mac.js';
import type { JsonObject } from '../../model/json.js';
import type { Clock } from '../../core/ports.js';
import type { EntryType } from '../../records/index.js';
import { formatDuration, readWindow, type Duration } from '../../core/duration.js';
import { WebhookError } from './errors.js';
import { readClock } from '../../core/clock.js';
import { fromUtf8, toUtf8 } from '../../core/utf8.js';
import { parseClock } from './clock.js';
import { readSecrets, signatureOf } from './signature.js';

/** The body of a webhook of `webhookSink`. */
export interface WebhookPayload {
  /** The type of the entry, such as `grant.issued`. */
  readonly type: EntryType;
  /** When it happened: ISO 8601 in UTC. */
  readonly timestamp: string;
  /** The entry, or what proves it if its texts are withheld. */
  readonly data: WebhookEntry | WithheldWebhookEntry;
}

/** The entry, without its hashes in the chain. */
export interface WebhookEntry {
  /** Absent: the texts are there. */
  readonly withheld?: undefined;
  /** The namespace of the entry. */
  readonly namespace: string;
  /** The id of the entry. */
  readonly id: string;
  /** The number of the entry in its journal, from 1. */
  readonly seq: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Who made the change: a caller, or a part of the engine such as `system:approver`. */
  readonly actor: string;
  /** The request that the entry is about. `undefined`: none. */
  readonly requestId?: string | undefined;
  /** The grant that the entry is about. `undefined`: none. */
  readonly grantId?: string | undefined;
  /** The data of the entry, by its type. */
  readonly data: JsonObject;
  /** Absent: only an entry with withheld texts has it. */
  readonly digest?: undefined;
  /** Absent: only an entry with withheld texts has it. */
  readonly hash?: undefined;
}

/**
 * An entry without any text that a caller chose, because the receiver refused the full form or the sink has `texts:
 * 'digest'`. The journal has the whole entry, under `seq`; `digest` and `hash` prove which entry it is.
 */
export interface WithheldWebhookEntry {
  /** Always `true`: the texts are omitted. */
  readonly withheld: true;
  /** The namespace of the entry. */
  readonly namespace: string;
  /** The id of the entry. */
  readonly id: string;
  /** The number of the entry in its journal, from 1. */
  readonly seq: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** SHA-256 of the whole entry, in hex. */
  readonly digest: string;
  /** The hash of the journal's chain up to this entry, in hex. */
  readonly hash: string;
  /** Omitted, as every text that a caller chose. */
  readonly actor?: undefined;
  /** Omitted, as every text that a caller chose. */
  readonly requestId?: undefined;
  /** Omitted, as every text that a caller chose. */
  readonly grantId?: undefined;
  /** Omitted, as every text that a caller chose. */
  readonly data?: undefined;
}

export interface WebhookToVerify {
  /** The body as it was received, byte for byte: not parsed and serialised again. */
  readonly body: string | Uint8Array;
  /** `Headers`, or an object by name, as in `node:http`. */
  readonly headers: { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The signature must match one of them. */
  readonly secrets: readonly string[];
  /** The clock that the timestamp is compared with. Default: the system clock. */
  readonly clock?: Clock | undefined;
  /** The tolerance for clock differences and delivery time. Default: 5 minutes. */
  readonly tolerance?: Duration | undefined;
}

/**
 * For receivers: proves that a webhook was sent by a holder of the secret, and is not old.
 *
 * Gotcha: within the tolerance a webhook may be replayed, and repeats are normal. Remember `id`, and process each id once.
 *
 * @returns the `webhook-id`, and the body
 * @throws WebhookError `why: 'malformed' | 'signature' | 'stale'`: answer 400 or 401, and do nothing
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` when the body is neither text nor bytes (it was parsed), or
 *   secrets, clock or tolerance are wrong
 * @example
 * const { id, payload } = verifyWebhook({ body: await request.text(), headers: request.headers, secrets });
 */
export function verifyWebhook(options: WebhookToVerify): { readonly id: string; readonly payload: WebhookPayload } {
  const given = readOptions('options', options, ['body', 'headers', 'secrets', 'clock', 'tolerance']);
  const keys = readSecrets('secrets', given.secrets);
  const now = readClock(parseClock('clock', given.clock));
  const toleranceMs = readWindow('tolerance', given.tolerance ?? 300_000);
  const { body: raw } = given;
  if (typeof raw !== 'string' && !ArrayBuffer.isView(raw))
    throw invalid('body', 'the raw text or bytes as received, not a parsed body', raw);
  const [id, seconds, signatures] = HEADERS.map((name) => readHeader(given.headers, name)) as [string, string, string];
  if (!/^\d{1,12}$/.test(seconds)) throw new WebhookError('malformed', 'invalid webhook: webhook-timestamp is not a number of seconds');
  // Checked before the signature, so that an old or forged webhook does not cost a hash of its body.
  if (Math.abs(now - Number(seconds) * 1_000) > toleranceMs)
    throw new WebhookError(
      'stale',
      `this webhook was sent more than ${formatDuration(toleranceMs)} ago, or its timestamp is in the future: check the clocks`,
    );
  const body = textOf(raw);
  if (body === undefined) throw new WebhookError('malformed', 'invalid webhook: the body is not UTF-8');
  const isSigned = keys
    .map((key) => toUtf8(signatureOf(key, id, seconds, body)))
    // Compares with every signature, so that the time does not depend on which one matches.
    .map((wanted) => signatures.split(' ').filter((signature) => areEqualBytes(wanted, toUtf8(signature))).length > 0)
    .includes(true);
  if (!isSigned) throw new WebhookError('signature', 'invalid webhook: no signature matches any of the secrets');
  return { id, payload: parse(body) };
}

const HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;

/** Reads from `Headers`, or from an object, whose names may be in any case. */
function readHeader(headers: unknown, name: string): string {
  const all = Object(headers) as Record<string, unknown>;
  const key = Object.keys(all).find((one) => one.toLowerCase() === name);
  const value: unknown = typeof all['get'] === 'function' ? (headers as Headers).get(name) : key !== undefined && all[key];
  if (typeof value === 'string' && value !== '') return value;
  throw new WebhookError('malformed', `invalid webhook: the header ${name} is missing`);
}

/** Decodes strict UTF-8, so that the text that is parsed is exactly the text that was signed. */
function textOf(body: string | ArrayBufferView): string | undefined {
  if (typeof body === 'string') return body;
  try {
    return fromUtf8(body);
  } catch {
    return undefined;
  }
}

function parse(body: string): WebhookPayload {
  try {
    return JSON.parse(body) as WebhookPayload;
  } catch {
    throw new WebhookError('malformed', 'invalid webhook: the body is not JSON');
  }
}

import { show } from '../../core/parse.js';
import { canonicalJson } from '../../journal/link.js';
import { isWithheld } from '../../followers/refused-entry.js';
import type { AuditEntry } from '../../records/index.js';
import type { Clock } from '../../core/ports.js';
import { readClock } from '../../core/clock.js';
import { within } from '../../core/timers.js';
import { WebhookError } from './errors.js';
import { MAX_PAUSE_MS, readRetryAfter } from './retry-after.js';
import { signatureOf } from './signature.js';
import type { Target } from './target.js';

/** After 30 seconds another process may take the page over. The last call of a page begins early enough to end before that. */
const WRITE_MS = 25_000;
export const MAX_TIMEOUT_MS = 20_000;
/** Statuses that concern the receiver, its address or the signing key, and never the content of an entry. */
const NEVER_REFUSALS: readonly number[] = [401, 404, 405, 407, 408, 410, 429];
/** How long the sink pauses after a 410. Then it tries again, because the 410 may have been a mistake. */
const GONE_MS = 3_600_000;

/** The part of `fetch` that a webhook needs. */
export type WebhookFetch = (url: string, init: WebhookCall) => Promise<WebhookReply>;

export interface WebhookCall {
  /** The method of the call. */
  readonly method: 'POST';
  /** The headers by name, with the signature. */
  readonly headers: Readonly<Record<string, string>>;
  /** The payload as JSON. The signature covers these bytes. */
  readonly body: string;
  /** No redirect is followed: it would send the entry to another address. */
  readonly redirect: 'manual';
  /** Aborts when the call takes too long. */
  readonly signal: AbortSignal;
}

export interface WebhookReply {
  /** The status of the receiver's answer. */
  readonly status: number;
  /** The headers of the answer. */
  readonly headers: { get(name: string): string | null };
  /** The body, which is not read. */
  readonly body?: { cancel(): Promise<void> } | null;
}

/** The parts of a reply that are used. */
interface Answer {
  readonly status: number;
  /** The `Retry-After` header, not validated. */
  readonly retryAfter: unknown;
}

interface SenderSettings {
  readonly name: string;
  readonly target: Target;
  readonly keys: readonly Uint8Array[];
  readonly fetch: WebhookFetch | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Whether every entry is sent in its withheld form. */
  readonly withholds: boolean;
}

/** Posts entries, one at a time, and observes the pauses that the receiver asks for. */
export class Sender {
  readonly #settings: SenderSettings;
  readonly #who: string;
  #paused: WebhookError | undefined;

  constructor(settings: SenderSettings) {
    this.#settings = settings;
    this.#who = `webhook ${settings.name} (${settings.target.origin})`;
  }

  now(): number {
    return readClock(this.#settings.clock);
  }

  /**
   * Resolves when the receiver has accepted the entry.
   *
   * @param begunAt when the write of its page began, in epoch milliseconds
   */
  async post(entry: AuditEntry, begunAt: number): Promise<void> {
    const now = this.now();
    this.#keepPause(now);
    if (now - begunAt + this.#settings.timeoutMs > WRITE_MS)
      throw this.#error('unfinished', `used up the time of one write; the next one starts with ${which(entry)}`);
    const answer = await this.#call(entry, now);
    if (answer.status >= 200 && answer.status < 300) return;
    this.#paused = this.#refusal(answer, entry, this.now());
    throw this.#paused;
  }

  #keepPause(now: number): void {
    const { status, retryAt = 0, why, message } = this.#paused ?? {};
    // A pause that lies too far ahead was computed before the clock was set back.
    if (!(now < retryAt && retryAt <= now + MAX_PAUSE_MS)) return;
    if (why === 'gone') throw new WebhookError(why, String(message), status, retryAt);
    throw this.#error('waiting', `asked not to be called before ${iso(retryAt)}; the sink waits`, status, retryAt);
  }

  async #call(entry: AuditEntry, now: number): Promise<Answer> {
    const { target, keys, fetch, timeoutMs, clock, withholds } = this.#settings;
    const body = withholds || isWithheld(entry) ? withheldBodyOf(entry) : bodyOf(entry);
    const seconds = String(Math.floor(now / 1_000));
    const stop = new AbortController();
    const headers = {
      'content-type': 'application/json',
      'webhook-id': entry.id,
      'webhook-timestamp': seconds,
      'webhook-signature': keys.map((key) => signatureOf(key, entry.id, seconds, body)).join(' '),
    };
    const init = { method: 'POST', headers, body, redirect: 'manual', signal: stop.signal } as const;
    const timeout = () => this.#error('timeout', `did not answer within ${timeoutMs} ms to ${which(entry)}; the sink retries it`);
    try {
      const call = async () => (fetch === undefined ? globalThis.fetch(target.href, init) : fetch(target.href, init));
      const reply = await within(clock, timeoutMs, call, timeout);
      const { status, body: said } = reply;
      // Discards the body: an unread body would keep the connection in use.
      Promise.resolve()
        .then(() => said?.cancel())
        .catch(() => undefined);
      // A custom `fetch` may return any value; only an integer is a status.
      if (!Number.isInteger(status)) throw this.#error('status', `answered without a status to ${which(entry)}; the sink retries it`);
      return { status, retryAfter: status === 429 || status === 503 ? retryAfterIn(reply) : undefined };
    } catch (error) {
      stop.abort();
      if (error instanceof WebhookError) throw error;
      // Not attached as the cause, because a fetch error may contain the whole address.
      throw this.#error('unreachable', `could not be reached (${problemOf(error)}) for ${which(entry)}; the sink retries it`);
    }
  }

  #refusal({ status, retryAfter }: Answer, entry: AuditEntry, now: number): WebhookError {
    const { name } = this.#settings;
    // A browser reports a redirect that it does not follow as status 0.
    if (status === 0 || (status >= 300 && status < 400))
      return this.#error('redirect', `answered with a redirect, which the sink never follows: set url to the new address`, status);
    if (status === 410) {
      const again = now + GONE_MS;
      const advice = `remove this sink and call removeSink(engine, '${name}'), or it blocks every purge`;
      return this.#error('gone', `answered 410 (gone): ${advice}. The sink tries again after ${iso(again)}`, status, again);
    }
    const retryAt = readRetryAfter(retryAfter, now);
    const then = retryAt === undefined ? '' : `, not before ${iso(retryAt)}`;
    const hint = status === 401 || status === 403 ? ' (does the receiver have the signing key?)' : '';
    const isRefusal = status >= 400 && status < 500 && !NEVER_REFUSALS.includes(status);
    const problem = `answered ${status}${hint} to ${which(entry)}; the sink retries it${then}`;
    return this.#error('status', problem, status, retryAt, isRefusal ? entry.id : undefined);
  }

  #error(why: WebhookError['why'], what: string, status?: number, retryAt?: number, refusedEntry?: string): WebhookError {
    return new WebhookError(why, `${this.#who} ${what}`, status, retryAt, refusedEntry);
  }
}

/** The headers may be missing or throw. Only the status matters then. */
function retryAfterIn({ headers }: WebhookReply): unknown {
  try {
    return headers.get('retry-after');
  } catch {
    return undefined;
  }
}

/** Canonical JSON, so that a repeat has the same bytes, in any order of fields that a store returns. */
function bodyOf({ type, at, namespace, id, seq, actor, requestId, grantId, data }: AuditEntry): string {
  return canonicalJson({ type, timestamp: iso(at), data: { namespace, id, seq, at, actor, requestId, grantId, data } });
}

/** The form without any text that a caller chose. It is enough to find the entry in the journal, and to prove which entry it is. */
function withheldBodyOf({ type, at, namespace, id, seq, digest, hash }: AuditEntry): string {
  return canonicalJson({ type, timestamp: iso(at), data: { withheld: true, namespace, id, seq, at, digest, hash } });
}

const iso = (at: number): string => new Date(at).toISOString();

const which = ({ id, type, seq }: AuditEntry): string => `entry ${show(id)} (${show(type)}, seq ${seq})`;

/** The error's code, which Node's fetch has in `cause`; otherwise its name. */
function problemOf(error: unknown): string {
  try {
    const { code, name, cause } = error as { code?: unknown; name?: unknown; cause?: { code?: unknown } | undefined };
    return [cause?.code, code, name].filter((word) => typeof word === 'string').find((word) => /^\w{1,40}$/.test(word)) ?? 'unknown';
  } catch {
    return 'no error was given';
  }
}

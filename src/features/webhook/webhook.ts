import { invalid, readId, readOptions } from '../../core/parse.js';
import type { AuditSink, Clock } from '../../core/ports.js';
import type { AuditEntry, EntryType } from '../../records/index.js';
import { readDuration, type Duration } from '../../core/duration.js';
import { PageProgress } from '../../followers/page-progress.js';
import { readEntryTypes } from './entry-types.js';
import { parseClock } from './clock.js';
import { MAX_TIMEOUT_MS, Sender, type WebhookFetch } from './sender.js';
import { readSecrets } from './signature.js';
import { readTarget } from './target.js';

export interface WebhookSinkOptions {
  /** Stands for the destination, the same after a restart: sinks of one name share one cursor across the fleet. */
  readonly name: string;
  /** Configuration, never somebody's input: https, without credentials. http only to this machine. */
  readonly url: string;
  /** `whsec_` and 24-64 random bytes in base64. Each signs: to change one, put the new one beside it until the receiver knows it. */
  readonly secrets: readonly string[];
  /** Only entries of these types. Default: all. */
  readonly types?: readonly EntryType[] | undefined;
  /**
   * `'digest'`: each entry is posted in its withheld form, with no text that a caller chose. `'all'`: only an entry that
   * the receiver has refused five times is. Default: `'all'`.
   */
  readonly texts?: 'all' | 'digest' | undefined;
  /** Default: the runtime's own, as it is at each call. */
  readonly fetch?: WebhookFetch | undefined;
  /** How long one call may take, at most 20 seconds. Default: 10 seconds. */
  readonly timeout?: Duration | undefined;
  /** Default: the machine's clock. Pass the engine's where that has another. */
  readonly clock?: Clock | undefined;
}

/**
 * A sink that posts each entry to a URL, in the form of the Standard Webhooks specification 1.0.0: signed, time-stamped,
 * retried.
 *
 * Guarantees:
 * - Each entry is posted at least once, in the journal's order, one at a time, until it is answered with 2xx; a repeat
 *   has the same `webhook-id` and the same body, and a `webhook-timestamp` of its own.
 * - A redirect is never followed. `Retry-After` of a 429 or 503 is kept to, up to a day.
 * - Neither a secret nor more of the URL than its origin is in an error.
 *
 * - An entry that the receiver refuses (a 4xx other than 401, 404, 405, 407, 408, 410 and 429) is posted five times, then
 *   in its withheld form: type, instant, namespace, id, seq, digest, hash and `withheld: true`. Only if the receiver takes
 *   that, the next entry follows; `onError` and `flushAudit` name the entry.
 *
 * Gotcha: any other failure holds up all entries behind it. Let the receiver answer 2xx to what it has no use for.
 * Gotcha: it begins at the journal's start.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`; `write` rejects with a `WebhookError`, told to `onError`
 * @example
 * webhookSink({ name: 'siem', url: 'https://siem.example/jit', secrets: [secret], types: ['grant.issued'] });
 */
export function webhookSink(options: WebhookSinkOptions): AuditSink {
  const {
    name: givenName,
    url,
    secrets,
    types: givenTypes,
    texts = 'all',
    fetch,
    timeout = 10_000,
    clock,
  } = readOptions('options', options, ['name', 'url', 'secrets', 'types', 'texts', 'fetch', 'timeout', 'clock']);
  const name = readId('name', givenName);
  if (fetch !== undefined && typeof fetch !== 'function') throw invalid('fetch', 'a function', fetch);
  if (texts !== 'all' && texts !== 'digest') throw invalid('texts', "'all' or 'digest'", texts);
  const types = readEntryTypes('types', givenTypes);
  const sender = new Sender({
    name,
    target: readTarget('url', url),
    keys: readSecrets('secrets', secrets),
    fetch: fetch as WebhookFetch | undefined,
    timeoutMs: readTimeout(timeout),
    clock: parseClock('clock', clock),
    withholds: texts === 'digest',
  });
  const progress = new PageProgress();
  return Object.freeze({
    name,
    follow: 'shared',
    async write(entries: readonly AuditEntry[]): Promise<void> {
      const begunAt = sender.now();
      await progress.through(entries, async (entry) => {
        if (types === undefined || types.has(entry.type)) await sender.post(entry, begunAt);
      });
    },
  });
}

function readTimeout(value: unknown): number {
  const ms = readDuration('timeout', value);
  if (ms > MAX_TIMEOUT_MS) throw invalid('timeout', `at most ${MAX_TIMEOUT_MS} ms`, ms);
  return ms;
}

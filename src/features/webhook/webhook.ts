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
  /** Identifies the destination, also after a restart: sinks of one name share one cursor across the fleet. */
  readonly name: string;
  /** Must come from configuration, never from user input: https, without credentials. http only to this machine. */
  readonly url: string;
  /**
   * `whsec_` and 24-64 random bytes in base64. Every secret signs. To rotate, add the new secret, and drop the old one when
   * the receiver knows the new one.
   */
  readonly secrets: readonly string[];
  /** Only entries of these types. Default: all. */
  readonly types?: readonly EntryType[] | undefined;
  /**
   * `'digest'`: each entry is posted in its withheld form, with no text that a caller chose. `'all'`: only an entry that the
   * receiver has refused five times is posted in that form. Default: `'all'`.
   */
  readonly texts?: 'all' | 'digest' | undefined;
  /** Sends a call. Default: `globalThis.fetch`, read at each call. */
  readonly fetch?: WebhookFetch | undefined;
  /** How long one call may take, at most 20 seconds. Default: 10 seconds. */
  readonly timeout?: Duration | undefined;
  /** The clock that stamps the calls. Pass the engine's clock if it has another. Default: the system clock. */
  readonly clock?: Clock | undefined;
}

/**
 * A sink that posts each entry to a URL, as defined by the Standard Webhooks specification 1.0.0: signed, time-stamped and
 * retried.
 *
 * Guarantees:
 * - Each entry is posted at least once, in the journal's order, one at a time, until the answer is 2xx. A repeat has the
 *   same `webhook-id` and body, and its own `webhook-timestamp`.
 * - A redirect is never followed. The sink obeys `Retry-After` of a 429 or 503, up to a day.
 * - An error contains no secret, and of the URL only the origin.
 * - An entry that the receiver refuses (a 4xx other than 401, 404, 405, 407, 408, 410 and 429) is posted five times, then in
 *   its withheld form: type, instant, namespace, id, seq, digest, hash and `withheld: true`. The next entry follows only
 *   after the receiver has accepted that form. `onError` and `flushAudit` name the entry.
 *
 * Gotcha: any other failure delays all later entries. Let the receiver answer 2xx to entries that it does not need.
 * Gotcha: the sink begins at the journal's start.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`; `write` rejects with a `WebhookError`, which the engine reports
 *   to `onError`
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

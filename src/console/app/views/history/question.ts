import type { AccessClient } from '../../../../client.js';
import type { GrantWithStatus } from '../../../../index.js';
import type { Console } from '../../frame/console.js';
import type { Query } from '../../frame/router.js';
import { instantIn, spanIn, toAddress, type Span } from './span.js';
import type { AnyPage } from './use-pages.js';

/** What a history is about. */
export type Topic = { readonly scope: string } | { readonly person: string } | { readonly all: true };

/** A question about the past. Its address is {@link addressOf}. */
export interface Question {
  readonly topic: Topic;
  readonly span: Span;
  /** The instant at which a scope was held: in the span. */
  readonly at: number;
}

/** What an address without a topic is about: all access, or the caller's own, for which no right is needed. */
export const widestTopic = ({ permits, caller }: Pick<Console, 'permits' | 'caller'>): Topic =>
  permits('history') ? { all: true } : { person: caller };

/**
 * The question of an address.
 *
 * @param widest its topic, if the address has none
 * @param now by the clock of the service
 */
export function questionIn(query: URLSearchParams, widest: Topic, now: number): Question {
  const [scope, person] = [query.get('scope')?.trim(), query.get('person')?.trim()];
  const topic = scope ? { scope } : person ? { person } : query.get('all') === 'true' ? { all: true as const } : widest;
  const span = spanIn(query, now);
  const at = instantIn(query.get('at')) ?? span.to;
  // The end of a span does not belong to it.
  return { topic, span, at: Math.min(Math.max(at, span.from), span.to - 1) };
}

/** The filters of the address of a question. {@link questionIn} reads them. */
export function addressOf({ topic, span, at }: Question): Query {
  return {
    ...('all' in topic ? { all: 'true' } : topic),
    from: toAddress(span.from),
    to: toAddress(span.to),
    ...('scope' in topic && { at: toAddress(at) }),
  };
}

/** A page of the grants that were held at some time of the span, the newest first. */
export function readHeld(
  client: AccessClient,
  { topic, span }: Question,
  after: string | undefined,
  signal: AbortSignal,
  limit = 500,
): PromiseLike<AnyPage<GrantWithStatus>> {
  const options = { signal, people: true };
  if ('person' in topic) return client.listGrants({ subject: topic.person, during: span, after, limit }, options);
  return client.history({ ...span, ...('scope' in topic && { scope: topic.scope }), after, limit }, options);
}

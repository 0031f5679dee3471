import type { AccessClient } from '../../../../client.js';
import type { GrantWithStatus } from '../../../../index.js';
import { isPattern, patternScopes } from '../../../../internal/page.js';
import type { Console } from '../../frame/console.js';
import type { Query } from '../../frame/router.js';
import { t } from '../../frame/messages.js';
import { instantIn, spanIn, toAddress, type Span } from './span.js';
import type { AnyPage } from './use-pages.js';

/** What a history is about: one exact scope, the scopes that {@link patternsOf} a text reach, a person, or everything. */
export type Topic = { readonly scope: string } | { readonly pattern: string } | { readonly person: string } | { readonly all: true };

/** A topic of which it is asked who could use it at an instant. */
export type ScopeTopic = Extract<Topic, { readonly scope: string } | { readonly pattern: string }>;

export const isOfScope = (topic: Topic): topic is ScopeTopic => 'scope' in topic || 'pattern' in topic;

/** The patterns of a text: one with a wildcard as it is, and a scope with everything below it. None, if the text is neither. */
export const patternsOf = (text: string): readonly string[] => (text.includes('*') ? [text] : [text, `${text}:**`]).filter(isPattern);

/** A text that is no pattern is sent as it is, and refused: without any, the answer would be about everything. */
const selectionOf = (topic: ScopeTopic) => {
  if ('scope' in topic) return topic;
  const patterns = patternsOf(topic.pattern);
  return { pattern: patterns.length > 0 ? patterns : topic.pattern };
};

/** Whether a grant allows only a part of what is asked about. */
export const isPart = (topic: Topic, scope: string): boolean =>
  'pattern' in topic && !patternsOf(topic.pattern).some((pattern) => patternScopes.covers(scope, pattern));

/** What a topic selects, in words. */
export function topicText(topic: ScopeTopic): string {
  if ('scope' in topic) return topic.scope;
  return t(topic.pattern.includes('*') ? 'history.reaching' : 'history.below', { scope: topic.pattern });
}

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
  const [scope, pattern, person] = ['scope', 'pattern', 'person'].map((name) => query.get(name)?.trim());
  const all = query.get('all') === 'true' ? { all: true as const } : widest;
  const topic = scope ? { scope } : pattern ? { pattern } : person ? { person } : all;
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
    ...(isOfScope(topic) && { at: toAddress(at) }),
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
  return client.history({ ...span, ...(isOfScope(topic) && selectionOf(topic)), after, limit }, options);
}

/** A page of the grants that allowed a scope at an instant, the newest first. @param at not in the future by the clock of the service */
export const readHolders = (
  client: AccessClient,
  topic: ScopeTopic,
  at: number,
  after: string | undefined,
  signal: AbortSignal,
): PromiseLike<AnyPage<GrantWithStatus>> =>
  client.whoHadAccess({ ...selectionOf(topic), at, after, limit: 1_000 }, { signal, people: true });

/** The question of a file, with times in UTC: about its instant, or about its span. */
export function questionText({ topic, span, at }: Question, isInstant: boolean): string {
  const [from, to] = [toAddress(span.from), toAddress(span.to)];
  if ('all' in topic) return t('history.csvAll', { from, to });
  if (isOfScope(topic) && isInstant) return t('history.csvWho', { what: topicText(topic), at: toAddress(at) });
  return t('history.csvHeld', { what: isOfScope(topic) ? topicText(topic) : topic.person, from, to });
}

import { effectiveEnd } from '../../../../internal/page.js';
import type { MessageKey } from '../../frame/messages.js';
import type { RequestRead } from './read.js';

/** What a request is to the viewer now, in a sentence. */
export interface Now {
  readonly key: MessageKey;
  /** The instant in the sentence. Epoch milliseconds. */
  readonly time: number;
  /** Whether it counts down to that instant. */
  readonly counts: boolean;
}

/** @param item the request in the inbox of the viewer; `undefined`: the viewer cannot review it now */
export function nowOf({ found: { request, grants, outcome }, item }: Pick<RequestRead, 'found' | 'item'>, viewer: string): Now {
  const { end, reviewBy, quorum } = request;
  if (outcome === 'pending') {
    const key = item !== undefined ? 'request.now.review' : quorum === undefined ? 'request.now.rules' : 'request.now.pending';
    return { key, time: reviewBy, counts: true };
  }
  const own = request.subject === viewer ? '.own' : '';
  if (outcome === 'granted') {
    const active = grants.filter(({ status }) => status === 'active').map(({ expiresAt }) => expiresAt);
    if (active.length > 0) return { key: `request.now.held${own}`, time: Math.max(...active), counts: true };
    const starts = grants.filter(({ status }) => status === 'scheduled').map(({ startsAt }) => startsAt);
    return { key: `request.now.later${own}`, time: Math.min(...starts), counts: false };
  }
  const ends = outcome === 'ended' ? grants.map((grant) => effectiveEnd(grant)) : [end?.at ?? reviewBy];
  return { key: `request.now.${outcome}`, time: Math.max(...ends), counts: false };
}

/**
 * What happens between the end of the access and the decision about its extension. `undefined`: nothing is to be decided.
 *
 * @param at now. Epoch milliseconds
 */
export function gapOf({ outcome, request: { extension } }: RequestRead['found'], at: number): Pick<Now, 'key' | 'time'> | undefined {
  if (outcome !== 'pending' || extension === undefined) return undefined;
  return { key: at < extension.from ? 'request.gap.ahead' : 'request.gap.begun', time: extension.from };
}

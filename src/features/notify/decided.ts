import type { EntryType, REQUEST_ENDS, Review } from '../../records/index.js';
import {
  asking,
  concerned,
  duration,
  idLine,
  partOf,
  people,
  remarkLine,
  requestOf,
  textIn,
  textsIn,
  windowOf,
  type NoticeRecords,
} from './notice-texts.js';
import type { Message, Phrase } from './notice.js';
import { name, names, say, words } from './phrase.js';
import { isDuration } from '../../core/duration.js';

type Ends = typeof REQUEST_ENDS;
/** Every end with its cause, such as `denied quorum`. Break-glass has a notice of its own. */
type RequestOutcome = Exclude<{ [Status in keyof Ends]: `${Status} ${Ends[Status][number]}` }[keyof Ends], 'approved break_glass'>;

const OUTCOMES: Readonly<Record<RequestOutcome, (by: Phrase) => Phrase>> = {
  'approved approver': () => say`was approved automatically`,
  'approved quorum': (by) => say`was approved (final approval: ${by})`,
  'denied approver': () => say`was denied`,
  'denied quorum': (by) => say`was denied by ${by}`,
  'denied abstained': () => say`was denied: no rule covers it`,
  'denied ineligible': () => say`was denied: the subject is no longer eligible`,
  'denied limit': () => say`was denied: a limit was reached`,
  'cancelled cancelled': (by) => say`was cancelled by ${by}`,
  'cancelled amended': (by) => say`was amended by ${by}: another request replaces it, and its reviews do not count`,
  'cancelled overtaken': (by) => say`was cancelled: ${by} has taken break-glass access to its scopes`,
  'cancelled revoked': (by) => say`was cancelled: ${by} revoked it`,
  'cancelled locked': (by) => say`was cancelled: ${by} locked its subject or its scope`,
  'cancelled origin_ended': () => say`was cancelled: the grant that it would extend was ended early`,
  'expired time': () => say`expired: no reviewer decided it in time`,
};

/** Says how a request has ended, other than by break-glass. */
export function requestEnded(about: NoticeRecords): Message {
  const { entry, request } = about;
  const end = partOf(entry.data, 'end');
  const status = (entry.type as Extract<EntryType, `request.${string}`>).slice('request.'.length);
  const outcome = `${status} ${textIn(end, 'cause') ?? ''}`;
  const by = name(textIn(end, 'by') ?? entry.actor);
  const how = Object.hasOwn(OUTCOMES, outcome) ? OUTCOMES[outcome as RequestOutcome](by) : say`has ended: ${words(status)}`;
  const rule = textIn(entry.data, 'rule');
  const replacedBy = textIn(entry.data, 'replacedBy');
  return {
    kind: 'decided',
    // The reviewers of an amended request learn that they must review again.
    people: replacedBy === undefined ? concerned(request) : people(...concerned(request), ...(request?.reviews ?? []).map(reviewerOf)),
    groups: [],
    headline: say`${requestOf(about)} ${how}`,
    details: [
      remarkLine('reason', textIn(end, 'reason')),
      rule === undefined ? undefined : say`rule: ${name(rule)}`,
      status === 'approved' ? narrowedTo(about) : undefined,
      status === 'approved' ? windowOf(about) : undefined,
      ...asking(request),
      replacedBy === undefined ? undefined : say`replaced by: ${name(replacedBy)}`,
      idLine('request', entry.requestId),
    ],
  };
}

/** The access that the reviewers have left of the request. */
function narrowedTo({ entry, request }: NoticeRecords): Phrase | undefined {
  const granted = partOf(partOf(entry.data, 'end'), 'granted');
  const [scopes, { ttlMs }] = [textsIn(granted, 'scopes'), granted];
  const isLess = request === undefined || scopes.length < request.scopes.length || ttlMs !== request.ttlMs;
  return isLess && scopes.length > 0 && isDuration(ttlMs) ? say`granted: ${names(scopes)}, for ${duration(ttlMs)}` : undefined;
}

const reviewerOf = ({ reviewer }: Review): string => reviewer;

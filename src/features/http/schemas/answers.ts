import type { AccessPreview } from '../../explain/preview.js';
import type { RequiredField } from '../../../core/approver-port.js';
import type { Page } from '../../../core/ports.js';
import { RISKS } from '../../../core/requestable.js';
import type { AccessResult, AccessStatus, AccessWindow, EndedRecords, InboxItem, RevokeAllReport } from '../../../engine/answers.js';
import type { EndCounts } from '../../../engine/endings/count-ends.js';
import type { LockResult } from '../../../engine/endings/locks.js';
import type { RequestFound } from '../../../engine/lists/lookups.js';
import type { CommentResult } from '../../../engine/requests/comments.js';
import type { RecentDenial } from '../../../lifecycle/same-ask.js';
import { anyText, count, flag, instant, list, oneOf, optional, pattern, struct, text, whole, type Field } from '../../../records/fields.js';
import type { MissingApprovals } from '../../../records/index.js';
import { lock } from '../../../records/lock.js';
import { granted, quorum, review } from '../../../records/review.js';
import type { CanAsk } from '../../explain/can-ask.js';
import type { Requestable, RequestableList } from '../../explain/requestable-types.js';
import type { LinkPreview } from '../../links/options.js';
import { PAGE_ACTIONS, type HttpAction } from '../actions.js';
import type { Badge } from '../badge.js';
import type { ListedReview } from '../break-glass-review.js';
import type { Changing } from '../changes-at.js';
import type { Holdings, InboxPage } from '../holdings.js';
import type { ExcludedReviewer, RequestReviewers } from '../reviewers.js';
import type { FoundPerson, Person } from '../person.js';
import type { TimelineEvent } from '../timeline.js';
import { about, either, named, partOf, words } from './json-schema.js';
import { accessRequest, askProblem, comment, endedRequest, grant, listedRequest, lockWithStatus, outcome } from './records.js';

/* The bodies of the answers. The compiler compares each with the type that the engine or a feature returns. */

/** All fields of a union. A variant that lacks a field has `undefined`. */
export type Flat<T> = {
  readonly [Name in T extends unknown ? keyof T : never]: T extends unknown ? (Name extends keyof T ? T[Name] : undefined) : never;
};

const ofPage = <T>(item: Field<T>) => ({
  items: list(item),
  next: about('The `after` of the next page. Missing: this is the last.', optional(text)),
});
const page = <T>(item: Field<T>) => struct<Page<T>>()(ofPage(item));

const ofChanging = {
  changesAt: about('The next instant at which time alone may change a status that this shows. Missing: none.', optional(instant)),
};
const changingPage = <T>(item: Field<T>) => struct<Page<T> & Changing>()({ ...ofPage(item), ...ofChanging });

const texts = list(text);
const scopes = list(pattern);

const ofResult = {
  outcome,
  allowed: about('Whether a grant of the request allows at this reading.', flag),
  reused: about('Whether an earlier call made the request.', flag),
  differs: about('The fields in which a reused request differs from this call.', list(words<AccessResult['differs'][number]>())),
  request: accessRequest,
  grants: optional(list(grant)),
  reason: optional(anyText),
  reviewers: about('The possible reviewers of a pending request. Missing: they cannot be listed.', optional(texts)),
};

export const result = named('AccessResult', struct<Flat<AccessResult>>()(ofResult));

type Refused = Extract<AccessPreview, { readonly outcome: 'refused' }>;

/** The answer of an ask, which may be a dry run. */
export const askAnswer = either<AccessResult | AccessPreview>(
  result,
  struct<Flat<Exclude<AccessPreview, Refused>>>()({ ...ofResult, dryRun: oneOf(true) }),
  struct<Refused>()({ dryRun: oneOf(true), outcome: oneOf('refused'), code: words(), reason: anyText, problems: list(askProblem) }),
);

export const me = named(
  'Me',
  struct<AccessStatus & { readonly badge: Badge }>()({
    subject: text,
    at: instant,
    standing: scopes,
    locks: list(lock),
    held: list(grant),
    scheduled: list(grant),
    windows: list(struct<AccessWindow>()({ grantId: text, scope: pattern, startsAt: instant, endsAt: instant })),
    changesAt: optional(instant),
    badge: struct<Badge>()({ state: oneOf('read-only', 'held', 'ending'), text }),
  }),
);

const requestable = struct<Requestable>()({
  scope: pattern,
  title: optional(anyText),
  description: optional(anyText),
  risk: optional(oneOf(...RISKS)),
  outcome: oneOf('approve', 'review', 'break_glass'),
  approver: text,
  rule: optional(text),
  except: scopes,
  locked: flag,
  patterns: flag,
  minTtlMs: whole,
  maxTtlMs: whole,
  maxStartAheadMs: whole,
  needs: struct<Requestable['needs']>()({
    justification: flag,
    ticket: optional(either<true | string>(oneOf(true), text)),
    fields: list(
      struct<RequiredField>()({ field: text, title: optional(anyText), values: optional(list(anyText)), form: optional(anyText) }),
    ),
  }),
  quorum: optional(quorum),
  quorumInWords: optional(text),
  afterReview: optional(struct<NonNullable<Requestable['afterReview']>>()({ groups: texts, withinMs: whole })),
  reviewers: optional(texts),
  usualWaitMs: optional(whole),
  breakGlass: flag,
});

export const requestables = named('Requestable', struct<RequestableList>()({ items: list(requestable), complete: flag, at: instant }));

export const canAsk = named(
  'CanAsk',
  struct<CanAsk>()({
    canAsk: flag,
    outcome: oneOf('granted', 'pending', 'requirements', 'denied', 'ineligible', 'locked'),
    rule: optional(text),
    reason: optional(anyText),
    problems: list(askProblem),
    subject: text,
    scope: pattern,
    at: instant,
  }),
);

export const views = named(
  'Views',
  struct<{ readonly actions: readonly HttpAction[]; readonly patterns: boolean; readonly breakGlass?: boolean | undefined }>()({
    actions: list(oneOf<readonly HttpAction[]>(...PAGE_ACTIONS)),
    patterns: flag,
    breakGlass: optional(flag),
  }),
);

const ofPerson = { name: text, detail: optional(text), avatarUrl: optional(text) };
/** A person in `people` of a read. */
export const person = named('Person', struct<Person>()(ofPerson));
export const foundPeople = struct<{ readonly items: readonly FoundPerson[] }>()({
  items: list(named('FoundPerson', struct<FoundPerson>()({ id: text, ...ofPerson }))),
});

export const found = named(
  'RequestFound',
  struct<RequestFound & Changing>()({ request: accessRequest, outcome, grants: list(grant), comments: list(comment), ...ofChanging }),
);

const event = struct<TimelineEvent>()({
  at: instant,
  type: about('As in the journal, such as request.reviewed.', text),
  by: optional(text),
  grantId: optional(text),
  scope: optional(pattern),
  verdict: optional(text),
  cause: optional(text),
  text: optional(anyText),
});

export const timeline = named('Timeline', struct<{ readonly events: readonly TimelineEvent[] }>()({ events: list(event) }));

const missing = list(struct<MissingApprovals>()({ group: text, approvals: count, alternative: whole, step: whole }));

export const reviewers = named(
  'Reviewers',
  struct<RequestReviewers & Changing>()({
    ...ofChanging,
    groups: texts,
    reviewers: about('The possible reviewers who can still act. Missing: they cannot be listed.', optional(texts)),
    missing,
    missingInWords: optional(text),
    excluded: about(
      'Why a listed reviewer does not count. Missing for the subject and the requester.',
      optional(
        list(
          struct<ExcludedReviewer>()({
            reviewer: text,
            why: oneOf('own_request', 'has_denied', 'has_approved', 'not_in_group', 'not_your_step', 'locked'),
          }),
        ),
      ),
    ),
  }),
);

const inboxItem = named(
  'InboxItem',
  struct<InboxItem>()({
    request: accessRequest,
    groups: texts,
    locked: flag,
    missing,
    missingInWords: text,
    narrowedTo: optional(granted),
    ownReview: optional(review),
    comments: list(comment),
    denials: list(struct<RecentDenial>()({ by: text, at: instant, reason: optional(anyText), requestId: text, requestedBy: text, scopes })),
    twins: texts,
  }),
);
const holdings = struct<Holdings>()({ subject: text, grants: list(grant), more: flag });
export const inboxPage = struct<InboxPage>()({
  ...ofPage(inboxItem),
  ...ofChanging,
  holdings: optional(list(holdings)),
  risks: optional(list(struct<NonNullable<InboxPage['risks']>[number]>()({ requestId: text, risk: optional(oneOf(...RISKS)) }))),
});

export const commentAnswer = struct<CommentResult>()({ comment, reused: flag });
export const requestPage = page(listedRequest);
export const grantPage = changingPage(grant);

const ofEnded = { grants: list(grant), requests: list(endedRequest) } as unknown as {
  [Name in keyof EndedRecords]: Field<EndedRecords[Name]>;
};
export const ended = struct<EndedRecords>()(ofEnded);
const revoked = named('Revoked', struct<RevokeAllReport>()({ ...ofEnded, matched: flag, similar: scopes }));
const endCounts = named(
  'EndCounts',
  struct<EndCounts>()({
    at: instant,
    grants: about('The grants that would end.', whole),
    people: about('The subjects of these grants.', whole),
    requests: about('The pending requests that would be cancelled.', whole),
    atLeast: about('Whether the numbers may be too low: a record cannot be read, or there are too many.', flag),
    matched: flag,
    similar: scopes,
  }),
);
export const revokeAnswer = either<RevokeAllReport | EndCounts>(revoked, endCounts);
const locked = struct<LockResult>()({ lock: lockWithStatus as unknown as Field<LockResult['lock']>, reused: flag, ended: revoked });
export const lockAnswer = either<LockResult | EndCounts>(locked, endCounts);
export const locks = struct<{ readonly items: readonly unknown[] }>()({
  items: list(lockWithStatus) as unknown as Field<readonly unknown[]>,
});
export const breakGlassReviews = page(
  struct<ListedReview>()({
    request: accessRequest,
    reviewBy: instant,
    isOverdue: flag,
    mine: about('Whether the caller may give the review.', flag),
  }),
);
export const linkPreview = named(
  'LinkPreview',
  struct<LinkPreview>()({
    request: accessRequest,
    reviewer: text,
    decision: oneOf('approve', 'deny'),
    narrowedTo: optional(granted),
    expiresAt: instant,
  }),
);

export const health = struct<{ readonly status: 'ok' }>()({ status: oneOf('ok') });
export const document = partOf(struct<{ readonly openapi: string }>()({ openapi: text }));
export const stream = about('text/event-stream. Each event has the type of a journal entry, and names the request and the grant.', text);

import type { RequestFound } from '../../../../index.js';
import type { TimelineEvent } from '../../../../client.js';
import { endReason } from '../../parts/problem-text.js';

/* The events of a request as lines of the page. The events come from the API; this only says how each reads. */

/** How a line is drawn. Its mark says the same without the colour. */
export type Tone = 'plain' | 'yes' | 'no' | 'wait';

export interface Line {
  /** Epoch milliseconds. */
  readonly at: number;
  /** The message of the line, with `{by}`, `{scope}` and `{group}`. */
  readonly key: string;
  readonly by: string | undefined;
  readonly scope: string | undefined;
  readonly tone: Tone;
  /** The words of a person. */
  readonly text: string | undefined;
  /** Whether the line is the end of the request. */
  readonly isDecision: boolean;
}

const YES = new Set(['request.approved', 'grant.issued', 'grant.activated']);
const NO = new Set(['request.denied', 'grant.revoked']);
const ENDS = new Set(['request.approved', 'request.denied', 'request.cancelled', 'request.expired']);

/** The types that have words of their own for each of these causes or verdicts. */
const BY_CAUSE: Readonly<Record<string, readonly string[]>> = {
  'request.reviewed': ['approve', 'deny'],
  'request.approved': ['approver', 'quorum', 'break_glass'],
  'request.denied': ['approver', 'abstained', 'ineligible', 'limit'],
  'request.cancelled': ['amended', 'overtaken', 'revoked', 'locked', 'origin_ended'],
  'grant.expired': ['idle', 'used_up'],
  'grant.revoked': ['released', 'locked', 'ineligible', 'origin_ended', 'unjustified'],
  'breakGlass.reviewed': ['justified', 'unjustified'],
};

/** A type that this version of the page has no words for gets the message `request.event.other`. */
const KNOWN = new Set([
  ...Object.keys(BY_CAUSE),
  'request.created',
  'request.assigned',
  'request.stepped',
  'request.escalated',
  'request.reminded',
  'request.expired',
  'request.commented',
  'grant.issued',
  'grant.activated',
  'breakGlass.overdue',
]);

export const linesOf = (events: readonly TimelineEvent[]): readonly Line[] => events.map(lineOf);

function lineOf({ at, type, by, scope, verdict, cause, text }: TimelineEvent, index: number, all: readonly TimelineEvent[]): Line {
  const variant = verdict ?? cause ?? '';
  const isKnown = KNOWN.has(type);
  const key = !isKnown ? 'other' : BY_CAUSE[type]?.includes(variant) === true ? `${type}.${variant}` : type;
  const isDecision = ENDS.has(type);
  // The end of a request repeats the words of the review that completed it.
  const isRepeated = isDecision && all.slice(0, index).some((before) => before.at === at && before.by === by && before.text === text);
  return {
    at,
    key: `request.event.${key}`,
    by,
    scope,
    tone: toneOf(type, variant),
    text: isRepeated ? undefined : endReason({ cause, reason: text }),
    isDecision,
  };
}

function toneOf(type: string, variant: string): Tone {
  if (variant === 'deny' || variant === 'unjustified' || NO.has(type)) return variant === 'released' ? 'plain' : 'no';
  if (variant === 'approve' || variant === 'justified' || YES.has(type)) return 'yes';
  return type === 'breakGlass.overdue' || type === 'request.escalated' ? 'wait' : 'plain';
}

/** The requests that belong to this one. */
export interface Related {
  readonly key: 'replaces' | 'replacedBy' | 'extends' | 'extendedBy';
  readonly requestId: string;
}

export function relatedOf({
  request: { replaces, replacedBy, extension },
  grants,
}: Pick<RequestFound, 'request' | 'grants'>): readonly Related[] {
  const extended = extension === undefined ? undefined : (extension.requestId ?? requestOf(extension.grantIds[0] as string));
  const later = new Set(grants.flatMap(({ successors }) => successors.map(({ grantId }) => requestOf(grantId))));
  const all: readonly (readonly [Related['key'], string | undefined])[] = [
    ['replaces', replaces],
    ['replacedBy', replacedBy],
    ['extends', extended],
    ...[...later].map((id) => ['extendedBy', id] as const),
  ];
  return all.flatMap(([key, requestId]) => (requestId === undefined ? [] : [{ key, requestId }]));
}

/** A grant's id is the id of its request, a dot and a number. */
const requestOf = (grantId: string): string => grantId.slice(0, grantId.lastIndexOf('.'));

/** What a viewer may try with the request, by its records alone. The API decides each call, and judges the rights of the viewer again. */
export interface Deeds {
  readonly comment: boolean;
  readonly change: boolean;
  readonly cancel: boolean;
  readonly extend: boolean;
  readonly release: boolean;
  readonly revoke: boolean;
}

/** @param isReviewer whether the viewer is one of the reviewers @param mayRevoke whether the menu has a view that revokes */
export function deedsOf(
  { request, outcome }: Pick<RequestFound, 'request' | 'outcome'>,
  viewer: string,
  { isReviewer, mayRevoke }: { readonly isReviewer: boolean; readonly mayRevoke: boolean },
): Deeds {
  const isRequester = request.requestedBy === viewer;
  const isSubject = request.subject === viewer;
  const isPending = outcome === 'pending';
  const isHeld = outcome === 'granted';
  return {
    comment: isPending && (isSubject || isRequester || isReviewer),
    // The engine amends no extension of a request and no scheduled bundle by halves: the API names what it refuses.
    change: isPending && isRequester,
    cancel: isPending && (isSubject || isRequester),
    extend: isHeld && (isSubject || isRequester),
    release: isHeld && isSubject,
    revoke: isHeld && !isSubject && mayRevoke,
  };
}

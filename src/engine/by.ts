import { readWindow, type Duration } from '../core/duration.js';
import type { Instant } from '../core/instant.js';
import { invalid, readBoundedList, readId, readOptions, readText } from '../core/parse.js';
import { readPattern } from '../core/scope.js';
import type { Settings } from '../kernel/settings/settings.js';
import { readAuthentication } from '../lifecycle/assurance.js';
import { MAX_SCOPES } from '../lifecycle/grant.js';
import type { Narrowing } from '../lifecycle/narrowing.js';
import type { ReviewCommand } from '../lifecycle/review.js';

/** The caller of a verb, and its reason. */
export interface By {
  /** The id of the caller, which your code has authenticated. Recorded in the journal. */
  readonly by: string;
  /** Why. Recorded in the journal. Text of at most 4 KiB. Default: none. */
  readonly reason?: string | undefined;
}

/** The caller of a cancel, and its reason. */
export interface CancelBy extends By {
  /**
   * The subject or the requester of the request, for a caller that your code vouches for, such as a help desk. The engine then checks
   * this id instead of `by`, and the journal records both. Default: `by` itself.
   */
  readonly onBehalfOf?: string | undefined;
}

/** The caller of a review, its reason, and the group in which the review counts. */
export interface ReviewBy extends By {
  /** For the other reviewers. Text of at most 4 KiB; recorded in the journal. */
  readonly comment?: string | undefined;
  /** The group in which the review counts, for a reviewer who is in several. Default: any group that completes the quorum. */
  readonly as?: string | undefined;
}

/** Less than what was requested. An approval that names it allows no more. */
export interface NarrowTo {
  /** The longest window, at most the requested `ttl` and at least `limits.minTtl`. Default: the requested `ttl`. */
  readonly ttl?: Duration | undefined;
  /** The scopes, each exactly as it was requested. Default: all requested scopes. */
  readonly scopes?: readonly string[] | undefined;
}

/** How a reviewer was authenticated, as your code knows it. */
export interface ReviewerAuth {
  /** The authentication context: the claim `acr` of the token of your identity provider. 1-256 characters. Default: none. */
  readonly acr?: string | undefined;
  /** When the reviewer was authenticated: the claim `auth_time` of the token. Default: none. */
  readonly authAt?: Instant | undefined;
}

/** The caller of an approval, and the terms to which it narrows the request. */
export interface ApproveBy extends ReviewBy, NarrowTo {
  /** How the reviewer was authenticated. Recorded on the review; a quorum with `assurance` needs it. Default: none. */
  readonly auth?: ReviewerAuth | undefined;
}

/** Reads the terms of an approval. @param path the argument that holds the fields, such as `narrow.` @throws InvalidArgumentError */
export function readNarrowing(
  { minNumberMs }: Pick<Settings, 'minNumberMs'>,
  { ttl, scopes }: { readonly [Field in keyof NarrowTo]?: unknown },
  path = '',
): Narrowing {
  const read = scopes === undefined ? undefined : readBoundedList(`${path}scopes`, scopes, 1, MAX_SCOPES);
  const list = read?.map((scope, i) => readPattern(`${path}scopes[${i}]`, scope));
  const repeated = list?.findIndex((scope, i) => list.indexOf(scope) !== i) ?? -1;
  if (repeated !== -1) throw invalid(`${path}scopes[${repeated}]`, 'different from every other scope', list?.[repeated]);
  return { ttlMs: ttl === undefined ? undefined : readWindow(`${path}ttl`, ttl, minNumberMs), scopes: list };
}

/** @throws InvalidArgumentError */
export function readBy(settings: Pick<Settings, 'readId'>, options: unknown): { readonly by: string; readonly reason: string | undefined } {
  const { by, reason } = readOptions<keyof By>('options', options, ['by', 'reason']);
  return { by: settings.readId('by', by), reason: readText('reason', reason) };
}

/** @throws InvalidArgumentError */
export function readCancelBy(settings: Pick<Settings, 'readId'>, options: unknown) {
  const { onBehalfOf, ...who } = readOptions<keyof CancelBy>('options', options, ['by', 'reason', 'onBehalfOf']);
  const owner = onBehalfOf === undefined ? undefined : settings.readId('onBehalfOf', onBehalfOf);
  return { cause: 'cancelled', ...readBy(settings, who), onBehalfOf: owner } as const;
}

/** Reads the texts of a review and its group. @throws InvalidArgumentError */
export function readReviewTexts({ reason, comment, as }: { readonly [Field in 'reason' | 'comment' | 'as']?: unknown }) {
  return {
    reason: readText('reason', reason),
    comment: readText('comment', comment),
    as: as === undefined ? undefined : readId('as', as),
  };
}

const REVIEW = ['by', 'reason', 'comment', 'as'] as const satisfies readonly (keyof ReviewBy)[];

/** Reads the options of a review. Only an approval narrows. @throws InvalidArgumentError */
export function readReview(
  settings: Pick<Settings, 'readId' | 'minNumberMs'>,
  verdict: ReviewCommand['verdict'],
  options: unknown,
): { readonly by: string; readonly command: ReviewCommand } {
  const known = verdict === 'approve' ? ([...REVIEW, 'ttl', 'scopes', 'auth'] as const) : REVIEW;
  const { by, ttl, scopes, auth, ...texts } = readOptions<keyof ApproveBy>('options', options, known);
  const terms = { narrowing: readNarrowing(settings, { ttl, scopes }), auth: readAuthentication('auth', auth) };
  const command = { verdict, ...readReviewTexts(texts), ...terms, link: undefined };
  return { by: settings.readId('by', by), command };
}

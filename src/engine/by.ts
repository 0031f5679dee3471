import { readId, readOptions, readText } from '../core/parse.js';
import type { Settings } from '../kernel/settings.js';

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

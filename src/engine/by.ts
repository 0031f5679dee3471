import { readId, readOptions, readText } from '../core/parse.js';
import type { Settings } from '../kernel/settings.js';

/** Who does something, and why. */
export interface By {
  readonly by: string;
  /** Recorded in the journal. Text of at most 4 KiB. */
  readonly reason?: string | undefined;
}

/** A review: who, why, and as what. */
export interface ReviewBy extends By {
  /** For the other reviewers. Text of at most 4 KiB; recorded in the journal. */
  readonly comment?: string | undefined;
  /** The one group in which it is to count, for a reviewer who is in several. Default: any that completes the quorum. */
  readonly as?: string | undefined;
}

/** @throws InvalidArgumentError */
export function readBy(settings: Pick<Settings, 'readId'>, options: unknown): { readonly by: string; readonly reason: string | undefined } {
  const { by, reason } = readOptions<keyof By>('options', options, ['by', 'reason']);
  return { by: settings.readId('by', by), reason: readText('reason', reason) };
}

/** What a review says besides its verdict. @throws InvalidArgumentError */
export function readReviewTexts({ reason, comment, as }: { readonly [Field in 'reason' | 'comment' | 'as']?: unknown }) {
  return {
    reason: readText('reason', reason),
    comment: readText('comment', comment),
    as: as === undefined ? undefined : readId('as', as),
  };
}

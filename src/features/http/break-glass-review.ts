import type { BreakGlassReviewItem } from '../../engine/answers.js';

/** A pending break-glass review, for a caller. */
export interface ListedReview extends BreakGlassReviewItem {
  /** Whether the caller may give the review. */
  readonly mine: boolean;
}

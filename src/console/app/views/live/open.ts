import type { GrantWithStatus } from '../../../../index.js';

/** What of a page is open at an instant: time ends access also while the service does not answer. */
export const openAt = (items: readonly GrantWithStatus[], at: number): readonly GrantWithStatus[] =>
  items.filter(({ expiresAt }) => at < expiresAt);

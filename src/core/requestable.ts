/** How much harm a scope can do. For people to read: no rule compares it. */
export type Risk = 'low' | 'medium' | 'high' | 'critical';

/** Every {@link Risk}, the lowest first. */
export const RISKS = ['low', 'medium', 'high', 'critical'] as const satisfies readonly Risk[];

/** The most items of a list of what may be asked for, because a person or a model reads it (L42). */
export const MAX_REQUESTABLE = 2_000;

/** The most scopes that an item excludes. */
export const MAX_EXCLUDED = 1_000;

/** The most reviewers that an item lists. */
export const MAX_LISTED = 100;

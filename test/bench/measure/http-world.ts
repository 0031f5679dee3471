/* What the servers of the bench hold, and what they are asked. */

export const SUBJECTS = 50;
/** As many as a batch asks about. */
export const PER_SUBJECT = 20;
/** Holds one grant. */
export const MAYA = 'user:maya';
export const subjectOf = (n: number): string => `user:${n}`;
export const scopeOf = (n: number): string => `db:prod-${n}:write`;

/** The greatest number of subjects that a rule may let hold its access, because one row lists their grants (L42). */
export const MAX_HOLDERS = 100;

/** The English texts of the view. */
export const journal = {
  'journal.title': 'Journal',
} as const;

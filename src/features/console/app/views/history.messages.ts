/** The English texts of the view. */
export const history = {
  'history.title': 'History',
} as const;

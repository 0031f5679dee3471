/** The English texts of the view. */
export const live = {
  'live.title': 'Live',
} as const;

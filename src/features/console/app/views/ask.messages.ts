/** The English texts of the view. */
export const ask = {
  'ask.title': 'Ask',
} as const;

/** The English texts of the view. */
export const access = {
  'access.title': 'My access',
} as const;

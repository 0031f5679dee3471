/** The English texts of the view. */
export const request = {
  'request.title': 'Request',
} as const;

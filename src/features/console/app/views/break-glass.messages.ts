/** The English texts of the view. */
export const breakGlass = {
  'break-glass.title': 'Break-glass',
} as const;

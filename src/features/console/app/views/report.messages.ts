/** The English texts of the view. */
export const report = {
  'report.title': 'Report',
} as const;

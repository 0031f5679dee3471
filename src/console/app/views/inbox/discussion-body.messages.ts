/** The English texts of the reviews and comments of a row. */
export const discussion = {
  'inbox.review.approve': '{who} approved as {groups}',
  'inbox.review.deny': '{who} denied as {groups}',
  'inbox.review.stale': 'Too old to count.',
  'inbox.comment': '{who} commented',
  'inbox.canAct': 'Can act now: {who}',
  'inbox.cannotAct': 'Do not count:',
} as const;

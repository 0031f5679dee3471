/** The English texts of the field. */
export const commentField = {
  'comment.label': 'Comment',
  'comment.hint': 'The subject, the requester and the other reviewers read it.',
  'comment.send': 'Send comment',
  'comment.sent': 'The comment is recorded.',
} as const;

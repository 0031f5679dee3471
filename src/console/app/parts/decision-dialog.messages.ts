/** The English texts of the dialog. */
export const decisionDialog = {
  'decision.dialog.title': 'Decide about the request of {who}',
  'decision.dialog.long': 'How long',
  'decision.dialog.scopes': 'Scopes',
  'decision.dialog.reason': 'For the requester. It is recorded.',
  'decision.dialog.comment': 'Comment',
  'decision.dialog.comment.hint': 'For the other reviewers. It is recorded.',
} as const;

/** The English texts of the view. */
export const inbox = {
  'inbox.title': 'Inbox',
} as const;

/** The English texts of the dialog. */
export const keysDialog = {
  'keys.title': 'Keys',
  'keys.lead': 'They act on the row with focus. Reach a row with the Tab key, or press a key below on it.',
  'keys.next': 'Next row',
  'keys.previous': 'Previous row',
  'keys.approve': 'Approve',
  'keys.deny': 'Deny',
  'keys.narrow': 'Less time, fewer scopes, or a reason',
  'keys.open': 'Open or close the row',
  'keys.help': 'Show the keys',
} as const;

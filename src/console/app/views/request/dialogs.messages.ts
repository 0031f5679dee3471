/** The English texts of the dialogs. */
export const dialogs = {
  'request.reason.hint': 'Recorded in the journal.',
  'request.change.title': 'Change the request',
  'request.change.text': 'Another request with its own id replaces this one. Reviews of this one do not count for it.',
  'request.change.do': 'Replace request',
  'request.change.done': 'The changed request is sent.',
  'request.cancel.text': 'It can no longer be approved.',
  'request.cancel.done': 'The request is cancelled.',
  'request.extend.do': 'Send request',
  'request.extend.done': 'The request for more time is sent.',
  'request.release.text': { one: 'This ends {count} grant now.', other: 'This ends {count} grants now.' },
  'request.release.done': 'The access has ended.',
  'request.revoke.title': 'Revoke the access of {name}',
  'request.revoke.text': 'Ends {grants} of {people} now.',
  'request.revoke.grants': { one: '{count} grant', other: '{count} grants' },
  'request.revoke.people': { one: '{count} person', other: '{count} people' },
  'request.revoke.done': 'The access is revoked.',
} as const;

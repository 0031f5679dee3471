/** The English texts of the fields of people and of scopes. */
export const picker = {
  'picker.choices': 'Choices',
  'picker.count': { one: '{count} match', other: '{count} matches' },
  'picker.searching': 'Searching',
  'picker.failed': 'The search did not answer. Choose from the list, or search again.',
  'picker.none': 'No person is found.',
  'picker.choose': 'No person is chosen yet.',
  'picker.asId': 'The id {id}',
  'picker.below': 'With everything below it.',
  'picker.exact': 'Exactly this scope.',
  'picker.malformed': 'No scope has this form. A scope is parts with “:” in between.',
} as const;

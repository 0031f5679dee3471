/** The English texts of the form. */
export const emergency = {
  'access.ticket': 'Ticket',
  'access.howLong': 'How long',
  'access.doneBreakGlass': 'You have the access now.',
  'access.consequence.starts': 'It starts at once, for at most {time}.',
  'access.consequence.review': 'One of {groups} reviews it afterwards, within {time}.',
  'access.consequence.again': 'Until that review, you cannot use break-glass again.',
  'access.consequence.unjustified': 'If it was not justified, it ends.',
  'access.consequence.recorded': 'The journal keeps your name and your reason.',
  'access.take': 'Take access now',
  'access.takeTitle': 'Take {scope} now, without a review?',
  'access.scope': 'Scope',
  'access.scopeHint': 'Within {pattern}',
  'access.whyNow': 'Why is there no time for a review?',
} as const;

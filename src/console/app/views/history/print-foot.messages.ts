/** The English texts of the foot. */
export const printFoot = {
  'history.printed': 'Printed at {time}. Times are in {zone}.',
  'history.head': 'The head of the journal: entry {seq}, hash {hash}.',
} as const;

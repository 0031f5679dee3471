/** Why a reviewer does not count, in English. */
export const excluded = {
  'excluded.own_request': 'subject or requester of this request',
  'excluded.has_denied': 'has denied it',
  'excluded.has_approved': 'has approved it',
  'excluded.not_in_group': 'in no group that may review it',
  'excluded.not_your_step': 'in a later step',
  'excluded.locked': 'locked',
} as const;

/** The English texts of the deliveries. */
export const deliveries = {
  'request.deliveries': 'Deliveries to external systems',
  'request.deliveries.show': 'Show deliveries to external systems',
  'request.deliveries.none': 'No delivery of this access is recorded.',
  'request.deliveries.more': 'The journal has more entries of that time. The view Journal shows them.',
  'request.delivery.provisioning.intended': 'Due:',
  'request.delivery.provisioning.failed': 'Failed, and is tried again:',
  'request.delivery.provisioning.done': 'Delivered:',
  'request.delivery.provisioning.stuck': 'Stuck after the last try:',
  'request.delivery.provisioning.retried': 'Tried again:',
  'request.delivery.provisioning.dismissed': 'Dismissed:',
  'request.delivery.held': 'opened',
  'request.delivery.ended': 'closed',
} as const;

import type { Activity } from './activity.js';
import type { RequestComment } from './comment.js';
import type { Grant } from './grant.js';
import type { Holders } from './holders.js';
import type { Locks } from './lock.js';
import type { ProvisioningChange } from './provisioning.js';
import type { AccessRequest } from './request.js';
import type { Reuse } from './reuse.js';
import type { Subject } from './subject.js';
import type { Usage } from './usage.js';
import type { Use } from './use.js';

/** Any record that a transition writes. */
export type StoredRecord =
  AccessRequest | Grant | Usage | Use | Reuse | ProvisioningChange | Subject | Locks | Activity | RequestComment | Holders;

import type { EntryType } from '../../records/index.js';
import { requestAssigned, requestEscalated, requestReminded, requestStepped } from './request-notices.js';
import { requestCommented } from './commented.js';
import { requestEnded } from './decided.js';
import { breakGlassUsed, breakGlassOverdue } from './emergency.js';
import { grantEnded, grantWarned } from './grant-notices.js';
import { partOf, type NoticeRecords } from './notice-texts.js';
import type { Message } from './notice.js';
import { provisioningStuck } from './stuck.js';

type Maker = (about: NoticeRecords) => Message;

/** Makes the notice of each type of entry; `undefined`: the type has no notice. */
const MAKERS: Readonly<Record<EntryType, Maker | undefined>> = {
  'request.created': undefined,
  'request.assigned': requestAssigned,
  'request.reused': undefined,
  'request.reviewed': undefined,
  'request.stepped': requestStepped,
  'request.escalated': requestEscalated,
  'request.reminded': requestReminded,
  'request.commented': requestCommented,
  'request.approved': (about) => (partOf(about.entry.data, 'end')['cause'] === 'break_glass' ? breakGlassUsed(about) : requestEnded(about)),
  'request.denied': requestEnded,
  'request.cancelled': requestEnded,
  'request.expired': requestEnded,
  'grant.issued': undefined,
  'grant.activated': undefined,
  'grant.extended': undefined,
  'grant.warned': grantWarned,
  'grant.used': undefined,
  'grant.seen': undefined,
  'grant.expired': grantEnded,
  'grant.revoked': grantEnded,
  'usage.closed': undefined,
  'breakGlass.overdue': breakGlassOverdue,
  'breakGlass.reviewed': undefined,
  'provisioning.intended': undefined,
  'provisioning.failed': undefined,
  'provisioning.done': undefined,
  'provisioning.stuck': provisioningStuck,
  'provisioning.retried': undefined,
  'provisioning.dismissed': undefined,
  'lock.set': undefined,
  'lock.completed': undefined,
  'lock.lifted': undefined,
  'lock.expired': undefined,
  'attempt.refused': undefined,
  'journal.purged': undefined,
  'journal.accepted': undefined,
  'clock.accepted': undefined,
};

/** Makes the notice of an entry; `undefined`: its type has no notice, or this version does not know the type. */
export const makerOf = (type: string): Maker | undefined => (Object.hasOwn(MAKERS, type) ? MAKERS[type as EntryType] : undefined);

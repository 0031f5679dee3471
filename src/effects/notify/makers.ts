import type { EntryType } from '../../records.js';
import { requestAssigned, requestEscalated } from './asked.js';
import { requestEnded } from './decided.js';
import { glassBroken, reviewMissed } from './emergency.js';
import { grantEnded, grantWarned } from './ended.js';
import { partOf, type About } from './facts.js';
import type { Message } from './notice.js';
import { effectStuck } from './stuck.js';

type Maker = (about: About) => Message;

/** Which entries people are told of, and how. */
export const MAKERS: ReadonlyMap<EntryType, Maker> = new Map<EntryType, Maker>([
  ['request.assigned', requestAssigned],
  ['request.escalated', requestEscalated],
  ['request.approved', (about) => (partOf(about.entry.data, 'end')['cause'] === 'break_glass' ? glassBroken(about) : requestEnded(about))],
  ['request.denied', requestEnded],
  ['request.cancelled', requestEnded],
  ['request.expired', requestEnded],
  ['grant.warned', grantWarned],
  ['grant.expired', grantEnded],
  ['grant.revoked', grantEnded],
  ['review.missed', reviewMissed],
  ['effect.stuck', effectStuck],
]);

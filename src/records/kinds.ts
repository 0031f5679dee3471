import type { Row } from '../core/store-port.js';
import type { StoredRecord } from '../model/record.js';
import { ACTIVITY } from './activity.js';
import { COMMENT } from './comment.js';
import { GRANT } from './grant.js';
import { HOLDERS } from './holders.js';
import { encodeAs, type Kind } from './kind.js';
import { LOCKS } from './lock.js';
import { PROVISIONING_CHANGE } from './provisioning.js';
import { REQUEST } from './request.js';
import { REUSE } from './reuse.js';
import { SUBJECT } from './subject.js';
import { USAGE } from './usage.js';
import { USE } from './use.js';

/** The record of a kind. */
export type RecordOf<Name extends StoredRecord['kind']> = Extract<StoredRecord, { readonly kind: Name }>;

/** Every kind of record. */
export const KINDS: { readonly [Name in StoredRecord['kind']]: Kind<RecordOf<Name>> } = {
  request: REQUEST,
  grant: GRANT,
  usage: USAGE,
  use: USE,
  reuse: REUSE,
  provisioning: PROVISIONING_CHANGE,
  subject: SUBJECT,
  lock: LOCKS,
  activity: ACTIVITY,
  comment: COMMENT,
  holders: HOLDERS,
};

export const encode = (record: StoredRecord): Row => encodeAs(KINDS[record.kind] as Kind<StoredRecord>, record);

import type { JsonObject } from '../../model/json.js';
import type { Row } from '../../core/store-port.js';
import type { StoredRecord } from '../../model/types.js';
import type { Columns } from './columns.js';
import { activityBody, activityColumns } from './activity.js';
import { commentBody, commentColumns } from './comment.js';
import { grantBody, grantColumns } from './grant.js';
import { holdersBody, holdersColumns } from './holders.js';
import { locksBody, locksColumns } from './locks.js';
import {
  provisioningBody,
  provisioningColumns,
  reuseBody,
  reuseColumns,
  subjectBody,
  subjectColumns,
  usageBody,
  usageColumns,
  useBody,
  useColumns,
} from './others.js';
import { requestBody, requestColumns } from './request.js';

/*
 * The strict codec between rows and records, with a file for each kind. The body does not repeat a column, except
 * `expiresAt`: the column `until` becomes the effective end.
 *
 * Decoding derives every column again and compares. So a row that was edited outside, written by a newer version, or cut short
 * is malformed. A malformed row gives no access (L30).
 */

export function encode(record: StoredRecord): Row {
  const { kind, id, version } = record;
  const [columns, body] = partsOf(record);
  return { kind, id, version, ...columns, body };
}

function partsOf(record: StoredRecord): readonly [Columns, JsonObject] {
  switch (record.kind) {
    case 'request':
      return [requestColumns(record), requestBody(record)];
    case 'grant':
      return [grantColumns(record), grantBody(record)];
    case 'usage':
      return [usageColumns(record), usageBody(record)];
    case 'use':
      return [useColumns(record), useBody(record)];
    case 'reuse':
      return [reuseColumns(record), reuseBody(record)];
    case 'provisioning':
      return [provisioningColumns(record), provisioningBody(record)];
    case 'subject':
      return [subjectColumns(record), subjectBody(record)];
    case 'activity':
      return [activityColumns(record), activityBody(record)];
    case 'comment':
      return [commentColumns(record), commentBody(record)];
    case 'holders':
      return [holdersColumns(), holdersBody(record)];
    case 'lock':
      return [locksColumns(record), locksBody(record)];
  }
}

import type { JsonObject } from '../../core/json.js';
import type { Row } from '../../core/store-port.js';
import type { StoredRecord } from '../types.js';
import type { Columns } from './columns.js';
import { grantBody, grantColumns } from './grant.js';
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
 * The one strict codec between rows and records, a file for each kind. What a column says is not repeated in the body,
 * except `expiresAt`: the column `until` becomes the effective end. Decoding derives every column anew and compares, so a
 * row that was changed outside, written by a newer version, or cut short is malformed, and a malformed row gives nothing.
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
  }
}

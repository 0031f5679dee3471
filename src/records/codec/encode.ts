import type { JsonObject } from '../../json.js';
import type { Row } from '../../ports.js';
import type { StoredRecord } from '../types.js';
import { columnsOf } from './columns.js';
import { grantBody } from './grant.js';
import { effectBody, reuseBody, subjectBody, usageBody, useBody } from './others.js';
import { requestBody } from './request.js';

/*
 * The one strict codec between rows and records, a file for each kind. What a column says is not repeated in the body,
 * except `expiresAt`: the column `until` becomes the effective end. Decoding derives every column anew and compares, so a
 * row that was changed outside, written by a newer version, or cut short is malformed, and a malformed row gives nothing.
 */

export function encode(record: StoredRecord): Row {
  const { kind, id, version } = record;
  return { kind, id, version, ...columnsOf(record), body: bodyOf(record) };
}

function bodyOf(record: StoredRecord): JsonObject {
  switch (record.kind) {
    case 'request':
      return requestBody(record);
    case 'grant':
      return grantBody(record);
    case 'usage':
      return usageBody(record);
    case 'use':
      return useBody(record);
    case 'reuse':
      return reuseBody(record);
    case 'effect':
      return effectBody(record);
    case 'subject':
      return subjectBody(record);
  }
}

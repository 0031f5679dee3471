import type { JsonObject, Row } from '../../ports.js';
import { isPattern } from '../../scope.js';
import { isInstant } from '../../time.js';
import { makeReuse, makeSubject, makeUsage, makeUse } from '../make.js';
import { isCount, isText, listOf, optional, shape } from '../shape.js';
import type { Reuse, Subject, Usage, Use } from '../types.js';
import { bodyOf, confirmed, corrupt, toJson } from './columns.js';

const isWhole = (value: unknown): boolean => value === 0 || isCount(value);

export function usageBody({ expiresAt, idleTtlMs, usedAt, uses, endedAt }: Usage): JsonObject {
  return toJson({ expiresAt, idleTtlMs, usedAt, uses, endedAt });
}

const isUsageBody = shape({
  expiresAt: isInstant,
  idleTtlMs: optional(isCount),
  usedAt: optional(isInstant),
  uses: isWhole,
  endedAt: optional(isInstant),
});

/** @throws CorruptError */
export function decodeUsage(row: Row): Usage {
  const body = bodyOf<Usage>(row, 'usage') as Usage;
  const { id, version, scope, from: startsAt } = row;
  if (!isUsageBody(body) || !isPattern(scope) || !isInstant(startsAt)) throw corrupt(row);
  return confirmed(row, makeUsage({ ...body, id, version, subject: row.subject as string, scope, startsAt }));
}

export function useBody({ grantId, at, usesLeft }: Use): JsonObject {
  return { grantId, at, usesLeft };
}

const isUseBody = shape({ grantId: isText, at: isInstant, usesLeft: isWhole });

/** @throws CorruptError */
export function decodeUse(row: Row): Use {
  const body = bodyOf<Use>(row, 'use') as Use;
  const { id, version, scope, until: expiresAt } = row;
  if (!isUseBody(body) || !isPattern(scope) || !isInstant(expiresAt)) throw corrupt(row);
  return confirmed(row, makeUse({ ...body, id, version, subject: row.subject as string, scope, expiresAt }));
}

export function reuseBody({ requestId, askDigest }: Reuse): JsonObject {
  return { requestId, askDigest };
}

const isReuseBody = shape({ requestId: isText, askDigest: isText });

/** @throws CorruptError */
export function decodeReuse(row: Row): Reuse {
  const body = bodyOf<Reuse>(row, 'reuse') as Reuse;
  if (!isReuseBody(body)) throw corrupt(row);
  return confirmed(row, makeReuse({ ...body, id: row.id, version: row.version, subject: row.subject as string }));
}

export function subjectBody({ unreviewed }: Subject): JsonObject {
  return { unreviewed };
}

const isSubjectBody = shape({ unreviewed: listOf(isText) });

/** @throws CorruptError */
export function decodeSubject(row: Row): Subject {
  const body = bodyOf<Subject>(row, 'subject') as Subject;
  if (!isSubjectBody(body)) throw corrupt(row);
  return confirmed(row, makeSubject({ ...body, id: row.id, version: row.version }));
}

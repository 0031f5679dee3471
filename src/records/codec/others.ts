import type { JsonObject } from '../../model/json.js';
import type { Row } from '../../core/store-port.js';
import { isPattern } from '../../core/scope.js';
import { isInstant } from '../../core/instant.js';
import { provisioningDueAt, isUnsettled, usageDueAt } from '../derived.js';
import { makeProvisioningChange, makeReuse, makeSubject, makeUsage, makeUse, NONE } from '../make.js';
import { isBoolean, isCount, isString, isText, listOf, oneOf, optional, shape } from '../shape.js';
import type { ProvisioningChange, Reuse, Subject, Usage, Use } from '../../model/types.js';
import { bodyOf, columns, confirmed, corrupt, toJson, UNORDERED, type Columns } from './columns.js';

const isWhole = (value: unknown): boolean => value === 0 || isCount(value);

export function usageColumns(usage: Usage): Columns {
  const { subject, scope, endedAt, startsAt, expiresAt } = usage;
  const until = Math.max(startsAt, Math.min(expiresAt, endedAt ?? expiresAt));
  return columns(subject, scope, endedAt === undefined, UNORDERED, startsAt, until, usageDueAt(usage));
}

export function usageBody({ expiresAt, idleTtlMs, usedAt, uses, endedAt }: Usage): JsonObject {
  return toJson({ expiresAt, idleTtlMs, usedAt, uses, endedAt });
}

const isUsageBody = /* @__PURE__ */ (() =>
  shape({
    expiresAt: isInstant,
    idleTtlMs: optional(isCount),
    usedAt: optional(isInstant),
    uses: isWhole,
    endedAt: optional(isInstant),
  }))();

/** @throws CorruptError */
export function decodeUsage(row: Row): Usage {
  const body = bodyOf<Usage>(row, 'usage') as Usage;
  const { id, version, scope, from: startsAt } = row;
  if (!isUsageBody(body) || !isPattern(scope) || !isInstant(startsAt)) throw corrupt(row);
  const usage = makeUsage({ ...body, id, version, subject: row.subject as string, scope, startsAt });
  return confirmed(row, usage, usageColumns(usage));
}

export const useColumns = ({ subject, scope, expiresAt }: Use): Columns => columns(subject, scope, false, UNORDERED, undefined, expiresAt);

export function useBody({ grantId, at, usesLeft }: Use): JsonObject {
  return { grantId, at, usesLeft };
}

const isUseBody = /* @__PURE__ */ (() => shape({ grantId: isText, at: isInstant, usesLeft: isWhole }))();

/** @throws CorruptError */
export function decodeUse(row: Row): Use {
  const body = bodyOf<Use>(row, 'use') as Use;
  const { id, version, scope, until: expiresAt } = row;
  if (!isUseBody(body) || !isPattern(scope) || !isInstant(expiresAt)) throw corrupt(row);
  const use = makeUse({ ...body, id, version, subject: row.subject as string, scope, expiresAt });
  return confirmed(row, use, useColumns(use));
}

export const reuseColumns = ({ subject }: Reuse): Columns => columns(subject, undefined, false, UNORDERED);

export function reuseBody({ requestId, askDigest }: Reuse): JsonObject {
  return { requestId, askDigest };
}

const isReuseBody = /* @__PURE__ */ (() => shape({ requestId: isText, askDigest: isText }))();

/** @throws CorruptError */
export function decodeReuse(row: Row): Reuse {
  const body = bodyOf<Reuse>(row, 'reuse') as Reuse;
  if (!isReuseBody(body)) throw corrupt(row);
  const reuse = makeReuse({ ...body, id: row.id, version: row.version, subject: row.subject as string });
  return confirmed(row, reuse, reuseColumns(reuse));
}

/** A stuck change stays open: the external system may still lack it. */
export const provisioningColumns = (change: ProvisioningChange): Columns =>
  columns(change.subject, change.scope, isUnsettled(change), UNORDERED, undefined, undefined, provisioningDueAt(change));

export function provisioningBody({
  name,
  held,
  seq,
  intendedAt,
  failures,
  problem,
  tryAt,
  changedAt,
  outcome,
}: ProvisioningChange): JsonObject {
  return toJson({ name, held, seq, intendedAt, failures, problem, tryAt, changedAt, outcome });
}

const isProvisioningBody = /* @__PURE__ */ (() =>
  shape({
    name: isText,
    held: isBoolean,
    seq: isCount,
    intendedAt: isInstant,
    failures: isWhole,
    problem: optional(isText),
    tryAt: isInstant,
    changedAt: isInstant,
    outcome: optional(shape({ status: oneOf('done', 'stuck', 'dismissed'), at: isInstant, by: isText, reason: optional(isString) })),
  }))();

/** @throws CorruptError */
export function decodeProvisioningChange(row: Row): ProvisioningChange {
  const body = bodyOf<ProvisioningChange>(row, 'provisioning') as ProvisioningChange;
  const { id, version, scope } = row;
  if (!isProvisioningBody(body) || !isPattern(scope)) throw corrupt(row);
  const change = makeProvisioningChange({ ...body, id, version, subject: row.subject as string, scope });
  return confirmed(row, change, provisioningColumns(change));
}

export const subjectColumns = ({ id, unreviewed }: Subject): Columns => columns(id, undefined, unreviewed.length > 0, UNORDERED);

/** Omits the empty lists that nearly every subject has. */
export function subjectBody({ unreviewed, openedForOthers, denied }: Subject): JsonObject {
  return {
    unreviewed,
    ...(openedForOthers.length === 0 ? {} : { openedForOthers }),
    ...(denied.length === 0 ? {} : { denied }),
  };
}

const isSubjectBody = /* @__PURE__ */ (() =>
  shape({
    unreviewed: listOf(isText),
    openedForOthers: optional(listOf(isText, 1)),
    denied: optional(listOf(isText, 1)),
  }))();
/** @throws CorruptError */
export function decodeSubject(row: Row): Subject {
  const body = bodyOf<Subject>(row, 'subject') as Pick<Subject, 'unreviewed'> & Partial<Subject>;
  if (!isSubjectBody(body)) throw corrupt(row);
  const { unreviewed, openedForOthers = NONE, denied = NONE } = body;
  const subject = makeSubject({ id: row.id, version: row.version, unreviewed, openedForOthers, denied });
  return confirmed(row, subject, subjectColumns(subject));
}

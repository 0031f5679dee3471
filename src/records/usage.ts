import type { Row } from '../core/store-port.js';
import type { Usage } from '../model/usage.js';
import { usageDueAt } from './derived.js';
import { column, count, headOf, instant, optional, scope, struct, subject, whole } from './fields.js';
import { columns, confirmed, corrupt, fieldsOf, rowCheck, UNORDERED, type Columns, type Kind } from './kind.js';

export function makeUsage(fields: Omit<Usage, 'kind'>): Usage {
  return Object.freeze({
    kind: 'usage',
    id: fields.id,
    version: fields.version,
    subject: fields.subject,
    scope: fields.scope,
    startsAt: fields.startsAt,
    expiresAt: fields.expiresAt,
    idleTtlMs: fields.idleTtlMs,
    usedAt: fields.usedAt,
    uses: fields.uses,
    endedAt: fields.endedAt,
  });
}

const table = /* @__PURE__ */ (() =>
  struct<Usage>()({
    ...headOf('usage'),
    subject,
    scope,
    startsAt: column('from', instant),
    expiresAt: instant,
    idleTtlMs: optional(count),
    usedAt: optional(instant),
    uses: whole,
    endedAt: optional(instant),
  }))();

const bodyOf = /* @__PURE__ */ rowCheck(table);

function columnsOf(usage: Usage): Columns {
  const { subject, scope, endedAt, startsAt, expiresAt } = usage;
  const until = Math.max(startsAt, Math.min(expiresAt, endedAt ?? expiresAt));
  return columns(subject, scope, endedAt === undefined, UNORDERED, startsAt, until, usageDueAt(usage));
}

export const USAGE = /* @__PURE__ */ ((): Kind<Usage> => ({ fields: fieldsOf(table), make: makeUsage, columnsOf, decode: decodeUsage }))();

/** @throws CorruptError */
export function decodeUsage(row: Row): Usage {
  const body = bodyOf(row);
  if (body === undefined) throw corrupt(row);
  const { id, version, subject, scope, from: startsAt } = row;
  const usage = makeUsage({ ...body, id, version, subject, scope, startsAt } as unknown as Usage);
  return confirmed(row, usage, columnsOf(usage));
}

import type { Row } from '../core/store-port.js';
import type { ProvisioningChange, ProvisioningOutcome } from '../model/provisioning.js';
import { isUnsettled, provisioningDueAt } from './derived.js';
import { anyText, count, flag, headOf, instant, oneOf, optional, scope, struct, subject, text, whole } from './fields.js';
import { columns, kindOf, UNORDERED } from './kind.js';

export function makeProvisioningChange(fields: Omit<ProvisioningChange, 'kind'>): ProvisioningChange {
  const { outcome } = fields;
  return Object.freeze({
    kind: 'provisioning',
    id: fields.id,
    version: fields.version,
    name: fields.name,
    subject: fields.subject,
    scope: fields.scope,
    held: fields.held,
    seq: fields.seq,
    intendedAt: fields.intendedAt,
    failures: fields.failures,
    problem: fields.problem,
    tryAt: fields.tryAt,
    changedAt: fields.changedAt,
    outcome: outcome && Object.freeze({ status: outcome.status, at: outcome.at, by: outcome.by, reason: outcome.reason }),
  });
}

/** A stuck change stays open: the external system may still lack it. */
export const PROVISIONING_CHANGE = /* @__PURE__ */ (() =>
  kindOf(
    struct<ProvisioningChange>()({
      ...headOf('provisioning'),
      name: text,
      subject,
      scope,
      held: flag,
      seq: count,
      intendedAt: instant,
      failures: whole,
      problem: optional(text),
      tryAt: instant,
      changedAt: instant,
      outcome: optional(
        struct<ProvisioningOutcome>()({ status: oneOf('done', 'stuck', 'dismissed'), at: instant, by: text, reason: optional(anyText) }),
      ),
    }),
    makeProvisioningChange,
    (change) => columns(change.subject, change.scope, isUnsettled(change), UNORDERED, undefined, undefined, provisioningDueAt(change)),
  ))();

/** @throws CorruptError */
export const decodeProvisioningChange = (row: Row): ProvisioningChange => PROVISIONING_CHANGE.decode(row);

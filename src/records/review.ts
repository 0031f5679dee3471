import type {
  Assurance,
  Authentication,
  BegunStep,
  Escalation,
  Granted,
  Quorum,
  QuorumAlternative,
  QuorumGroup,
  QuorumStep,
  Review,
} from '../model/review.js';
import { anyText, count, instant, list, oneOf, optional, pattern, struct, text, where, whole } from './fields.js';
import { frozen } from './frozen.js';

/** An object without a field would read as a requirement that asks for nothing. */
const isFilled = (value: object): boolean => Object.keys(value).length > 0;

export const quorum = /* @__PURE__ */ (() => {
  const groups = list(struct<QuorumGroup>()({ name: text, approvals: count, denials: optional(count) }), 1);
  const escalation = optional(list(struct<Escalation>()({ group: text, afterMs: count }), 1));
  const steps = optional(list(struct<QuorumStep>()({ groups, escalation }), 1));
  return struct<Quorum>()({
    groups: optional(groups),
    steps,
    anyOf: optional(list(struct<QuorumAlternative>()({ groups: optional(groups), steps, denials: optional(count) }), 1)),
    denials: count,
    approvalTtlMs: optional(count),
    escalation,
    assurance: optional(where(struct<Assurance>()({ acr: optional(list(text, 1)), maxAgeMs: optional(count) }), isFilled)),
    remindEveryMs: optional(count),
  });
})();

export const begunStep = /* @__PURE__ */ (() => struct<BegunStep>()({ alternative: whole, step: count, at: instant }))();
export const granted = /* @__PURE__ */ (() => struct<Granted>()({ scopes: list(pattern, 1), ttlMs: count }))();

export const review = /* @__PURE__ */ (() =>
  struct<Review>()({
    reviewer: text,
    verdict: oneOf('approve', 'deny'),
    groups: list(text),
    as: optional(text),
    steps: optional(count),
    at: instant,
    reason: optional(anyText),
    comment: optional(anyText),
    ttlMs: optional(count),
    scopes: optional(list(pattern, 1)),
    auth: optional(where(struct<Authentication>()({ acr: optional(text), authAt: optional(instant) }), isFilled)),
  }))();

export const makeQuorum = (given: Quorum): Quorum => frozen(quorum, given);
export const makeReview = (given: Review): Review => frozen(review, given);

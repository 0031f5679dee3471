import { makeHolders, makeTerms, toJson, type AccessRequest } from '../records/index.js';
import { approveRequest } from './decision.js';
import { issueGrants, type IssueContext } from './grant.js';
import { holdersId } from './holders.js';
import { AS_REQUESTED } from './narrowing.js';
import type { Transition } from './transition.js';

/**
 * The largest change that the approval of a request can be, with one more review: each grant has a usage row and ten warnings, each
 * scope has a rule with `maxHolders`, and each extended grant is written too.
 */
export function longestApproval(asked: AccessRequest): Transition<unknown> {
  const { scopes, extension, createdAt: now } = asked;
  // The longest of each. JSON escapes each character of the text.
  const id = 'x'.repeat(256);
  const text = '"'.repeat(4_096);
  const warnings = Array.from({ length: 10 }, (_, i) => 10 - i);
  const terms = {
    warnBeforeMs: warnings,
    idleTtlMs: asked.ttlMs,
    maxUses: 1,
    maxTotalMs: undefined,
    endBy: undefined,
    maxHolders: undefined,
  };
  const given = { reviewer: id, verdict: 'approve', groups: [id], as: undefined, steps: undefined, at: now, auth: undefined } as const;
  const review = { ...given, ...AS_REQUESTED, reason: text, comment: text };
  const reviews = [...asked.reviews, review];
  const request = { ...asked, reviews };
  const moment = { now, highWater: now, forEnds: now, steppedBack: false, actor: id };
  const context: IssueContext = {
    subject: undefined,
    live: [],
    given: new Map(),
    // Without a row, nothing is compared.
    locks: { row: undefined, overlaps: Object.is },
    chains: [],
    limits: { maxGrants: Infinity, warnBeforeMs: warnings },
    asksAtStart: true,
    origins: [],
  };
  // The extended grants are like the new ones.
  const alike = () => issueGrants({ ...request, extension: undefined, terms: makeTerms(terms) }, now, id, context).result;
  const origins = extension === undefined ? [] : alike().map((grant, i) => ({ ...grant, id: extension.grantIds[i] as string }));
  const approval = approveRequest(
    request,
    { cause: 'quorum', by: id, reason: text },
    moment,
    { approver: id, rule: id, terms: makeTerms(terms), assignedAt: now, reviews },
    { ...context, origins },
  );
  const holders = scopes.map((rule) =>
    makeHolders({ id: holdersId(id, rule), version: 1, approver: id, rule, grantIds: [`${request.id}.${scopes.length}`] }),
  );
  const reviewed = approval.entries.slice(0, 1).map((entry) => ({ ...entry, data: toJson({ review }) }));
  return { ...approval, put: [...approval.put, ...holders], entries: [...reviewed, ...approval.entries] };
}

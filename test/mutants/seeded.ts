/** A bug as a developer might write it: one place of the sources, and its replacement. */
export interface Seeded {
  /** The wrong behaviour. */
  readonly name: string;
  readonly file: string;
  /** Occurs exactly once. */
  readonly from: string;
  readonly to: string;
  /** A second place that guards the same: only both together are a bug. */
  readonly also?: Omit<Seeded, 'name' | 'also'>;
}

/**
 * Bugs in the rules and the shell, one for each rule, each of which the reference model must find. `npm run mutate` changes every other
 * place, and runs lives beside the model too.
 */
export const SEEDED: readonly Seeded[] = [
  {
    name: '`<` is `<=` at the end of a grant',
    file: 'lifecycle/status.ts',
    from: 'from <= now && forEnds < until',
    to: 'from <= now && forEnds <= until',
  },
  {
    name: 'a grant with an open end never ends',
    file: 'lifecycle/status.ts',
    from: 'isWithin(startsAt, effectiveEnd(grant, usage), instants)',
    to: 'isWithin(startsAt, usage !== undefined && usage.usedAt === undefined ? 8_640_000_000_000_000 : effectiveEnd(grant, usage), instants)',
  },
  {
    name: 'ends are judged by the clock, not by the high-water mark',
    file: 'core/clock.ts',
    from: 'forEnds: highWater + this.#leewayMs',
    to: 'forEnds: now + this.#leewayMs',
  },
  {
    name: 'a repeated consume allows although the grant has ended',
    file: 'lifecycle/usage.ts',
    from: 'return isUsable(grantUse, instants) || (usesLeft === 0 &&',
    to: 'return isUsable(grantUse, instants) || grantUse.usage !== undefined || (usesLeft === 0 &&',
  },
  {
    name: 'a repeated request returns a revoked grant as granted',
    file: 'engine/requests/access-result.ts',
    from: "outcome: hasEnded ? 'ended' : 'granted'",
    to: "outcome: hasEnded && !allowed ? 'granted' : 'granted'",
  },
  {
    name: 'a start without activation allows',
    file: 'records/derived.ts',
    from: 'asksAtStart ? (activatedAt ?? Infinity) : startsAt;',
    to: 'asksAtStart ? (activatedAt ?? startsAt) : startsAt;',
  },
  {
    name: 'a deadline is judged by the clock, not by the high-water mark',
    file: 'lifecycle/decision.ts',
    from: 'if (hasPassed(request.reviewBy, moment)) throw new DeadlineError',
    to: 'if (hasPassed(request.reviewBy, { forEnds: moment.now })) throw new DeadlineError',
  },
  {
    name: 'the subject may review',
    file: 'lifecycle/review.ts',
    from: 'reviewer === request.subject || reviewer === request.requestedBy',
    to: 'reviewer === request.requestedBy && reviewer !== request.subject',
  },
  {
    name: 'a reviewer who has left the group counts',
    file: 'lifecycle/judge.ts',
    from: 'review.groups.filter((name) => groups.get(review.reviewer)?.includes(name))',
    to: 'review.groups.filter((name) => groups !== undefined && name !== "")',
  },
  {
    name: 'an approval of a step also counts in the steps after it',
    file: 'lifecycle/quorum.ts',
    from: '(orderOf(request, alternative, step) <= steps ? groups : [])',
    to: '(steps >= 0 ? groups : [])',
  },
  {
    name: 'a denial becomes an approval',
    file: 'lifecycle/review.ts',
    from: "reviewBy(request, reviewer)?.verdict === 'deny' && verdict === 'approve'",
    to: "reviewBy(request, reviewer)?.verdict === 'deny' && verdict === 'deny' && false",
  },
  {
    name: 'the window starts at the request',
    file: 'lifecycle/window.ts',
    from: 'expiresAt: Math.min((asked ?? at) + ttlMs',
    to: 'expiresAt: Math.min((asked ?? request.createdAt) + ttlMs',
  },
  {
    name: 'one grant too many',
    file: 'lifecycle/subject.ts',
    from: 'return grants > maxGrants ?',
    to: 'return grants - asked.scopes.length > maxGrants ?',
  },
  {
    name: 'a revoke does not end the extensions of the grant',
    file: 'lifecycle/extension-chain.ts',
    from: 'return combine(ended.result, [ended, ...endChain(chain, moment)]);',
    to: 'return combine(ended.result, [ended]);',
  },
  {
    name: 'an extension of a bundle outlives the revocation of its second grant',
    file: 'lifecycle/chain-limits.ts',
    from: 'extension !== undefined && extension.grantIds.some((id) => chain.has(id));',
    to: 'extension !== undefined && extension.grantIds.slice(0, 1).some((id) => chain.has(id));',
  },
  {
    name: 'an end under a clock that was set back shortens access in the past',
    file: 'lifecycle/transition.ts',
    from: 'Math.max(stamped, highWater, issuedAt)',
    to: 'Math.max(stamped, Math.min(highWater, issuedAt))',
  },
  {
    name: 'an instant of a wrong clock is a base for the next stamp',
    file: 'lifecycle/transition.ts',
    from: 'held.filter((at) => isBase(at, by))',
    to: 'held.filter((at) => isBase(at, by) || at > 0)',
  },
  {
    name: 'an approval of a wrong clock is fresh',
    file: 'lifecycle/approvals.ts',
    from: 'isBase(at, forEnds) && forEnds < at',
    to: 'isBase(at, Infinity) && forEnds < at',
  },
  {
    name: 'one clock alone records the end of a lock [A8]',
    file: 'engine/endings/locks.ts',
    from: 'overdueLocks(row, Math.min(now.now, confirmed))',
    to: 'overdueLocks(row, Math.max(now.now, confirmed))',
  },
  {
    name: 'a start that a wrong clock has confirmed denies [A9]',
    file: 'records/derived.ts',
    from: '!isBase(activatedAt, clock)',
    to: '!isBase(activatedAt, Infinity)',
  },
  {
    name: 'an expired grant leaves its place at once',
    file: 'lifecycle/holders.ts',
    from: '.map(({ grant }) => grant).filter(({ end }) => end === undefined);',
    to: '.map(({ grant }) => grant).filter(({ end, expiresAt }) => end === undefined && !hasPassed(expiresAt, moment));',
  },
  {
    name: 'idle time is counted from the start',
    file: 'records/derived.ts',
    from: '(usedAt ?? startsAt) + idleTtlMs;',
    to: 'startsAt + idleTtlMs;',
  },
  {
    name: 'a denial has no effect on a later request [M3]',
    file: 'lifecycle/same-ask.ts',
    from: 'if (now >= retryAt) return;',
    to: 'if (now >= standing.at) return;',
  },
  {
    name: 'held access of another operator answers an ask [FE4]',
    file: 'lifecycle/subject.ts',
    from: 'request.operator === asked.operator &&',
    to: '',
  },
  {
    name: 'held access that ends before the asked end answers an ask [FE4]',
    file: 'lifecycle/subject.ts',
    from: '.filter((held) => held.until >= until)',
    to: '.filter((held) => held.until > from)',
  },
  {
    name: 'a denial does not stand against an amendment [EN5]',
    file: 'lifecycle/request.ts',
    from: 'if (askAgainAfterMs !== undefined) refuseIfDenied',
    to: 'if (askAgainAfterMs !== undefined && request.replaces === undefined) refuseIfDenied',
  },
  {
    name: 'a purge removes a request with a pending break-glass review',
    file: 'lifecycle/purge.ts',
    from: 'needsReview(request) || lastInstant(request) >= before',
    to: 'lastInstant(request) >= before',
    also: { file: 'records/request.ts', from: ': needsReview(request) ? after?.reviewBy : undefined', to: ': undefined' },
  },
  {
    name: 'a page of the inbox skips the first request of the next',
    file: 'engine/lists/due-requests.ts',
    from: 'if (items.length === limit) return { items, next: from };',
    to: "if (items.length === limit) return { items, next: placeOf(row, 'due') };",
  },
  {
    name: 'a repeated break-glass allows although the grant has ended',
    file: 'engine/break-glass/break-glass.ts',
    from: 'return { ...access, reused: true,',
    to: "return { ...access, outcome: 'granted', allowed: true, reused: true,",
  },
  {
    name: 'a check of a run reads the grants of its agent',
    file: 'engine/checks/checker.ts',
    from: 'return askLive(this.#store, { subject, scope: exactly,',
    to: "return askLive(this.#store, { subject: subject.split('/run/')[0] as string, scope: exactly,",
  },
  {
    name: 'a lock on an agent spares its runs',
    file: 'lifecycle/lock.ts',
    from: 'ids.some((id) => isReachedBy(id, subject))',
    to: 'ids.includes(subject)',
  },
  {
    name: 'a stale approval still narrows',
    file: 'lifecycle/review.ts',
    from: 'granted: leastOf(request, approvals)',
    to: "granted: leastOf(request, reviews.filter((review) => review.verdict === 'approve'))",
  },
  {
    name: 'an amendment leaves the old request open (feature 10)',
    file: 'lifecycle/amend.ts',
    from: 'return combine(id, [endRequest(before, ending, moment, { replacedBy: id }), opened]);',
    to: 'return combine(id, [endRequest(before, ending, moment, { replacedBy: id }), opened].slice(1));',
  },
  {
    name: 'a late decision moves the requested end (feature 10)',
    file: 'lifecycle/window.ts',
    from: '(asked ?? at) + ttlMs, until, terms',
    to: '(asked ?? at) + ttlMs, terms',
  },
  {
    name: 'break-glass cancels requests for more than its scopes',
    file: 'lifecycle/break-glass.ts',
    from: 'one.scopes.every(isTaken)',
    to: 'one.scopes.some(isTaken)',
  },
  {
    name: 'the reviewers of a request are reminded only once (feature 11)',
    file: 'records/quorum.ts',
    from: 'reminders >= MAX_REMINDERS',
    to: 'reminders >= 1',
  },
  {
    name: 'a denial in the commit of its request is not held against the next ask',
    file: 'lifecycle/decide-at-once.ts',
    from: 'noteDenial(verdict, denial && { ...denial, subject }',
    to: 'noteDenial(verdict, denial && subject && undefined',
  },
  {
    name: 'a decision in the commit of its request expects the subject as it was before',
    file: 'lifecycle/decide-at-once.ts',
    from: 'issue && { ...issue, subject }',
    to: 'issue',
  },
];

/** A bug as somebody might write it: one place of the sources, and what stands there instead. */
export interface Seeded {
  /** What is wrong then. */
  readonly name: string;
  readonly file: string;
  /** Stands there exactly once. */
  readonly from: string;
  readonly to: string;
  /** A second place, where one alone changes nothing: what is guarded twice. */
  readonly also?: Omit<Seeded, 'name' | 'also'>;
}

/** Bugs in the rules and the shell, each of which the reference model must find by itself. */
export const SEEDED: readonly Seeded[] = [
  {
    name: '`<` is `<=` at the end of a grant',
    file: 'lifecycle/status.ts',
    from: 'startsAt <= now && late < until',
    to: 'startsAt <= now && late <= until',
  },
  {
    name: '`<=` is `<` at its start',
    file: 'lifecycle/status.ts',
    from: 'isInstant(until) && startsAt <= now',
    to: 'isInstant(until) && startsAt < now',
  },
  {
    name: 'no end is for ever',
    file: 'lifecycle/status.ts',
    from: 'late < until;\n}',
    to: '(late < until || usage?.usedAt === undefined && grant_idle(usage));\n}\nconst grant_idle = (usage: unknown): boolean => usage !== undefined;',
  },
  {
    name: 'the leeway is added',
    file: 'time.ts',
    from: 'late: highest + this.#leewayMs',
    to: 'late: highest - this.#leewayMs',
  },
  {
    name: 'ends are judged at the clock',
    file: 'time.ts',
    from: 'late: highest + this.#leewayMs',
    to: 'late: now + this.#leewayMs',
  },
  {
    name: 'a step back is not noticed',
    file: 'time.ts',
    from: 'const steppedBack = now < highest - STEP_BACK_MS;',
    to: 'const steppedBack = false;',
  },
  {
    name: 'a second back is too far',
    file: 'time.ts',
    from: 'now < highest - STEP_BACK_MS',
    to: 'now <= highest - STEP_BACK_MS',
  },
  {
    name: 'a revoke by somebody ends nothing',
    file: 'lifecycle/grant.ts',
    from: "return endWith(grant, { status: 'revoked', cause,",
    to: "if (cause === 'revoked') return unchanged(grant);\n  return endWith(grant, { status: 'revoked', cause,",
  },
  {
    name: 'a use that is not counted',
    file: 'lifecycle/usage.ts',
    from: 'const uses = usage.uses + 1;',
    to: 'const uses = Math.max(1, usage.uses);',
  },
  {
    name: 'a repeated use is a permission',
    file: 'lifecycle/usage.ts',
    from: 'return isUsable(held, instants) || (usesLeft === 0 &&',
    to: 'return isUsable(held, instants) || held.usage !== undefined || (usesLeft === 0 &&',
  },
  {
    name: 'what was taken back is told as granted',
    file: 'engine/access-result.ts',
    from: "outcome: hasEnded ? 'ended' : 'granted'",
    to: "outcome: hasEnded && !allowed ? 'granted' : 'granted'",
  },
  {
    name: 'a repeat is told as new',
    file: 'engine/deciding.ts',
    from: '{ id: before, reused: true }',
    to: '{ id: before, reused: before !== id }',
  },
  { name: 'the last use ends nothing', file: 'lifecycle/usage.ts', from: 'if (usesLeft > 0 || isHeld) {', to: 'if (usesLeft > -1) {' },
  {
    name: 'a start that is not confirmed allows',
    file: 'records/derived.ts',
    from: 'asksAtStart ? (activatedAt ?? Infinity) : startsAt;',
    to: 'asksAtStart ? (activatedAt ?? startsAt) : startsAt;',
  },
  {
    name: 'a deadline is not judged',
    file: 'lifecycle/decision.ts',
    from: 'if (isOver(request.reviewBy, moment)) throw new DeadlineError',
    to: 'if (false) throw new DeadlineError',
  },
  {
    name: 'a deadline is judged by the clock',
    file: 'lifecycle/decision.ts',
    from: 'if (isOver(request.reviewBy, moment)) throw new DeadlineError',
    to: 'if (isOver(request.reviewBy, { late: moment.now })) throw new DeadlineError',
  },
  {
    name: 'votes are counted, not voters',
    file: 'lifecycle/review.ts',
    from: '[...request.reviews.filter((other) => other !== given), review]',
    to: '[...request.reviews, review]',
  },
  {
    name: 'an approval fills any place',
    file: 'lifecycle/review.ts',
    from: '!approval.groups.includes(places[place] as string)',
    to: 'false',
  },
  {
    name: 'the subject reviews',
    file: 'lifecycle/review.ts',
    from: 'reviewer === request.subject || reviewer === request.requestedBy',
    to: 'reviewer === request.requestedBy && reviewer !== request.subject',
  },
  {
    name: 'whoever asked reviews',
    file: 'lifecycle/review.ts',
    from: 'reviewer === request.subject || reviewer === request.requestedBy',
    to: 'reviewer === request.subject',
  },
  {
    name: 'approvals stay fresh',
    file: 'lifecycle/review.ts',
    from: 'late < review.at + approvalTtlMs',
    to: 'late <= review.at + approvalTtlMs',
  },
  {
    name: 'whoever has left the group counts',
    file: 'lifecycle/review.ts',
    from: 'one.groups.filter((name) => facts.groups.get(one.reviewer)?.includes(name))',
    to: 'one.groups.filter((name) => facts !== undefined && name !== "")',
  },
  {
    name: 'one denial too many is needed',
    file: 'lifecycle/review.ts',
    from: "counted.filter((one) => one.verdict === 'deny').length >= quorum.denials",
    to: "counted.filter((one) => one.verdict === 'deny').length > quorum.denials",
  },
  {
    name: 'a denial becomes an approval',
    file: 'lifecycle/review.ts',
    from: "reviewBy(request, reviewer)?.verdict === 'deny' && verdict === 'approve'",
    to: "reviewBy(request, reviewer)?.verdict === 'deny' && verdict === 'deny' && false",
  },
  {
    name: 'a stand-in comes too early',
    file: 'lifecycle/review.ts',
    from: '(escalatesAt(request) ?? Infinity) <= now;',
    to: '(escalatesAt(request) ?? Infinity) <= now + 1;',
  },
  {
    name: 'the window starts at the request',
    file: 'lifecycle/window.ts',
    from: 'startsAt: Math.max(asked ?? at, at), expiresAt: (asked ?? at) + ttlMs',
    to: 'startsAt: Math.max(asked ?? at, at), expiresAt: (asked ?? request.createdAt) + ttlMs',
  },
  {
    name: 'a late decision shifts the end',
    file: 'lifecycle/window.ts',
    from: 'expiresAt: (asked ?? at) + ttlMs',
    to: 'expiresAt: Math.max(asked ?? at, at) + ttlMs',
  },
  {
    name: 'an extension starts at once',
    file: 'lifecycle/window.ts',
    from: 'const startsAt = Math.max(extension.from, at);',
    to: 'const startsAt = at;',
  },
  {
    name: 'a line has no longest time',
    file: 'lifecycle/window.ts',
    from: 'Math.min(startsAt + ttlMs, latestEnd(request))',
    to: 'startsAt + ttlMs',
  },
  {
    name: 'one grant for all scopes',
    file: 'lifecycle/grant.ts',
    from: 'const grants = request.scopes.map((scope, i) =>',
    to: 'const grants = request.scopes.slice(0, 1).map((scope, i) =>',
  },
  {
    name: 'one grant too many',
    file: 'lifecycle/subject.ts',
    from: 'return grants > maxGrants ?',
    to: 'return grants - asked.scopes.length > maxGrants ?',
  },
  {
    name: 'a revoke leaves what goes on',
    file: 'lifecycle/line.ts',
    from: 'return joined(ended.result, [ended, ...endLine(line, moment)]);',
    to: 'return joined(ended.result, [ended]);',
  },
  {
    name: 'a revoke leaves who asks to go on',
    file: 'lifecycle/line.ts',
    from: '...requests.map((request) => cancelWithOrigin(request, moment)),',
    to: '...requests.slice(1).map((request) => cancelWithOrigin(request, moment)),',
  },
  {
    name: 'anybody releases',
    file: 'lifecycle/line.ts',
    from: "cause === 'released' && moment.actor !== grant.subject",
    to: "cause === 'released' && moment.actor === ''",
  },
  {
    name: 'an end under a clock that went back takes away what was held',
    file: 'lifecycle/step.ts',
    from: 'Math.max(stamped, moment.highest)',
    to: 'stamped',
  },
  {
    name: 'an entry is stamped before its record',
    file: 'lifecycle/step.ts',
    from: 'Math.max(moment.now, ...records.map((record) => (record === undefined ? 0 : lastInstant(record))));',
    to: 'Math.max(moment.now, records.length * 0);',
  },
  {
    name: 'an entry is dropped',
    file: 'lifecycle/grant.ts',
    from: "entries: [entryOf(next, 'grant.extended', at, by, { successors })]",
    to: 'entries: []',
  },
  {
    name: 'idle time is counted from the start',
    file: 'records/derived.ts',
    from: '(usedAt ?? startsAt) + idleTtlMs;',
    to: 'startsAt + idleTtlMs;',
  },
  {
    name: 'what time has ended counts until a sweep [M4]',
    file: 'engine/facts.ts',
    from: 'if (ended.length === 0 || tries === MAX_READS) return facts;',
    to: 'if (ended.length >= 0 || tries === MAX_READS) return facts;',
  },
  {
    name: 'windows of a moment are opened [M4]',
    file: 'lifecycle/request.ts',
    from: 'if (ask.ttlMs < limits.minTtlMs) throw',
    to: 'if (ask.ttlMs < 0) throw',
  },
  {
    name: 'of a window that has begun a moment is given [M4]',
    file: 'lifecycle/request.ts',
    from: 'if (left < limits.minTtlMs) throw',
    to: 'if (left < 0) throw',
  },
  {
    name: 'a denial stands against nothing [M3]',
    file: 'lifecycle/same-ask.ts',
    from: 'if (now >= retryAt) return;',
    to: 'if (now >= standing.at) return;',
  },
  {
    name: 'a reviewer does not see what was said against a twin [M3]',
    file: 'lifecycle/same-ask.ts',
    from: '.filter(({ at }) => now < at + shownMs)',
    to: '.filter(({ at }) => now < at)',
  },
  {
    name: 'a reviewer does not see the twin [M3]',
    file: 'lifecycle/same-ask.ts',
    from: 'other.id !== request.id && isPending(other, moment) &&',
    to: 'other.id === request.id && isPending(other, moment) &&',
  },
  {
    name: 'others use up the limits of a subject [M5]',
    file: 'lifecycle/subject.ts',
    from: 'requestedBy === undefined || requestedBy === asked.requestedBy || requestedBy === asked.subject;',
    to: "requestedBy !== '' || requestedBy === asked.requestedBy;",
  },
  {
    name: 'through others a subject has as much again [M5]',
    file: 'lifecycle/subject.ts',
    from: 'requestedBy === asked.requestedBy || requestedBy === asked.subject;',
    to: 'requestedBy === asked.requestedBy;',
  },
  {
    name: 'what is held keeps from an emergency [M5]',
    file: 'lifecycle/subject.ts',
    from: 'if (!isBreakGlass) return grants > maxGrants',
    to: 'if (!isBreakGlass || grants + countGrants(facts, asked, false) > maxGrants) return grants + countGrants(facts, asked, false) > maxGrants',
  },
  {
    name: 'what others took keeps from an emergency [M5]',
    file: 'lifecycle/break-glass.ts',
    from: 'const counting = takesItself',
    to: 'const counting = takesItself && debtor.unreviewed.length > 99',
  },
  {
    name: 'an ask comes back to whoever asks [M6]',
    file: 'lifecycle/subject.ts',
    from: 'request.requestedBy === asked.requestedBy &&',
    to: 'request.subject === asked.subject &&',
  },
  {
    name: 'an ask comes back for longer than was asked [M6]',
    file: 'lifecycle/subject.ts',
    from: 'request.ttlMs <= asked.ttlMs &&',
    to: 'request.ttlMs > 0 &&',
  },
  {
    name: 'windows that adjoin have no longest time [F9]',
    file: 'lifecycle/request.ts',
    from: 'if (coverMs <= maxTotalMs) return undefined;',
    to: 'if (coverMs > 0) return undefined;',
  },
  {
    name: 'a use is taken of what ends last',
    file: 'lifecycle/usage.ts',
    from: 'heldUntil(a.grant, a.usage) - heldUntil(b.grant, b.usage)',
    to: 'heldUntil(b.grant, b.usage) - heldUntil(a.grant, a.usage)',
  },
  { name: 'a touch is never written', file: 'lifecycle/usage.ts', from: '> grant.idleTtlMs / IDLE_PARTS', to: '> grant.idleTtlMs' },
  {
    name: 'debts are not counted',
    file: 'lifecycle/break-glass.ts',
    from: 'if (counting.length < maxUnreviewed) continue;',
    to: 'if (counting.length <= maxUnreviewed) continue;',
  },
  {
    name: 'break-glass passes a member over that denies',
    file: 'approvers/first-decisive.ts',
    from: 'return (await denialOf(member, request, context)) ?? ABSTAINS;',
    to: 'return ABSTAINS;',
  },
  {
    name: 'unjustified ends nothing',
    file: 'lifecycle/break-glass.ts',
    from: "verdict === 'unjustified' ? endGrant",
    to: "verdict === ('never' as string) ? endGrant",
  },
  {
    name: 'a purge takes what owes a review',
    file: 'lifecycle/purge.ts',
    from: 'isOwed(request) || lastInstant(request) >= before',
    to: 'lastInstant(request) >= before',
    also: { file: 'records/codec/columns.ts', from: 'record.end === undefined || isOwed(record)', to: 'record.end === undefined' },
  },
  {
    name: 'a purge takes nothing',
    file: 'engine/purge.ts',
    from: 'if (!isReadable || !isPurgeable(',
    to: 'if (isReadable || !isPurgeable(',
  },
  {
    name: 'an inbox keeps what has been reviewed',
    file: 'lifecycle/review.ts',
    from: 'given !== undefined && isFresh(given, quorum, reading) ? []',
    to: 'given !== undefined && false ? []',
  },
];

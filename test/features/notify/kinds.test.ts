import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { notify, type Notice } from '../../../src/features/notify/notify.js';
import { GENESIS, link } from '../../../src/journal/link.js';
import {
  GRANT_ENDS,
  makeTerms,
  REQUEST_ENDS,
  type AccessRequest,
  type AuditEntry,
  type EntryType,
  type Grant,
} from '../../../src/records/index.js';
import { aGrant, anEntry, aRequest, START_AT } from '../../../src/testing.js';
import type { JsonObject } from '../../../src/model/json.js';
import { toJson } from '../../../src/records/index.js';
import { aQuorum } from '../../lifecycle/a-quorum.js';

const MINUTE = 60_000;
const at = (minutes: number) => START_AT + minutes * MINUTE;

interface Case {
  readonly type: EntryType;
  readonly data?: JsonObject;
  readonly actor?: string;
  readonly grantId?: string | undefined;
  readonly requestId?: string | undefined;
  readonly namespace?: string;
  readonly request?: AccessRequest | undefined;
  readonly grants?: readonly Grant[];
}

/** The notices of one entry, with the records as they are now. */
async function noticesOf({ type, data = {}, actor = 'user:sam', request, grants = [], ...over }: Case): Promise<readonly Notice[]> {
  const notices: Notice[] = [];
  const ids = { requestId: 'r1', grantId: undefined, ...over };
  const entry = link(GENESIS, [anEntry({ type, data, actor, at: START_AT, ...ids })])[0] as AuditEntry;
  const sink = notify({ name: 'chat', send: (notice) => void notices.push(notice) });
  const found = request && { request, grants };
  await sink.write([entry], { request: (id) => Promise.resolve(id === found?.request.id ? found : undefined) });
  return notices;
}

const noticeOf = async (over: Case): Promise<Notice> => {
  const notices = await noticesOf(over);
  expect(notices).toHaveLength(1);
  return notices[0] as Notice;
};

const groups = [
  { name: 'platform', approvals: 2 },
  { name: 'security', approvals: 1 },
];
const quorum = aQuorum({ groups, escalation: { group: 'leads', afterMs: MINUTE } });
const QUORUM = toJson({ ...quorum });
const byOther = aRequest({ requestedBy: 'user:noor', scopes: ['db-prod:write', 'db-prod:read'] });
const endOf = (status: string, cause: string, by = 'user:sam', reason?: string) => ({
  end: { status, cause, at: START_AT, by, ...(reason === undefined ? {} : { reason }) },
});
const owed = { reviewBy: at(60), reviewers: ['security'], skippedGroups: ['platform'], skippedPeople: ['user:ana', 'user:sam'] };

describe('a notice', () => {
  it('has the records of its entry, and is frozen', async () => {
    const request = aRequest();
    const grant = aGrant();
    const data = { subject: 'user:maya', scope: 'db-prod:write', expiresAt: at(15) };
    const notice = await noticeOf({ type: 'grant.warned', data, grantId: 'r1.1', request, grants: [aGrant({ id: 'r1.2' }), grant] });
    expect(notice).toMatchObject({ id: 'c1.1', kind: 'expiring', at: START_AT, namespace: 'default' });
    expect(notice.request).toBe(request);
    expect(notice.grant).toBe(grant);
    expect(notice.entry.id).toBe('c1.1');
    expect(Object.isFrozen(notice)).toBe(true);
  });

  it('names its namespace, unless it is the default', async () => {
    expect((await noticeOf({ type: 'request.expired', namespace: 'tenant-7' })).text).toContain('\nnamespace: tenant-7');
    expect((await noticeOf({ type: 'request.expired' })).text).not.toContain('namespace');
  });

  it('never has metadata in its texts', async () => {
    const request = aRequest({ metadata: { token: 'hush' } });
    for (const type of ['request.assigned', 'request.escalated', 'request.approved', 'breakGlass.overdue'] as const) {
      const { text, markdown } = await noticeOf({ type, request });
      expect(text + markdown).not.toContain('hush');
    }
  });

  it.each<EntryType>([
    'request.created',
    'request.reused',
    'request.reviewed',
    'grant.issued',
    'grant.activated',
    'grant.extended',
    'grant.used',
    'usage.closed',
    'breakGlass.reviewed',
    'provisioning.intended',
    'provisioning.failed',
    'provisioning.done',
    'provisioning.retried',
    'provisioning.dismissed',
    'attempt.refused',
    'journal.purged',
    'journal.accepted',
    'clock.accepted',
    // A name that only resembles an entry type.
    'constructor' as EntryType,
  ])('is not made of %s', async (type) => {
    expect(await noticesOf({ type, request: aRequest() })).toEqual([]);
  });
});

describe('review_requested', () => {
  it('notifies the groups of the quorum: who asks for what, why, and until when', async () => {
    const request = aRequest({ ...byOther, startsAt: at(30), quorum });
    const notice = await noticeOf({ type: 'request.assigned', data: { quorum: QUORUM, reviewBy: at(60) }, request });
    expect(notice).toMatchObject({ kind: 'review_requested', people: ['user:maya', 'user:noor'], groups: ['platform', 'security'] });
    expect(notice.text).toBe(
      [
        'user:maya asks for db-prod:write, db-prod:read, for 15m',
        'asked by: user:noor',
        'justification: the primary rejects writes',
        'ticket: INC-4711',
        'starts: 2026-01-01 00:30 UTC',
        'needs: 2 of platform, 1 of security',
        'decide before: 2026-01-01 01:00 UTC',
        'request: r1',
      ].join('\n'),
    );
    expect(notice.markdown).toBe(
      [
        '**`user:maya` asks for `db-prod:write`, `db-prod:read`, for 15m**',
        '',
        '- asked by: `user:noor`',
        '- justification: the primary rejects writes',
        '- ticket: INC-4711',
        '- starts: 2026-01-01 00:30 UTC',
        '- needs: 2 of `platform`, 1 of `security`',
        '- decide before: 2026-01-01 01:00 UTC',
        '- request: `r1`',
      ].join('\n'),
    );
  });

  it('says that the request is an extension', async () => {
    const extension = { grantIds: ['r0.1'], requestId: undefined, from: at(5), firstStartsAt: START_AT, until: at(90), breakGlass: false };
    const { text } = await noticeOf({ type: 'request.assigned', data: { quorum: QUORUM }, request: aRequest({ extension }) });
    expect(text).toContain('\nextends: r0.1\n');
  });

  it('names the escalation group', async () => {
    const notice = await noticeOf({ type: 'request.escalated', data: { groups: ['leads'] }, actor: 'system:sweeper', request: byOther });
    expect(notice).toMatchObject({ kind: 'review_requested', people: ['user:maya', 'user:noor'], groups: ['leads'] });
    expect(notice.text).toBe(
      [
        "user:maya's request for db-prod:write, db-prod:read still waits for review: leads may now stand in",
        'asked by: user:noor',
        'justification: the primary rejects writes',
        'ticket: INC-4711',
        'for: 15m',
        'decide before: 2026-01-01 01:00 UTC',
        'request: r1',
      ].join('\n'),
    );
  });

  it('reminds the groups with the number of the reminder, and not the subject or the requester (feature 11)', async () => {
    const sam = { reviewer: 'user:sam', verdict: 'approve', groups: ['platform'], as: undefined, steps: undefined, at: at(1) } as const;
    const request = aRequest({
      reviews: [{ ...sam, reason: undefined, comment: undefined, ttlMs: undefined, scopes: undefined, auth: undefined }],
    });
    const of = { type: 'request.reminded', actor: 'system:sweeper' } as const;
    const notice = await noticeOf({ ...of, data: { groups: ['platform', 'security'], reminders: 3 }, request });
    expect(notice).toMatchObject({ kind: 'review_requested', people: [], groups: ['platform', 'security'] });
    expect(notice.text).toBe(
      [
        "Reminder 3: user:maya's request for db-prod:write waits for review",
        'justification: the primary rejects writes',
        'ticket: INC-4711',
        'for: 15m',
        'approved by: user:sam',
        'decide before: 2026-01-01 01:00 UTC',
        'request: r1',
      ].join('\n'),
    );
    // A request that was purged, and a malformed entry.
    expect((await noticeOf({ ...of, data: { reminders: 'many' } })).text).toBe('Reminder: Request r1 waits for review\nrequest: r1');
  });

  it.each(['request.assigned', 'request.escalated', 'request.reminded'] as const)(
    'says of a request that is %s that no review is needed',
    async (type) => {
      const end = { status: 'cancelled', cause: 'cancelled', at: at(1), by: 'user:maya', reason: undefined } as const;
      const { text } = await noticeOf({ type, data: { quorum: QUORUM }, request: aRequest({ end }) });
      expect(text.split('\n')[1]).toBe('no action needed: the request is already cancelled');
    },
  );

  it("has the entry's fields where the request has been purged", async () => {
    const assigned = await noticeOf({ type: 'request.assigned', data: { quorum: QUORUM, reviewBy: at(60) } });
    expect(assigned).toMatchObject({ people: [], groups: ['platform', 'security'], request: undefined, grant: undefined });
    expect(assigned.text).toBe(
      'Request r1 waits for review\nneeds: 2 of platform, 1 of security\ndecide before: 2026-01-01 01:00 UTC\nrequest: r1',
    );
    const escalated = await noticeOf({ type: 'request.escalated', data: { groups: ['leads'] } });
    expect(escalated.groups).toEqual(['leads']);
    expect(escalated.text).toBe('Request r1 still waits for review: leads may now stand in\nrequest: r1');
  });
});

describe('decided', () => {
  it('says that the request was approved, by which rule, and from when until when', async () => {
    const grants = [aGrant({ startsAt: at(5), expiresAt: at(20) }), aGrant({ id: 'r1.2', startsAt: at(5), expiresAt: at(20) })];
    const data = { ...endOf('approved', 'quorum', 'user:sam', 'looks *right*'), rule: 'prod' };
    const notice = await noticeOf({ type: 'request.approved', data, request: aRequest(), grants });
    expect(notice).toMatchObject({ kind: 'decided', people: ['user:maya'], groups: [] });
    expect(notice.text).toBe(
      [
        "user:maya's request for db-prod:write was approved (final approval: user:sam)",
        'reason: looks *right*',
        'rule: prod',
        'access: from 2026-01-01 00:05 UTC until 2026-01-01 00:20 UTC',
        'justification: the primary rejects writes',
        'ticket: INC-4711',
        'request: r1',
      ].join('\n'),
    );
    expect(notice.markdown).toContain('\n- reason: looks \\*right\\*\n');
  });

  it('gives only the end of access that has begun', async () => {
    const { text } = await noticeOf({
      type: 'request.approved',
      data: endOf('approved', 'approver'),
      request: aRequest(),
      grants: [aGrant()],
    });
    expect(text).toContain('\naccess: until 2026-01-01 00:15 UTC\n');
  });

  it.each([
    ['what was requested', ['db-prod:write', 'db-prod:read'], 15, undefined],
    ['fewer scopes', ['db-prod:read'], 15, 'granted: db-prod:read, for 15m'],
    ['less time', ['db-prod:write', 'db-prod:read'], 5, 'granted: db-prod:write, db-prod:read, for 5m'],
    ['an unknown time', ['db-prod:read'], 'soon', undefined],
  ] as const)('names the access to which reviewers have narrowed the request: %s (feature 4)', async (_, scopes, minutes, line) => {
    const granted = { scopes, ttlMs: typeof minutes === 'number' ? minutes * MINUTE : minutes };
    const data = { end: { ...endOf('approved', 'quorum').end, granted } } as unknown as JsonObject;
    const { text } = await noticeOf({ type: 'request.approved', data, request: byOther, grants: [aGrant()] });
    expect(text.split('\n').find((one) => one.startsWith('granted'))).toBe(line);
    const purged = await noticeOf({ type: 'request.approved', data });
    expect(purged.text.includes('granted:')).toBe(typeof minutes === 'number');
  });

  const outcomes: Readonly<Record<string, string>> = {
    'approved approver': 'was approved automatically',
    'approved quorum': 'was approved (final approval: user:sam)',
    'denied approver': 'was denied',
    'denied quorum': 'was denied by user:sam',
    'denied abstained': 'was denied: no rule covers it',
    'denied ineligible': 'was denied: the subject is no longer eligible',
    'denied limit': 'was denied: a limit was reached',
    'cancelled cancelled': 'was cancelled by user:sam',
    'cancelled amended': 'was amended by user:sam: another request replaces it, and its reviews do not count',
    'cancelled overtaken': 'was cancelled: user:sam has taken break-glass access to its scopes',
    'cancelled revoked': 'was cancelled: user:sam revoked it',
    'cancelled locked': 'was cancelled: user:sam locked its subject or its scope',
    'cancelled origin_ended': 'was cancelled: the grant that it would extend was ended early',
    'expired time': 'expired: no reviewer decided it in time',
  };
  const ends = Object.entries(REQUEST_ENDS).flatMap(([status, causes]) => causes.map((cause) => [status, cause] as const));

  it.each(ends.filter(([, cause]) => cause !== 'break_glass'))('names the cause: %s, %s', async (status, cause) => {
    const data = endOf(status, cause);
    const { kind, text } = await noticeOf({ type: `request.${status}` as EntryType, data, request: aRequest(), grants: [aGrant()] });
    expect(kind).toBe('decided');
    expect(text.split('\n')[0]).toBe(`user:maya's request for db-prod:write ${outcomes[`${status} ${cause}`]}`);
    expect(text.includes('access:')).toBe(status === 'approved');
  });

  it('notifies the reviewers of an amended request too, and names the request that replaces it', async () => {
    const review = {
      reviewer: 'user:sam',
      verdict: 'approve',
      groups: ['ops'],
      as: undefined,
      steps: undefined,
      at: at(1),
      reason: undefined,
    } as const;
    const request = aRequest({
      requestedBy: 'user:noor',
      reviews: [{ ...review, comment: undefined, ttlMs: undefined, scopes: undefined, auth: undefined }],
    });
    const data = { ...endOf('cancelled', 'amended', 'user:noor'), replacedBy: 'r2' };
    const notice = await noticeOf({ type: 'request.cancelled', data, request });
    expect(notice.people).toEqual(['user:maya', 'user:noor', 'user:sam']);
    expect(notice.text).toContain('\nreplaced by: r2\n');
    expect((await noticeOf({ type: 'request.cancelled', data })).people).toEqual([]);
  });

  it('says until when the access would last, where the requester named an end', async () => {
    const request = aRequest({ until: at(15) });
    const assigned = await noticeOf({ type: 'request.assigned', data: { quorum: QUORUM }, request });
    expect(assigned.text.split('\n')[0]).toBe('user:maya asks for db-prod:write, until 2026-01-01 00:15 UTC');
    const escalated = await noticeOf({ type: 'request.escalated', data: { groups: ['leads'] }, request });
    expect(escalated.text).toContain('\nuntil: 2026-01-01 00:15 UTC\n');
  });

  it('names the request that a request replaces', async () => {
    const { text } = await noticeOf({ type: 'request.assigned', data: { quorum: QUORUM }, request: aRequest({ replaces: 'r0' }) });
    expect(text).toContain('\nreplaces the request: r0\n');
  });

  it("has the entry's fields where the request has been purged", async () => {
    const notice = await noticeOf({ type: 'request.denied', data: endOf('denied', 'quorum', 'user:sam', 'no') });
    expect(notice).toMatchObject({ people: [], text: 'Request r1 was denied by user:sam\nreason: no\nrequest: r1' });
  });

  it('says that access has ended, also with a cause of a later version', async () => {
    for (const cause of ['later', 'constructor'])
      expect((await noticeOf({ type: 'request.denied', data: endOf('denied', cause) })).text).toBe(
        'Request r1 has ended: denied\nrequest: r1',
      );
  });
});

describe('expiring', () => {
  const data = { subject: 'user:maya', scope: 'db-prod:write', warnedAt: [at(10)], beforeMs: 300_000, expiresAt: at(15) };
  const of = { type: 'grant.warned', data, grantId: 'r1.1', actor: 'system:sweeper' } as const;

  it('notifies the subject and the requester of the end of access', async () => {
    const notice = await noticeOf({ ...of, request: byOther, grants: [aGrant()] });
    expect(notice).toMatchObject({ kind: 'expiring', people: ['user:maya', 'user:noor'], groups: [] });
    expect(notice.text).toBe("user:maya's access to db-prod:write ends within 5m, at 2026-01-01 00:15 UTC\ngrant: r1.1");
  });

  it('says that the grant was extended, or has ended', async () => {
    const extended = aGrant({
      successors: [
        { grantId: 'r2.1', at: at(1) },
        { grantId: 'r3.1', at: at(2) },
      ],
    });
    expect((await noticeOf({ ...of, request: aRequest(), grants: [extended] })).text).toContain('\nextended by: r3.1\n');
    const ended = aGrant({ end: { status: 'revoked', cause: 'revoked', at: at(11), by: 'user:sam', reason: undefined } });
    expect((await noticeOf({ ...of, request: aRequest(), grants: [ended] })).text).toContain('\nno action needed: the grant has ended\n');
  });

  it('[FE9] says of several grants only what is true of each', async () => {
    const end = { status: 'revoked', cause: 'revoked', at: at(11), by: 'user:sam', reason: undefined } as const;
    const successors = (id: string) => [{ grantId: id, at: at(1) }];
    const textOf = async (first: Partial<Grant>, second: Partial<Grant>) => {
      const grants = [aGrant(first), aGrant({ id: 'r1.2', scope: 'db-prod:read', ...second }), aGrant({ id: 'r1.3', scope: 'other' })];
      const several = { ...of, data: { ...data, alsoScopes: ['db-prod:read'] } };
      return (await noticeOf({ ...several, request: aRequest(), grants })).text.split('\n').slice(1, -1);
    };
    expect(await textOf({ end }, {})).toEqual([]);
    expect(await textOf({ end }, { end })).toEqual(['no action needed: the grant has ended']);
    expect(await textOf({ successors: successors('r2.1') }, {})).toEqual([]);
    expect(await textOf({ successors: successors('r2.1') }, { successors: successors('r2.2') })).toEqual(['extended by: r2.1, r2.2']);
  });

  it('sends no notice of an entry that names another with the notice', async () => {
    expect(await noticesOf({ ...of, data: { ...data, noticeWith: 'r1.0' } })).toEqual([]);
  });

  it("has the entry's fields where the request has been purged", async () => {
    expect(await noticeOf(of)).toMatchObject({
      people: ['user:maya'],
      text: "user:maya's access to db-prod:write ends within 5m, at 2026-01-01 00:15 UTC\ngrant: r1.1",
    });
  });
});

describe('ended', () => {
  const causes: Readonly<Record<string, string>> = {
    time: 'it expired',
    idle: 'it was idle for too long',
    used_up: 'its last use was taken',
    revoked: 'it was revoked by user:sam',
    released: 'it was released by user:sam',
    ineligible: 'its subject is no longer eligible',
    locked: 'user:sam locked its subject or its scope',
    origin_ended: 'user:sam ended the grant that it extends',
    unjustified: 'user:sam judged the break-glass use unjustified',
  };
  const ends = Object.entries(GRANT_ENDS).flatMap(([status, all]) => all.map((cause) => [status, cause] as const));
  const dataOf = (status: string, cause: string) => ({
    ...endOf(status, cause, 'user:sam', 'done early'),
    subject: 'user:maya',
    scope: 'db-prod:write',
  });

  it.each(ends)('names the cause: %s, %s', async (status, cause) => {
    const notice = await noticeOf({
      type: `grant.${status}` as EntryType,
      data: dataOf(status, cause),
      grantId: 'r1.1',
      request: byOther,
      grants: [aGrant()],
    });
    expect(notice).toMatchObject({ kind: 'ended', people: ['user:maya', 'user:noor'], groups: [] });
    expect(notice.text).toBe(
      [
        `user:maya's access to db-prod:write has ended: ${causes[cause]}`,
        'since: 2026-01-01 00:00 UTC',
        'reason: done early',
        'grant: r1.1',
      ].join('\n'),
    );
  });

  it('says of an expired grant that it was extended, but not of a grant that was ended early', async () => {
    const grants = [aGrant({ successors: [{ grantId: 'r2.1', at: at(1) }] })];
    const textOf = async (status: 'expired' | 'revoked', cause: string) =>
      (await noticeOf({ type: `grant.${status}`, data: dataOf(status, cause), grantId: 'r1.1', request: aRequest(), grants })).text;
    expect(await textOf('expired', 'time')).toContain('\nextended by: r2.1\n');
    // [FE9] The headline says that the access continues.
    expect((await textOf('expired', 'time')).split('\n')[0]).toMatch(/ was extended: an earlier grant has expired$/);
    expect(await textOf('revoked', 'revoked')).not.toContain('extended');
  });

  it('says that access has ended, also with a cause of a later version', async () => {
    for (const cause of ['later', 'toString']) {
      const { text } = await noticeOf({ type: 'grant.expired', data: dataOf('expired', cause), grantId: 'r1.1' });
      expect(text.split('\n')[0]).toBe("user:maya's access to db-prod:write has ended");
    }
  });
});

describe('break_glass_used', () => {
  const of = {
    type: 'request.approved',
    data: { ...endOf('approved', 'break_glass', 'user:noor'), afterReview: owed },
    actor: 'user:noor',
  } as const;

  it('names the subject, scope, justification, skipped reviewers and the deadline of the review', async () => {
    const terms = makeTerms({
      ...{ warnBeforeMs: undefined, idleTtlMs: undefined, maxUses: undefined, maxTotalMs: undefined },
      ...{ endBy: undefined, maxHolders: undefined },
    });
    const notice = await noticeOf({ ...of, request: aRequest({ requestedBy: 'user:noor', terms }), grants: [aGrant()] });
    expect(notice).toMatchObject({
      kind: 'break_glass_used',
      people: ['user:maya', 'user:noor', 'user:ana', 'user:sam'],
      groups: ['security', 'platform'],
    });
    expect(notice.text).toBe(
      [
        'BREAK-GLASS: user:noor has taken db-prod:write without review',
        'for: user:maya',
        'asked by: user:noor',
        'justification: the primary rejects writes',
        'ticket: INC-4711',
        'access: until 2026-01-01 00:15 UTC',
        'skipped groups: platform',
        'skipped people: user:ana, user:sam',
        'review due by: 2026-01-01 01:00 UTC',
        'reviewers: security',
        'request: r1',
      ].join('\n'),
    );
  });

  it('omits the lines for reviewers and skipped reviewers where there are none', async () => {
    const data = {
      ...endOf('approved', 'break_glass', 'user:maya'),
      afterReview: { ...owed, reviewers: [], skippedGroups: [], skippedPeople: [] },
    };
    const notice = await noticeOf({ ...of, data, request: aRequest() });
    expect(notice).toMatchObject({ people: ['user:maya'], groups: [] });
    expect(notice.text).not.toMatch(/for:|skipped|reviewers:/);
  });

  it("has the entry's fields where the request has been purged", async () => {
    const notice = await noticeOf(of);
    expect(notice.text.split('\n')[0]).toBe('BREAK-GLASS: user:noor has taken access without review');
    expect(notice.people).toEqual(['user:noor', 'user:ana', 'user:sam']);
  });
});

describe('break_glass_overdue', () => {
  const of = { type: 'breakGlass.overdue', data: { afterReview: { ...owed, missedAt: at(60) } }, actor: 'system:sweeper' } as const;

  it('notifies the groups that must give the review', async () => {
    const notice = await noticeOf({ ...of, request: byOther });
    expect(notice).toMatchObject({ kind: 'break_glass_overdue', people: ['user:maya', 'user:noor'], groups: ['security'] });
    expect(notice.text).toBe(
      [
        "The break-glass review of user:maya's request for db-prod:write, db-prod:read is overdue",
        'was due by: 2026-01-01 01:00 UTC',
        'reviewers: security',
        'asked by: user:noor',
        'justification: the primary rejects writes',
        'ticket: INC-4711',
        'request: r1',
      ].join('\n'),
    );
  });

  it('says when no review is needed any more', async () => {
    const acknowledgement = { by: 'user:lee', verdict: 'justified', at: at(70), reason: undefined } as const;
    const request = aRequest({ afterReview: { ...owed, missedAt: at(60), breakGlassReview: acknowledgement } });
    expect((await noticeOf({ ...of, request })).text.split('\n')[1]).toBe('no action needed: it has been reviewed');
  });
});

describe('provisioning_stuck', () => {
  const data = {
    provisioningId: 'e1',
    name: 'github',
    subject: 'user:maya',
    scope: 'repo:admin',
    held: false,
    failures: 8,
    problem: 'ECONNRESET',
  };
  const of = { type: 'provisioning.stuck', data, actor: 'system:provisioning', requestId: undefined } as const;

  it('notifies only operators, and names the subject that still has revoked access', async () => {
    const notice = await noticeOf(of);
    expect(notice).toMatchObject({ kind: 'provisioning_stuck', people: [], groups: [] });
    expect(notice.text).toBe(
      ["STUCK: github has not closed user:maya's access to repo:admin", 'failed calls: 8', 'problem: ECONNRESET', 'change: e1'].join('\n'),
    );
  });

  it('notifies operators, and names the subject that waits for granted access', async () => {
    const { text } = await noticeOf({ ...of, data: { ...data, held: true } });
    expect(text.split('\n')[0]).toBe("STUCK: github has not opened user:maya's access to repo:admin");
  });
});

it('L30 a notice is made of any entry of its types, however malformed, and each text stays within its lines', async () => {
  const told = [
    'request.assigned',
    'request.escalated',
    'request.reminded',
    'request.approved',
    'request.denied',
    'request.cancelled',
    'request.expired',
    'grant.warned',
    'grant.expired',
    'grant.revoked',
    'breakGlass.overdue',
    'provisioning.stuck',
  ] as const;
  const json = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonObject[string]>;
  const field = fc.constantFrom(
    'end',
    'quorum',
    'afterReview',
    'subject',
    'scope',
    'expiresAt',
    'held',
    'rule',
    'reviewBy',
    'failures',
    'problem',
    'name',
  );
  const inner = fc.constantFrom(
    'groups',
    'escalation',
    'group',
    'reviewers',
    'skippedPeople',
    'cause',
    'by',
    'reason',
    'at',
    'name',
    'approvals',
  );
  const data = fc.dictionary(field, fc.oneof(json, fc.dictionary(inner, fc.oneof(json, fc.array(fc.dictionary(inner, json))))));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...told), data as fc.Arbitrary<JsonObject>, async (type, given) => {
      const { text, markdown, people, groups } = await noticeOf({ type, data: given });
      expect([...people, ...groups].every((id) => typeof id === 'string' && id !== '')).toBe(true);
      expect([new Set(people).size, new Set(groups).size]).toEqual([people.length, groups.length]);
      for (const line of text.split('\n').slice(1)) expect(line).toMatch(/^[a-z ]+: /);
      for (const line of markdown.split('\n').slice(2)) expect(line).toMatch(/^- [a-z ]+: /);
    }),
    { numRuns: 100, examples: [['breakGlass.overdue', { afterReview: { reviewers: ['', 'group:security', 'group:security'] } }]] },
  );
});

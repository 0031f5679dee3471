import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { root, run, runInPlace } from './run.js';

/** The expected output of each example, line by line. */
const printed: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  'first-grant.ts': ['false', 'true', /^user:maya until \d/],
  'http-client.ts': [
    'asked by user:maya',
    'ready: 1 to review',
    "granted [ 'db-prod:write for 15 minutes' ]",
    'badge: held',
    'ERR_JIT_DECIDED',
  ],
  'manager-approver.ts': ['cite a ticket', "[ [ 'security' ] ]", 'pending', 'granted'],
  'journal-on-disk.ts': [
    /^page: system:approver issued \w+\.1$/,
    'true',
    'true',
    "{ ok: false, seq: 1, problem: 'was edited: its digest does not match' }",
  ],
  'extension.ts': ['access until 00:15', 'more time, from 00:15 to 00:30', 'more time, from 00:30 to 00:35', 'no more: maxTotal', 'ended'],
  'bundle.ts': [
    'asked for db-prod:read and db-prod:write',
    'db-prod:read until 01:30',
    'db-prod:write until 01:30',
    'released: db-prod:read, db-prod:write',
    'false',
  ],
  'scheduled-maintenance.ts': [
    'not_started',
    'granted',
    'no_grant',
    'late: 90 minutes are left',
    'no_grant',
    'revoked: the subject is no longer eligible',
  ],
  'break-glass.ts': [
    'page: break-glass by user:maya',
    'skipped: platform (user:ana,user:sam)',
    'page: the review of break-glass is overdue',
    'pending reviews: 0',
    'page: break-glass by user:maya',
    'unjustified: ended',
  ],
  'authzen.ts': [
    'evaluations go to /authzen/v1/evaluation',
    'without authentication: 401',
    'maya writes: false approval_required',
    'submitted: 202 pending',
    'submitted again, the same task: true',
    'the engine has: db:prod:write requested by service:gateway',
    'task: approved reevaluate',
    'maya writes: true until 2026-01-01T01:00:00.000Z',
    'write and drop: true,false',
    'maya may: write',
    'an hour later: false',
  ],
  'http-hono.ts': ['201 pending user:sam', 'without a session: 401'],
  'http-next.ts': ['user:maya: 1 more of reviewers'],
  'change-a-request.ts': [
    'asked: pending, 30 minutes, a hotfix',
    'amended: pending, 120 minutes, the migration takes longer',
    'approval: ERR_JIT_DECIDED, see the new request: true',
    'approved: granted, 120 minutes, the migration takes longer',
  ],
  'contractor.ts': [
    'refused: contractor metadata.change malformed CHG-####',
    'refused: contractor ttl outside_hours 2026-12-17T17:00:00.000Z',
    'granted until 2026-12-17T17:00:00.000Z',
    '19:00 - false',
    'refused: contractor startsAt outside_hours 2026-12-21T08:00:00.000Z',
    'refused: year-end-freeze startsAt outside_hours 2027-01-03T23:00:00.000Z',
    '4 January, 10:00 - true',
    'report: billing:migration 9.5 hours',
  ],
  'emergency-lock.ts': [
    'locked: 1 grant ended',
    'check: false (locked)',
    'ask: ERR_JIT_LOCKED',
    'approval: ERR_JIT_LOCKED',
    'unlock: ERR_JIT_DENIED',
    'user:noor: true',
    'open locks: 0, user:maya: false',
    'lock.set by user:ops: INC-9: laptop stolen',
    'lock.completed by user:ops',
    'lock.set by user:ops: INC-9: laptop stolen',
    'lock.completed by user:ops',
    'lock.lifted by user:ops: INC-9: laptop replaced',
  ],
  'live-view.ts': [
    'before it is loaded: no (not_loaded)',
    'after the approval:  yes (granted)',
    '999 ms without the database:  yes (granted)',
    '1,000 ms without the database: no (stale_view)',
    'after the revoke:    no (no_grant)',
  ],
  'narrowed-approval.ts': [
    'user:maya: I can do without it.',
    'before ana: db-prod:read db-prod:write are left, 1 more of reviewers',
    'refused: scopes nothing_left, left are db-prod:read, db-prod:write',
    'granted: db-prod:read db-prod:write, for 60 minutes',
    'grant .1: db-prod:read',
    'grant .2: db-prod:write',
    'db-prod:drop: denied, narrowed',
  ],
  'one-tap-link.ts': ['opened: nothing is decided', 'not signed in: 401', 'user:ana: 403', 'user:sam: 200', 'again: 410'],
  'policy-from-json.ts': [
    'granted by rule staging',
    'cite a ticket like INC-#### (rule production: require.ticket)',
    "waits for [ 'user:ana', 'user:kim' ]",
    'granted',
    'payroll is opened by finance, not from here',
    'ineligible undefined no rule covers db-prod:orders:read for user:eve',
  ],
  'on-call-incident.ts': [
    '02:10 asked: pending',
    '02:14 break-glass until 02:29',
    '02:16 asked again: pending',
    '02:27 approved by a lead: granted',
    '03:10 more time: granted',
    '03:30 released, allowed: false',
    '09:00 reviewed: INC-4711: checkout is down, no reviewer answers',
    'held db-prod:orders for 73 min; decided by people: 2, by break-glass: 1',
    '  02:10 request.created user:maya',
    '  02:10 request.assigned system:approver',
    '  02:14 request.created user:maya',
    '  02:14 request.approved user:maya',
    '  02:14 grant.issued user:maya',
    '  02:14 request.cancelled user:maya',
    '  02:16 request.created user:maya',
    '  02:16 request.assigned system:approver',
    '  02:27 request.escalated system:sweeper',
    '  02:27 request.reviewed user:rob',
    '  02:27 request.approved user:rob',
    '  02:27 grant.issued user:rob',
    '  03:10 request.created user:maya',
    '  03:10 request.assigned system:approver',
    '  03:10 request.reviewed user:ana',
    '  03:10 request.approved user:ana',
    '  03:10 grant.issued user:ana',
    '  03:10 grant.extended user:ana',
    '  03:30 grant.expired system:sweeper',
    '  03:30 grant.revoked user:maya',
    '  09:00 grant.expired system:sweeper',
    '  09:00 breakGlass.reviewed user:rob',
  ],
  'month-end-review.ts': [
    'the store agrees with its journal: true',
    'user:lee db-prod:orders: 1 times, by user:kim',
    'user:maya db-prod:orders: 1 times, by user:kim',
    'user:maya db-staging:orders: 3 times, by rule staging',
    'unused rule: legacy',
    'user:lee has left: 1 grant ended',
    'live access: 1 before, 0 after',
  ],
  'what-to-ask-for.ts': [
    'Orders (risk: high), at most 60 min: 1 of dba must approve (user:ana, user:kim)',
    '  inputs: justification, ticket like INC-####; break-glass is open',
    'Orders (risk: high), at most 15 min: at once, reviewed afterwards',
    '  inputs: justification; break-glass is open',
    'Any production database (risk: high), at most 60 min: 1 of dba must approve (user:ana, user:kim)',
    '  inputs: justification, ticket like INC-####',
    '  except db-prod:payroll',
    'Outage (risk: not stated), at most 15 min: at once, reviewed afterwards',
    '  inputs: justification',
    '  except db-prod:payroll',
    'complete: true',
    'tool lookUpOrder: at most 10 min, granted at once',
    'tool refundOrder: at most 10 min, 1 of leads must approve (user:rob)',
  ],
  'reviewer-inbox.ts': [
    'user:dev-1: 1 more of dba and 1 more of security',
    'user:dev-2: 1 more of dba and 1 more of security',
    'user:dev-3: 1 more of dba and 1 more of security',
    '1 look-up in the directory',
    'user:dev-1: 1 more of dba',
    '199 wait for dba',
    'user:dev-199 pending, user:dev-197 pending',
    'true',
    'granted',
    'ended',
  ],
  'quorum-steps.ts': [
    '1 more of peers, then 1 more of security',
    'not_your_step',
    '1 more of security',
    'nothing to review',
    '1 more of security',
    'granted',
    '2 more of peers, or 1 more of security',
    'pending',
    'granted',
  ],
  'one-at-a-time.ts': ['maxHolders: at most 1', 'reminded: 1', 'granted'],
  'step-up-review.ts': ['auth.authAt: at most 300000 ms old, not 600000', 'granted'],
  'two-team-quorum.ts': ['pending', 'pending', '0', "[ [ 'dba', 'security' ] ]", 'granted', 'true'],
  'role-provisioning.ts': [
    'approved: a member true',
    'failed after 3 calls (ECONNREFUSED): should be a member false, is one true',
    'applied: 1, not applied: 0; a member false',
    / provisioning\.intended .* held=true /,
    / provisioning\.done .* held=true .* status=done$/,
    / provisioning\.intended .* held=false /,
    / provisioning\.failed .* failures=1 problem=ECONNREFUSED /,
    / provisioning\.failed .* failures=2 problem=ECONNREFUSED /,
    / provisioning\.stuck .* failures=3 problem=ECONNREFUSED .* status=stuck$/,
    / provisioning\.retried .* failures=0 /,
    / provisioning\.done .* held=false .* status=done$/,
  ],
  'ticket-webhook.ts': ['401', '{ ended: 0 }', '{ ended: 3 }', '{ ended: 0 }'],
  'long-job.ts': [
    'access until 00:17',
    '00:06: batch 1',
    '00:10: batch 2',
    '00:14: batch 3',
    '00:17: agent:backfill has no access to db-prod:write now (no_grant)',
  ],
  'notifications.ts': [
    '#reviewers user:maya: user:maya asks for db-prod:write, for 15m',
    "#access user:maya: user:maya's request for db-prod:write was approved (final approval: user:sam)",
    'sink siem: status 503',
    "#access user:maya: user:maya's access to db-prod:write has ended: it was revoked by user:sam",
    'webhooks: down, grant.issued, grant.revoked',
    'forged: 401',
  ],
  'auditor-questions.ts': [
    'at 02:40: user:lee, user:maya',
    'at 02:50: user:maya',
    'user:maya: 02:10 to 04:10, time by system:sweeper',
    'user:lee: 02:30 to 02:45, revoked by user:ciso',
    'known at 02:20: user:maya, for INC-4711, approved by user:sam',
    'the journal is whole; 6 rows compared, 0 differ',
    'grant of user:lee: version, until, body.expiresAt, body.end differ from the journal',
  ],
  'existing-scopes.ts': [
    'arn:aws:s3:~:~:reports/q1~20final.csv',
    'file:~:etc:~2A',
    'true',
    "false [ 'file:~:etc:app:hosts' ]",
    'true 1',
    'scope: "db-prod:*"',
  ],
  'request-form.ts': [
    'preview: refused',
    '  ttl: at most 60 minutes',
    '  justification: fill this in',
    '  ticket: write it like INC-####, not 4711',
    'ERR_JIT_REQUIREMENTS',
    '  justification: fill this in',
    '  ticket: write it like INC-####, not 4711',
    'submitted: granted',
    'ERR_JIT_INELIGIBLE',
    '  no rule covers db-prod:write for user:eve',
  ],
  'access-review.ts': [
    '8 grants: 4 used, 4 never used',
    'database: 4 of 4 used, window 240 min, longest use 25 min: maxTtl 30 min is enough',
    'refunds: 0 of 4 used, window 60 min, no use',
  ],
  'provisioning-drift.ts': [
    'user:maya has warehouse:read for 30 min (DATA-7)',
    'user:maya has warehouse:read for 30 min (DATA-7)',
    'never granted: user:eve warehouse:admin',
    'missing: user:maya warehouse:read',
  ],
  'exposure-report.ts': [
    'January 2026    subjects  grants     held  if standing  share',
    'billing:refund         1       6    3.0 h      744.0 h  0.4 %',
    'db-prod:write          1       3    3.0 h      744.0 h  0.4 %',
    'staging:deploy         3      25  100.0 h     2232.0 h  4.5 %',
    'all                               106.0 h     3720.0 h  2.8 %',
    'decided: 36, of these by policy alone 86.1 %',
    'median wait: 0 min; for people 10 min',
    'more time was asked 2 times, and given 1 times',
  ],
};

/** What the same caller sees of each service: without a session, refused, approved and so allowed, ended. */
const GUARDED = [
  '401 Bearer realm="jit-access"',
  '403 Bearer error="insufficient_scope", scope="db-prod:write"',
  '200 written, access until 2026-01-01T00:15:00.000Z',
  '403 Bearer error="insufficient_scope", scope="db-prod:write"',
].join('\n');

/** Examples that other tests run: the store examples have drivers that cannot be bundled, the agent example has an SDK. */
const elsewhere = [
  'agent-tool.ts',
  'demo.ts',
  'store-from-the-docs.ts',
  'fake-clock.ts',
  'redis.ts',
  'sqlite.ts',
  'two-processes-postgres.ts',
];

const guarded = [
  'guard-express.ts',
  'guard-fastify.ts',
  'guard-fetch.ts',
  'guard-hono.ts',
  'guard-koa.ts',
  'guard-nest.ts',
  'guard-trpc.ts',
];

/** What the clients of the service by hand see, line by line. */
const BY_HAND = [
  'guessed session: 401',
  'maya asks: 201 pending',
  'her own requests: 1',
  'maya reads it: 200',
  'sam reads it: 200',
  'eve reads it: 404',
  'lee reads it: 404',
  'maya approves it: ERR_JIT_SELF_REVIEW',
  'eve approves it: ERR_JIT_NOT_FOUND',
  "sam's inbox: 1 more of platform",
  'sam approves it: granted',
  'the comment, for sam and for maya: she is on call undefined',
  'too late to deny: 409',
  'badge: db-prod:write (expires 00:30)',
  'badge, 27 minutes later: db-prod:write (expires in 03:00)',
  'sam revokes it: 200',
  'badge: read-only',
  'maya cancels another request: cancelled',
  'too long: ERR_JIT_REQUIREMENTS',
  'break-glass: granted db-prod:write (expires 00:42)',
];

/** What the clients of the service on the handler see, line by line. */
const ON_THE_HANDLER = [
  'guessed session: 401',
  'maya asks: 201 pending',
  'maya reads it: 200',
  'sam reads it: 200',
  'eve reads it: 404',
  'lee reads it: 404',
  'maya approves it: urn:jit-access:problem:self-review',
  'eve approves it: urn:jit-access:problem:not-found',
  "sam's inbox: 1 more of platform",
  'sam approves it: granted',
  'too late to deny: 409',
  'badge: db-prod:write (expires 2026-01-01T00:30Z)',
  'lee revokes it: 200',
  'badge: read-only',
  'too long: urn:jit-access:problem:requirements',
];

describe.concurrent('an example', () => {
  it.each(Object.entries(printed))('%s prints the output in its docs', async (file, lines) => {
    const { code, stdout, stderr } = await run({ file: `examples/${file}` });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const got = stdout.trimEnd().split('\n');
    expect(got).toHaveLength(lines.length);
    lines.forEach((line, i) => (typeof line === 'string' ? expect(got[i]).toBe(line) : expect(got[i]).toMatch(line)));
  });

  // Frameworks are CommonJS modules that require their own files at run time: they are not bundled.
  it.each(guarded)('%s shows a caller that is refused, approved, allowed, and refused after the end', async (file) => {
    const { code, stdout, stderr } = await runInPlace(`examples/${file}`);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    // tRPC wraps each result in its own format.
    expect(stdout.trimEnd().replace(/\{"result":\{"data":"(.*)"\}\}/, '$1')).toBe(GUARDED);
  });

  it('http-by-hand.ts shows who sees and decides a request, and the badge of its subject', async () => {
    const { code, stdout, stderr } = await runInPlace('examples/http-by-hand.ts');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual(BY_HAND);
  });

  it('http-express.ts shows the same service on the handler', async () => {
    const { code, stdout, stderr } = await runInPlace('examples/http-express.ts');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual(ON_THE_HANDLER);
  });

  it('fake-clock.ts passes as a test suite of node:test', async () => {
    const { code, stdout } = await run({ file: 'examples/fake-clock.ts' });
    expect(code).toBe(0);
    expect(stdout).toContain('# pass 3');
  });

  it('bundle.ts also runs as CommonJS', async () => {
    const { code, stdout } = await run({ file: 'examples/bundle.ts' }, { format: 'cjs' });
    expect(code).toBe(0);
    expect(stdout).toContain('asked for db-prod:read and db-prod:write');
  });
});

it('every example is run by a test', () => {
  const files = readdirSync(`${root}examples`).filter((name) => name.endsWith('.ts'));
  expect(files.sort()).toEqual([...Object.keys(printed), ...guarded, 'http-by-hand.ts', 'http-express.ts', ...elsewhere].sort());
});

import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import * as errors from '../../src/core/errors.js';
import type { AnyJitError, JitErrorCode } from '../../src/core/errors.js';
import type { AccessRequest, Decision, Grant } from '../../src/records/index.js';

const request = { id: 'r1', end: { status: 'denied', cause: 'quorum', at: 1, by: 'user:sam', reason: undefined } } as AccessRequest;
const grant = { id: 'r1.1' } as Grant;
const cause = new Error('socket hang up');
const lock = {
  id: 'l1',
  subject: 'user:eve',
  scope: undefined,
  by: 'user:ops',
  at: 0,
  until: undefined,
  completedAt: undefined,
};

/** How each error is made, and what it says. A new class without a line here fails the last test of the table. */
const samples: readonly (readonly [() => AnyJitError, JitErrorCode, string, object])[] = [
  [
    () => new errors.InvalidArgumentError('ttl', 'positive', '0'),
    'ERR_JIT_INVALID_ARGUMENT',
    'ttl must be positive; got 0',
    { argument: 'ttl', rule: 'positive', got: '0' },
  ],
  [
    () => new errors.StoreError('commit', 'the disk is full', cause),
    'ERR_JIT_STORE',
    'store.commit: the disk is full',
    { operation: 'commit', cause },
  ],
  [
    () => new errors.OutcomeUnknownError('c1', cause),
    'ERR_JIT_OUTCOME_UNKNOWN',
    'the outcome of change c1 is unknown; read the record before you try again',
    { changeId: 'c1', cause },
  ],
  [
    () => new errors.ConflictError(5),
    'ERR_JIT_CONFLICT',
    'other changes to the same records won 5 times in a row; nothing was recorded, try again',
    { attempts: 5 },
  ],
  [() => new errors.DecidedError(request), 'ERR_JIT_DECIDED', 'request r1 is already denied', { request }],
  [
    () => new errors.DeadlineError('r1', Date.UTC(2026, 2, 14, 2, 16, 7)),
    'ERR_JIT_DEADLINE',
    'request r1 had to be decided before 2026-03-14T02:16:07.000Z',
    { requestId: 'r1', reviewBy: Date.UTC(2026, 2, 14, 2, 16, 7) },
  ],
  [
    () => new errors.UndecidedError('r1'),
    'ERR_JIT_UNDECIDED',
    'request r1 cannot be reviewed yet: the approver has not answered; a sweep or the same idempotencyKey asks it again',
    { requestId: 'r1' },
  ],
  [() => new errors.NotFoundError('grant', 'r1.1'), 'ERR_JIT_NOT_FOUND', 'grant r1.1 does not exist', { kind: 'grant', id: 'r1.1' }],
  [
    () => new errors.SelfReviewError('r1', 'user:maya'),
    'ERR_JIT_SELF_REVIEW',
    'user:maya requested r1 or is its subject, and cannot review it: another reviewer must',
    { requestId: 'r1', reviewer: 'user:maya' },
  ],
  [
    () => new errors.NotReviewerError('r1', 'user:eve', 'not_in_group'),
    'ERR_JIT_NOT_REVIEWER',
    'user:eve is in none of the groups that may review request r1',
    { requestId: 'r1', reviewer: 'user:eve', why: 'not_in_group' },
  ],
  [
    () => new errors.NotReviewerError('r1', 'user:sam', 'has_denied'),
    'ERR_JIT_NOT_REVIEWER',
    'user:sam has denied request r1; a denial cannot become an approval',
    { why: 'has_denied' },
  ],
  [
    () => new errors.NotReviewerError('r1', 'agent:7', 'is_agent'),
    'ERR_JIT_NOT_REVIEWER',
    'agent:7 is an agent and cannot review request r1: agents never review',
    { why: 'is_agent' },
  ],
  [
    () => new errors.EndedError('r1.1', undefined),
    'ERR_JIT_ENDED',
    'grant r1.1 has ended (time) and cannot be extended; call requestAccess instead',
    { grantId: 'r1.1', end: undefined },
  ],
  [
    () => new errors.EndedError('r1.1', { status: 'revoked', cause: 'released', at: 1, by: 'user:maya', reason: undefined }),
    'ERR_JIT_ENDED',
    'grant r1.1 has ended (released) and cannot be extended; call requestAccess instead',
    { end: { cause: 'released' } },
  ],
  ...(
    [
      ['malformed', 'is malformed'],
      ['signature', 'is not signed with a key of this engine'],
      ['expired', 'has expired'],
      ['used', 'has been used: its reviewer has reviewed the request since'],
      ['not_yours', 'was made for another reviewer'],
      ['other_request', 'was made for another namespace or another request'],
    ] as const
  ).map(
    ([why, problem]) =>
      [() => new errors.LinkError(why, 'r1'), 'ERR_JIT_LINK', `this approval link ${problem}`, { why, requestId: 'r1' }] as const,
  ),
  [
    () => new errors.LockedError(lock),
    'ERR_JIT_LOCKED',
    'user:eve is locked (lock l1)',
    { lockId: 'l1', subject: 'user:eve', scope: undefined, until: undefined },
  ],
  [
    () => new errors.LockedError({ ...lock, subject: undefined, scope: 'db:**', until: 60_000 }),
    'ERR_JIT_LOCKED',
    'db:** is locked until 1970-01-01T00:01:00.000Z (lock l1)',
    { lockId: 'l1', subject: undefined, scope: 'db:**', until: 60_000 },
  ],
  [
    () => new errors.IneligibleError('user:eve', ['db:read'], 'nobody may at night'),
    'ERR_JIT_INELIGIBLE',
    'user:eve is not eligible for db:read: nobody may at night',
    { reason: 'nobody may at night' },
  ],
  [
    () => new errors.IneligibleError('user:eve', ['db:read', 'db:write'], undefined),
    'ERR_JIT_INELIGIBLE',
    'user:eve is not eligible for db:read, db:write',
    { subject: 'user:eve', scopes: ['db:read', 'db:write'] },
  ],
  [
    () => new errors.RequirementsError('user:eve', ['db:read'], [{ field: 'ticket', code: 'missing' }], 'cite a ticket'),
    'ERR_JIT_REQUIREMENTS',
    'this request for db:read must be corrected: cite a ticket',
    { subject: 'user:eve', scopes: ['db:read'], problems: [{ field: 'ticket', code: 'missing' }], reason: 'cite a ticket' },
  ],
  [
    () => new errors.IdempotencyError('r1'),
    'ERR_JIT_IDEMPOTENCY',
    'this idempotencyKey was used for another call, which created r1; use a new key',
    { recordId: 'r1' },
  ],
  [
    () => new errors.LimitError('maxTtl', 60, 61),
    'ERR_JIT_LIMIT',
    'limits.maxTtl allows at most 60; got 61',
    { limit: 'maxTtl', max: 60, got: 61 },
  ],
  [
    () => new errors.LimitError('duplicates', 1, 2, 'request r1 is open'),
    'ERR_JIT_LIMIT',
    'request r1 is open',
    { limit: 'duplicates', max: 1, got: 2 },
  ],
  [
    () => new errors.DeadlineError(undefined, Date.UTC(2026, 2, 14)),
    'ERR_JIT_DEADLINE',
    'the requested window ended at 2026-03-14T00:00:00.000Z',
    { requestId: undefined },
  ],
  [
    () => new errors.LayoutError(3, 2, 1, 'r1'),
    'ERR_JIT_LAYOUT',
    'the stored data have layout 3, readable from layout 2; this process knows layout 1: update it; request r1 is recorded',
    { version: 3, readableFrom: 2, needed: 1, requestId: 'r1' },
  ],
  [
    () => new errors.LayoutError(1, 1, 2),
    'ERR_JIT_LAYOUT',
    'the stored data have layout 1, readable from layout 1; layout 2 is needed: run migrate()',
    { requestId: undefined },
  ],
  [
    () => new errors.LayoutError(2, 1, 2),
    'ERR_JIT_LAYOUT',
    'the stored data have layout 2, readable from layout 1; this change needs layout 2, which processes of layout 1 cannot read: ' +
      'contract first, with migrate({ contract: true }) or, on Redis, contractNamespaces',
    { needed: 2 },
  ],
  [
    () => new errors.RollbackError({ seq: 100, hash: 'a'.repeat(64) }, { seq: 60, hash: 'b'.repeat(64) }, 'r1', cause),
    'ERR_JIT_ROLLBACK',
    'the store went back: this engine has seen entry 100 of the journal, which ends at entry 60; ' +
      'nothing may create access until a person calls acceptRollback(engine, { by, reason })',
    { lost: { seq: 100, hash: 'a'.repeat(64) }, head: { seq: 60, hash: 'b'.repeat(64) }, requestId: 'r1', cause },
  ],
  [
    () => new errors.RollbackError({ seq: 100, hash: 'a'.repeat(64) }, { seq: 110, hash: 'b'.repeat(64) }),
    'ERR_JIT_ROLLBACK',
    'the store went back: this engine has seen entry 100 of the journal, which holds another entry there; ' +
      'nothing may create access until a person calls acceptRollback(engine, { by, reason })',
    { requestId: undefined },
  ],
  [
    () => new errors.HookError('c1', new Error('no such order')),
    'ERR_JIT_HOOK',
    'onCommit refused change c1: no such order; it was not applied',
    { changeId: 'c1', requestId: undefined },
  ],
  [
    () => new errors.HookError('c1', cause, 'r1'),
    'ERR_JIT_HOOK',
    `onCommit refused change c1: ${cause.message}; it was not applied; request r1 is recorded`,
    { changeId: 'c1', requestId: 'r1', cause },
  ],
  [
    () => new errors.MovedError('payments', 'postgres://new', 'r1', cause),
    'ERR_JIT_MOVED',
    'namespace payments has moved to postgres://new: open it there; request r1 is recorded',
    { namespace: 'payments', to: 'postgres://new', requestId: 'r1', cause },
  ],
  [
    () => new errors.MovedError('payments', undefined),
    'ERR_JIT_MOVED',
    'namespace payments has not arrived in this store: its move here has not ended',
    { to: undefined, requestId: undefined },
  ],
  [() => new errors.ClockError('the clock failed', cause), 'ERR_JIT_CLOCK', 'the clock failed', { cause }],
  [
    () => new errors.PurgedError(Date.UTC(2026, 0, 1)),
    'ERR_JIT_PURGED',
    'records before 2026-01-01T00:00:00.000Z have been purged',
    { horizon: Date.UTC(2026, 0, 1) },
  ],
  [
    () => new errors.CorruptError('grant', 'r1.1', 'is cut short'),
    'ERR_JIT_CORRUPT',
    'stored grant r1.1: is cut short',
    { kind: 'grant', id: 'r1.1', problem: 'is cut short' },
  ],
  [
    () => new errors.ApproverError('oncall', 'r1', 'took too long', cause),
    'ERR_JIT_APPROVER',
    'approver oncall: took too long; request r1 stays as it is',
    { approver: 'oncall', requestId: 'r1', cause },
  ],
  [
    () => new errors.ApproverError('oncall', undefined, 'took too long'),
    'ERR_JIT_APPROVER',
    'approver oncall: took too long; nothing was recorded',
    { requestId: undefined },
  ],
  [
    () => new errors.DeniedError('user:eve may not db:write', 'user:eve', undefined),
    'ERR_JIT_DENIED',
    'user:eve may not db:write',
    { actor: 'user:eve', decision: undefined },
  ],
  [
    () =>
      new errors.PartialError({ grants: [grant], requests: [] }, [
        { kind: 'grant', id: 'r2.1', error: cause },
        { kind: 'request', id: undefined, error: cause },
      ]),
    'ERR_JIT_PARTIAL',
    '1 grants and 0 requests have ended; not ended: grant r2.1, the list of requests; first problem: socket hang up',
    { ended: { grants: [grant], requests: [] }, failures: [{ id: 'r2.1' }, { id: undefined }], cause },
  ],
  [
    () => new errors.PartialError({ grants: [], requests: [] }, [{ kind: 'grant', id: 'r2.1', error: cause }], 'l1'),
    'ERR_JIT_PARTIAL',
    'lock l1 denies, and is unfinished; 0 grants and 0 requests have ended; not ended: grant r2.1; first problem: socket hang up',
    { lockId: 'l1', cause },
  ],
  [
    () => new errors.ClosedError(),
    'ERR_JIT_CLOSED',
    'this engine has been closed: create another, and close it only when the process ends',
    {},
  ],
  [
    () => new errors.ClosedError('sink'),
    'ERR_JIT_CLOSED',
    'this sink has been closed: create another, and close it only when the process ends',
    {},
  ],
];

const named = samples.map(([make, ...rest]) => [make().name, make, ...rest] as const);

describe('JitError', () => {
  it.each(named)('%s has a code, a message for people and fields for programs', (_, make, code, message, fields) => {
    const error = make();
    expect(error.code).toBe(code);
    expect(error.message).toBe(message);
    expect(error).toMatchObject(fields);
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(errors.JitError);
    expect(errors.isJitError(error)).toBe(true);
  });

  it.each(named)('%s has the name of its class', (name, make) => {
    expect(make().name).toBe(name);
    expect(make()).toBeInstanceOf(Reflect.get(errors, name));
  });

  it('has a sample of every class and every code above', () => {
    const classes = Object.keys(errors).filter((name) => name.endsWith('Error') && name !== 'JitError' && name !== 'isJitError');
    expect(new Set(samples.map(([make]) => make().name))).toEqual(new Set(classes));
    expect(new Set(samples.map(([, code]) => code)).size).toBe(classes.length);
  });

  it.each(named)('%s begins its stack with name and message', (name, make, _, message) => {
    const error = make();
    expect(error.stack).toContain(message);
    expect(String(error)).toBe(`${name}: ${message}`);
  });

  it('keeps the cause unchanged, and has no cause without one', () => {
    expect(new errors.StoreError('get', 'failed', cause).cause).toBe(cause);
    expect(new errors.StoreError('get', 'failed', 'text').cause).toBe('text');
    expect(new errors.StoreError('get', 'failed', null).cause).toBeNull();
    expect(Object.hasOwn(new errors.StoreError('get', 'failed'), 'cause')).toBe(false);
  });

  it('says that a request is decided even if its end is missing', () => {
    expect(new errors.DecidedError({ ...request, end: undefined }).message).toBe('request r1 is already undefined');
  });

  it('hides its brand from enumeration and from JSON', () => {
    expect(Object.keys(new errors.ClosedError()).sort()).toEqual(['code', 'name']);
    expect(Object.getOwnPropertyDescriptor(new errors.ClosedError(), Symbol.for('jit-access.error'))).toMatchObject({
      value: true,
      enumerable: false,
    });
    expect(JSON.parse(JSON.stringify(new errors.NotFoundError('grant', 'g')))).toEqual({
      name: 'NotFoundError',
      code: 'ERR_JIT_NOT_FOUND',
      kind: 'grant',
      id: 'g',
    });
  });

  it('is a union that its code narrows', () => {
    const read = (error: AnyJitError) => {
      switch (error.code) {
        case 'ERR_JIT_DECIDED':
          expectTypeOf(error.request).toEqualTypeOf<AccessRequest>();
          return error.request.id;
        case 'ERR_JIT_DENIED':
          expectTypeOf(error.decision).toEqualTypeOf<Decision | undefined>();
          return error.actor;
        default:
          return error.name;
      }
    };
    expect(read(new errors.DecidedError(request))).toBe('r1');
    expect(read(new errors.ClosedError())).toBe('ClosedError');
  });
});

describe('isJitError()', () => {
  it('recognises errors of another copy of the package, where instanceof does not', async () => {
    vi.resetModules();
    const other = await import('../../src/core/errors.js');
    expect(other.JitError).not.toBe(errors.JitError);
    const theirs = new other.NotFoundError('request', 'r1');
    expect(theirs).not.toBeInstanceOf(errors.JitError);
    expect(errors.isJitError(theirs)).toBe(true);
    expect(errors.isJitError(theirs) && theirs.code === 'ERR_JIT_NOT_FOUND' && theirs.id).toBe('r1');
    expect(other.isJitError(new errors.ClosedError())).toBe(true);
  });

  it.each([
    ['another error', new Error('ERR_JIT_DENIED')],
    ['an error with one of our codes', Object.assign(new Error('x'), { code: 'ERR_JIT_DENIED', name: 'DeniedError' })],
    ['an object with the brand', { [Symbol.for('jit-access.error')]: true, code: 'ERR_JIT_DENIED' }],
    ['an error that inherits from ours', Object.create(new errors.ClosedError()) as Error],
    ['null', null],
    ['undefined', undefined],
    ['text', 'ERR_JIT_DENIED'],
  ])('is false for %s', (_, value) => {
    expect(errors.isJitError(value)).toBe(false);
  });

  it('is false for a revoked proxy', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(errors.isJitError(proxy)).toBe(false);
  });

  it('is false for other errors even if Object.prototype is polluted', () => {
    const brand = Symbol.for('jit-access.error');
    Object.defineProperty(Object.prototype, brand, { value: true, configurable: true });
    try {
      expect(errors.isJitError(new Error('x'))).toBe(false);
    } finally {
      Reflect.deleteProperty(Object.prototype, brand);
    }
  });
});

describe('messageOf()', () => {
  it('returns the message of an error, and for any other value says that there is no error', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(errors.messageOf(cause)).toBe('socket hang up');
    expect(errors.messageOf('thrown')).toBe('no error was given');
    expect(errors.messageOf(proxy)).toBe('no readable error was given');
  });
});

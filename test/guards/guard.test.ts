import { JitEngine, MemoryGrantStore, autoApprove, isScope } from 'jit-access';
import { accessOf as accessOfResponse, requireGrant as expressGuard } from 'jit-access/express';
import { requireGrant as fetchGuard } from 'jit-access/fetch';
import { createGuard, untilRead, whenClosed, type GuardOptions } from 'jit-access/guard';
import { GrantGuard, RequireGrant } from 'jit-access/nest';
import { FaultyStore, ManualClock } from 'jit-access/testing';
import { watchAccess } from 'jit-access/work';
import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accessRequired } from '../../src/guards/refusal.js';

function aWorld() {
  const clock = new ManualClock();
  const store = new FaultyStore(new MemoryGrantStore());
  const engine = new JitEngine({ approver: autoApprove(() => true), clock, store });
  return { clock, store, engine };
}

const caught = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('createGuard()', () => {
  const subject = () => 'user:maya';

  it.each([
    ['subject', { subject: undefined }],
    ['subject', { subject: 'user:maya' }],
    ['scope', { scope: undefined }],
    ['scope', { scope: '' }],
    ['scope', { scope: 'db:*' }],
    ['scope', { scope: 'a"b' }],
    ['scope', { scope: ['db-prod:write'] }],
    ['requestUrl', { requestUrl: '/ask' }],
    ['requestUrl', { requestUrl: 'javascript:alert(1)' }],
    ['requestUrl', { requestUrl: 'https://user:secret@desk.example/' }],
    ['requestUrl', { requestUrl: 'https://desk.example/?q=\\' }],
    ['requestUrl', { requestUrl: true }],
    ['abortOnEnd', { abortOnEnd: true }],
    ['abortOnEnd', { abortOnEnd: { poll: '1s' } }],
    ['touch', { touch: 1 }],
    ['realm', { realm: 'a"b' }],
    ['realm', { realm: 'a\r\nb' }],
    ['realm', { realm: '' }],
    ['retryAfter', { retryAfter: 0 }],
    ['onRefused', { onRefused: 'log' }],
    ['options', { abortOnEnds: watchAccess }],
  ])('refuses an invalid option, and names it: %s %o', (argument, over) => {
    const options = { subject, scope: 'db-prod:write', ...over } as unknown as GuardOptions<[]>;
    expect(caught(() => createGuard(aWorld().engine, options))).toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT', argument });
  });

  it.each([[undefined], [{}], [{ isAllowed: () => true }], ['engine']])('refuses a value that is not an engine: %o', (engine) => {
    expect(caught(() => createGuard(engine as never, { subject, scope: 'db-prod:write' }))).toMatchObject({ argument: 'engine' });
  });

  it('reads its options once, and ignores inherited ones', async () => {
    const { engine } = aWorld();
    const options = { subject, scope: 'db-prod:write', touch: true as boolean };
    const guard = createGuard(engine, options);
    options.scope = 'db-prod:read';
    const refused = await guard();
    expect(refused).toMatchObject({ allowed: false, refusal: { body: { scope: 'db-prod:write' } } });
    expect(caught(() => createGuard(engine, Object.create(options) as typeof options))).toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT' });
  });

  it('still refuses when onRefused throws', async () => {
    const guard = createGuard(aWorld().engine, {
      subject,
      scope: 'db-prod:write',
      onRefused: () => {
        throw new Error('the log is full');
      },
    });
    expect(await guard()).toMatchObject({ allowed: false });
  });

  it('rejects only with errors, and keeps a thrown value as the cause', async () => {
    const guard = createGuard(aWorld().engine, {
      subject: () => {
        throw 'route';
      },
      scope: 'db-prod:write',
    });
    const error: unknown = await guard().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ cause: 'route' });
  });

  it('sends Retry-After in whole seconds, rounded up', async () => {
    const { engine, store } = aWorld();
    store.inject('all', { fault: 'reject' });
    const guard = createGuard(engine, { subject, scope: 'db-prod:write', retryAfter: 1_001 });
    expect(await guard()).toMatchObject({ refusal: { headers: { 'retry-after': '2' } } });
  });

  it('counts no use where touch is false', async () => {
    const { clock, store } = aWorld();
    const approver = { name: 'idle', decide: () => ({ outcome: 'approve', terms: { idleTtlMs: 60_000 } }) as const };
    const engine = new JitEngine({ approver, clock, store });
    await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m' });
    const guard = createGuard(engine, { subject, scope: 'db-prod:write', touch: false });
    await clock.advance(59_000);
    expect(await guard()).toMatchObject({ allowed: true });
    await engine.flushAudit();
    await clock.advance(1_000);
    expect(await guard()).toMatchObject({ allowed: false });
  });

  it('does not compile with a misspelt scope where the engine has a type of scopes', () => {
    const engine = new JitEngine<'db-prod:read' | 'db-prod:write'>({ store: new MemoryGrantStore(), approver: autoApprove(() => true) });
    createGuard(engine, { subject, scope: 'db-prod:write' });
    createGuard(engine, { subject, scope: () => 'db-prod:read' });
    // @ts-expect-error the scope is misspelt
    createGuard(engine, { subject, scope: 'db-prod:wirte' });
    // @ts-expect-error the scope is misspelt
    expressGuard(engine, { subject, scope: 'db-prod:wirte' });
    // @ts-expect-error the scope is misspelt
    fetchGuard(engine, { subject, scope: 'db-prod:wirte' }, () => new Response());
  });
});

describe('a challenge', () => {
  it('is one line of quoted strings for any scope', () => {
    const isSafe = /^Bearer error="insufficient_scope", scope="[\x21\x23-\x5B\x5D-\x7E]+"(, error_uri="[\x21\x23-\x5B\x5D-\x7E]+")?$/;
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[\w.~@/+=:*"\\\r\n -]{1,40}$/),
      fc.stringMatching(/^[\w.~@/+=-]{1,8}(:[\w.~@/+=-]{1,8}){0,3}$/),
    );
    fc.assert(
      fc.property(anything, (scope) => {
        if (!isScope(scope)) return;
        expect(accessRequired(scope, undefined).headers['www-authenticate']).toMatch(isSafe);
        const { headers, body } = accessRequired(scope, 'https://desk.example/ask');
        expect(headers['www-authenticate']).toMatch(isSafe);
        expect(new URL(body.requestUrl as string).searchParams.get('scope')).toBe(scope);
      }),
    );
  });
});

describe('accessOf()', () => {
  it('throws where no guard has allowed the request', () => {
    expect(caught(() => accessOfResponse({}))).toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT' });
  });
});

describe('RequireGrant()', () => {
  it('refuses an invalid scope where the decorator is applied', () => {
    expect(caught(() => RequireGrant('db:*'))).toMatchObject({ argument: 'scope' });
  });

  it('refuses a context that is not HTTP', async () => {
    const { engine } = aWorld();
    const guard = new (
      GrantGuard('db-prod:write') as unknown as new (options: object) => { canActivate(context: object): Promise<boolean> }
    )({
      engine,
      subject: () => 'user:maya',
    });
    await expect(guard.canActivate({ getType: () => 'ws' })).rejects.toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT' });
  });
});

describe('whenClosed()', () => {
  it.each([
    ['destroyed', { destroyed: true }],
    ['with a destroyed stream, as of HTTP/2', { stream: { destroyed: true } }],
  ])('calls at once where the response is %s', (_, state) => {
    let calls = 0;
    whenClosed(Object.assign(new EventEmitter(), state), () => (calls += 1));
    expect(calls).toBe(1);
  });

  it('calls once, when it closes', () => {
    let calls = 0;
    const response = new EventEmitter();
    whenClosed(response, () => (calls += 1));
    expect(calls).toBe(0);
    response.emit('close');
    response.emit('close');
    expect(calls).toBe(1);
  });
});

describe('untilRead()', () => {
  const bodyOf = (...pieces: string[]) => new Response(new Blob(pieces).stream(), { status: 201, headers: { 'x-of': 'the handler' } });

  it('returns the response unchanged, and calls when its body has been read', async () => {
    let calls = 0;
    const response = untilRead(bodyOf('a', 'b'), true, () => (calls += 1));
    expect([response.status, response.headers.get('x-of'), calls]).toEqual([201, 'the handler', 0]);
    expect(await response.text()).toBe('ab');
    expect(calls).toBe(1);
  });

  it('calls when its body is cancelled', async () => {
    let calls = 0;
    await untilRead(bodyOf('a'), true, () => (calls += 1)).body?.cancel();
    expect(calls).toBe(1);
  });

  it('calls when its body fails', async () => {
    let calls = 0;
    const failing = new ReadableStream({ pull: () => Promise.reject(new Error('cut off')) });
    await expect(untilRead(new Response(failing), true, () => (calls += 1)).text()).rejects.toThrow('cut off');
    expect(calls).toBe(1);
  });

  it.each([
    ['there is no body', () => new Response(null, { status: 204 }), true],
    ['the body is never read, after HEAD', () => bodyOf('a'), false],
  ])('calls at once where %s', (_, make, isRead) => {
    let calls = 0;
    untilRead(make(), isRead, () => (calls += 1));
    expect(calls).toBe(1);
  });
});

import type { AuthzenQuestion } from 'jit-access/authzen';
import { describe, expect, it } from 'vitest';
import type { Approver } from '../../../src/index.js';
import { definePolicy } from '../../../src/policy.js';
import { SAM } from '../../engine/an-engine.js';
import { aProfile, EVALUATION, GATEWAY, OTHER, SUBJECT } from './authzen-of.js';
import { requestIdOf, submitted, typeOf } from './profile-of.js';

/** Notes the name of each method that is called. */
function noting<T extends object>(target: T, calls: string[]): T {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: readonly unknown[]): unknown => {
        calls.push(String(name));
        return Reflect.apply(value, target, args);
      };
    },
  });
}

const LEE = 'user:lee';
const UNKNOWN = '0'.repeat(32);

/** Notes the calls of the store and of the approver, and the questions to a group of code, one layer below the approver. */
function aNotedProfile(options: Parameters<typeof aProfile>[0] = {}, profile: Parameters<typeof aProfile>[2] = {}) {
  const calls: string[] = [];
  const policy = definePolicy({
    groups: { ops: { isMember: (id) => (calls.push('isMember'), id === SAM) } },
    rules: [{ id: 'db', scopes: ['db:**'], requesters: [{ self: true }, GATEWAY], review: { groups: { ops: 1 } } }],
  });
  const made = aProfile(options, { approver: noting<Approver>({ ...policy }, calls) }, profile);
  const after = async <T>(work: () => Promise<T>): Promise<T & { readonly calls: readonly string[] }> => {
    calls.length = 0;
    made.store.calls.length = 0;
    const answer = await work();
    return { ...answer, calls: [...made.store.calls.map(({ method }) => method), ...calls] };
  };
  return { ...made, after };
}

type Made = ReturnType<typeof aNotedProfile>;

async function aGrant({ engine }: Made, subject: string, scope: string, more: object = {}): Promise<string> {
  const { request } = await engine.requestAccess({ subject, scope, ttl: '15m', ...more });
  await engine.approve(request.id, { by: SAM });
  return `${request.id}.1`;
}

describe('[WF12] an approval of another subject', () => {
  const present = ({ send, after }: Made, id: unknown) =>
    after(async () => {
      const { status, text, headers } = await send('/evaluation', { ...EVALUATION, context: { approval: { id } } });
      return { status, text, headers: [...headers] };
    });

  const GRANTS: readonly [string, (made: Made) => Promise<string>][] = [
    ['a live grant of the same scope', async (made) => aGrant(made, LEE, 'db:prod:write')],
    ['a live grant of another scope', async (made) => aGrant(made, LEE, 'db:x:read')],
    ['a scheduled grant', async (made) => aGrant(made, LEE, 'db:prod:write', { startsAt: made.clock.now() + 60_000 })],
    [
      'a revoked grant',
      async (made) => {
        const id = await aGrant(made, LEE, 'db:prod:write');
        await made.engine.revoke(id, { by: SAM });
        return id;
      },
    ],
    [
      'an expired grant',
      async (made) => {
        const id = await aGrant(made, LEE, 'db:prod:write');
        await made.clock.advance('1h');
        return id;
      },
    ],
    [
      'the grant of a task',
      async (made) => {
        const { task } = await submitted(made, {}, { subject: { type: 'user', id: 'lee' } });
        await made.engine.approve(requestIdOf(task), { by: SAM });
        return `${requestIdOf(task)}.1`;
      },
    ],
  ];

  for (const exactTuple of [false, true]) {
    it.each(GRANTS)(`is like an unknown id: the same bytes and the same calls for %s (exactTuple: ${exactTuple})`, async (_, grantOf) => {
      for (const isAllowed of [false, true]) {
        const made = aNotedProfile({}, { exactTuple });
        const id = await grantOf(made);
        if (isAllowed) await aGrant(made, SUBJECT, 'db:prod:write');
        const ofOther = await present(made, id);
        expect(ofOther).toEqual(await present(made, `${UNKNOWN}.1`));
        expect(ofOther.calls).toContain('get');
        if (!isAllowed)
          expect(JSON.parse(ofOther.text)).toEqual({ decision: false, context: { reason: 'approval_unverifiable', next_action: 'none' } });
      }
    });
  }
});

describe('[WF14] a task of another caller', () => {
  const fails = (): never => {
    throw new TypeError('subject is undefined');
  };

  const HOOKS: readonly [string, ((question: AuthzenQuestion) => boolean) | undefined][] = [
    ['without `may`', undefined],
    ['with a `may` that refuses', ({ byDefault }) => byDefault],
    ['with a `may` that fails for an unknown task', ({ byDefault, subject }) => (subject === undefined ? fails() : byDefault)],
    ['with a `may` that fails for a known task', ({ byDefault, subject }) => (subject === undefined || byDefault ? byDefault : fails())],
  ];

  it.each(HOOKS)('is like an unknown one: the same bytes, the same calls and the same questions (%s)', async (_, hook) => {
    const asked: string[] = [];
    const may = hook && ((question: AuthzenQuestion) => (asked.push(question.operation), hook(question)));
    const made = aNotedProfile({ ...(may !== undefined && { may }) });
    const { task } = await submitted(made);
    const own = await made.engine.requestAccess({ subject: LEE, scope: 'db:x:read', ttl: '15m' });
    const [id = '', mac = ''] = task.id.split('.');
    const handles = [
      `${UNKNOWN}.${mac}`,
      ...[task.id, `${id}.${'A'.repeat(43)}`, `${own.request.id}.${mac}`, `${'f'.repeat(64)}.${mac}`, `a.${mac}`],
    ];
    for (const [method, end] of [
      ['GET', ''],
      ['POST', '/cancel'],
      ['DELETE', '/cancel'],
    ] as const) {
      const answers = [];
      for (const handle of handles) {
        asked.length = 0;
        const answer = await made.after(async () => {
          const { status, text, headers } = await made.send(`/requests/${handle}${end}`, undefined, { method, as: OTHER });
          return { status, text, headers: [...headers] };
        });
        answers.push({ ...answer, asked: [...asked] });
      }
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      expect([answers[0]?.status, answers[0]?.calls, answers[0]?.asked]).toEqual([404, ['get'], hook === undefined ? [] : ['view']]);
    }
    expect((await made.engine.getRequest(id))?.request.status).toBe('pending');
  });

  it('a `may` that fails is 503 for the caller that has the handle', async () => {
    let isDown = false;
    const made = aNotedProfile({ may: ({ byDefault }) => (isDown ? fails() : byDefault) });
    const { task } = await submitted(made);
    isDown = true;
    const { status, body } = await made.send(`/requests/${task.id}`, undefined, { method: 'GET' });
    expect([status, typeOf(body)]).toEqual([503, 'urn:jit-access:problem:unavailable']);
  });
});

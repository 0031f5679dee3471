import { createAuthzenHandler, type AuthzenQuestion } from 'jit-access/authzen';
import { accessRequests } from 'jit-access/authzen/access-request';
import { describe, expect, it } from 'vitest';
import { at, MINUTE, SAM, typesOf } from '../../engine/an-engine.js';
import { aProfile, clientOf, EVALUATION, FOR_AGENTS, GATEWAY, MAYA, OPTIONS, OTHER, SCOPE, signerOf, SUBJECT } from './authzen-of.js';
import { evaluate, requestIdOf, submissionOf, submitted, typeOf, type TaskAnswer } from './profile-of.js';

const GET = { method: 'GET' };

async function pending(...given: Parameters<typeof aProfile>) {
  const made = aProfile(...given);
  const { task } = await submitted(made);
  const view = async (as?: string) => made.send(`/requests/${task.id}`, undefined, { ...GET, ...(as !== undefined && { as }) });
  const cancel = async (body?: unknown, sent: object = {}) => made.send(`/requests/${task.id}/cancel`, body, sent);
  return { ...made, task, id: requestIdOf(task), view, cancel };
}

describe('B.1 the status of a task', () => {
  it('T1 a pending task has its deadline, the link to cancel, and Retry-After that grows from 5 to 60 seconds', async () => {
    const { clock, view, task } = await pending();
    for (const [advance, wait] of [
      [0, '5'],
      [MINUTE, '6'],
      [4 * MINUTE, '30'],
      [60 * MINUTE, '60'],
    ] as const) {
      await clock.advance(advance === 0 ? 1 : advance);
      const { status, headers, body } = await view();
      expect([status, headers.get('retry-after'), headers.get('cache-control')]).toEqual([200, wait, 'no-store']);
      expect(body).toEqual({ task });
    }
  });

  it('T6 an approved task has its result and no link to cancel', async () => {
    const { engine, id, view } = await pending();
    await engine.approve(id, { by: SAM });
    const { headers, body } = await view();
    expect(headers.has('retry-after')).toBe(false);
    expect(body).toMatchObject({ result: { mode: 'reevaluate', approval: { id: `${id}.1`, approved_until: '2026-01-01T01:00:00.000Z' } } });
    expect((body as unknown as TaskAnswer).task).toMatchObject({ status: 'approved', expires_at: '2026-01-02T00:00:00.000Z' });
    expect((body as unknown as TaskAnswer).task).not.toHaveProperty('links');
  });

  it.each<[string, (made: Awaited<ReturnType<typeof pending>>) => Promise<unknown>]>([
    ['denied', ({ engine, id }) => engine.deny(id, { by: SAM, reason: 'no' })],
    ['cancelled', ({ engine, id }) => engine.cancel(id, { by: GATEWAY })],
    ['cancelled', ({ engine }) => engine.revokeAll({ subject: SUBJECT }, { by: SAM, reason: 'incident' })],
    ['expired', ({ clock }) => clock.advance('24h')],
  ])('T10 the task is %s (%#), without a result, a reason or an actor', async (status, end) => {
    const made = await pending();
    await end(made);
    const { body, text } = await made.view();
    expect(body).toMatchObject({ task: { status } });
    expect(Object.keys(body)).toEqual(['task']);
    expect(text).not.toMatch(/user:sam|incident|"no"/);
  });

  it('T4 a task that was approved stays approved when its access ends', async () => {
    const { engine, clock, id, view } = await pending();
    await engine.approve(id, { by: SAM });
    await clock.advance('2h');
    expect((await view()).body).toMatchObject({ task: { status: 'approved' }, result: { approval: { id: `${id}.1` } } });
  });

  it('T5 T7 is expired at the deadline before any sweep, can be read through the retention, and is 410 afterwards', async () => {
    const { engine, clock, view } = await pending({}, {}, { retention: '1h' });
    await clock.advance(24 * 60 * MINUTE - 1);
    expect((await view()).body).toMatchObject({ task: { status: 'pending' } });
    await clock.advance(1);
    expect((await view()).body).toMatchObject({ task: { status: 'expired', expires_at: '2026-01-02T01:00:00.000Z' } });
    await engine.sweep();
    expect((await view()).body).toMatchObject({ task: { status: 'expired', expires_at: '2026-01-02T01:00:00.000Z' } });
    await clock.advance('1h');
    const { status, body, headers } = await view();
    expect([status, typeOf(body), headers.get('content-type')]).toEqual([410, 'task_expired', 'application/problem+json']);
  });

  it('T7 T8 an unknown task and a task of another caller are the same answer, byte for byte, also after its end', async () => {
    const made = await pending();
    const handles = [
      made.task.id,
      `${'0'.repeat(64)}.${'A'.repeat(43)}`,
      `${made.id}.${'A'.repeat(43)}`,
      made.id,
      `${made.id}.`,
      '..',
      '%2e%2e',
      'x'.repeat(5_000),
      '__proto__',
    ];
    const whole = async (handle: string, method: string, suffix = '') => {
      made.store.calls.length = 0;
      const { status, text, headers } = await made.send(`/requests/${handle}${suffix}`, undefined, { method, as: OTHER });
      return { answer: JSON.stringify([status, text, [...headers]]), reads: made.store.calls.length };
    };
    for (const advance of [0, 24 * 60 * MINUTE, 48 * 60 * MINUTE]) {
      if (advance > 0) await made.clock.advance(advance);
      const answers = await Promise.all(
        handles.filter((handle) => handle !== '..' && handle !== '%2e%2e').map((handle) => whole(handle, 'GET')),
      );
      expect(new Set(answers.map(({ answer }) => answer)).size).toBe(1);
      expect(answers[0]?.answer).toContain('unknown_task');
      const cancels = [await whole(made.task.id, 'POST', '/cancel'), await whole(`${'0'.repeat(64)}.${'A'.repeat(43)}`, 'POST', '/cancel')];
      expect(cancels[0]).toEqual(cancels[1]);
    }
    const own = await whole(made.task.id, 'GET');
    const none = await whole(`${'0'.repeat(64)}.${'A'.repeat(43)}`, 'GET');
    expect(own).toEqual(none);
  });

  it('T8 each operation is authorized by itself, and `may` knows the task', async () => {
    const made = await pending();
    const questions: AuthzenQuestion[] = [];
    const open = (may: (question: AuthzenQuestion) => boolean) =>
      clientOf(
        createAuthzenHandler(made.engine, {
          ...OPTIONS,
          may: (question) => (questions.push(question), may(question)),
          accessRequests: accessRequests({ signer: signerOf() }),
        }),
      );
    const views = open(({ operation }) => operation === 'view');
    const { links: _, ...shown } = made.task;
    expect((await views.send(`/requests/${made.task.id}`, undefined, { ...GET, as: OTHER })).body).toEqual({ task: shown });
    const refused = await views.send(`/requests/${made.task.id}/cancel`, undefined, { as: OTHER });
    expect([refused.status, typeOf(refused.body)]).toEqual([403, 'urn:jit-access:problem:forbidden']);
    expect(questions.at(-1)).toEqual({
      caller: { subject: OTHER },
      operation: 'cancel',
      subject: MAYA,
      resource: EVALUATION.resource,
      action: EVALUATION.action,
      taskId: made.id,
      byDefault: false,
    });
    const none = open(() => false);
    expect((await none.send(`/requests/${made.task.id}`, undefined, GET)).status).toBe(404);
    const both = open(() => true);
    expect((await both.send(`/requests/${made.task.id}/cancel`, undefined, { as: OTHER })).body).toMatchObject({
      task: { status: 'cancelled' },
    });
    const { request } = (await made.engine.getRequest(made.id)) ?? {};
    expect(request?.end).toMatchObject({ status: 'cancelled', cause: 'cancelled' });
  });

  it('S9 a caller that gets an open request of another source can read its task', async () => {
    const made = aProfile({}, {}, { requester: 'subject' });
    const { request } = await made.engine.requestAccess({ subject: SUBJECT, scope: SCOPE, ttl: '1h' });
    const { task } = await submitted(made);
    expect(requestIdOf(task)).toBe(request.id);
    const answer = await made.send(`/requests/${task.id}`, undefined, GET);
    expect([answer.status, answer.body]).toMatchObject([200, { task: { id: task.id, status: 'pending' } }]);
    expect((await made.send(`/requests/${task.id}`, undefined, { ...GET, as: OTHER })).status).toBe(404);
  });

  it.each([
    ['that the subject has made itself', {}],
    ['that another service has submitted for a run', { subject: { ...MAYA, properties: { act: { sub: 'agent:support' } } } }],
  ])('C4 a caller that gets an open request %s cannot cancel it', async (_, evaluated) => {
    const made = aProfile(FOR_AGENTS, {}, { requester: 'subject' });
    await made.engine.requestAccess({ subject: SUBJECT, scope: SCOPE, ttl: '1h' });
    const first = await made.send('/requests', await submissionOf(made, {}, evaluated));
    const second = await made.send('/requests', await submissionOf(made, {}, evaluated, OTHER), { as: OTHER });
    const { task } = second.body as unknown as TaskAnswer;
    expect(requestIdOf(task)).toBe(requestIdOf((first.body as unknown as TaskAnswer).task));
    expect(task).not.toHaveProperty('links');
    expect((await made.send(`/requests/${task.id}`, undefined, { ...GET, as: OTHER })).body).toEqual({ task });
    const { status, body } = await made.send(`/requests/${task.id}/cancel`, undefined, { as: OTHER });
    expect([status, typeOf(body)]).toEqual([403, 'urn:jit-access:problem:forbidden']);
    expect((await made.engine.getRequest(requestIdOf(task)))?.request.status).toBe('pending');
  });

  it('T7 a purged request is an unknown task', async () => {
    const made = await pending();
    made.store.inject('get', { fault: 'malformed', answer: [undefined] });
    expect((await made.view()).status).toBe(404);
  });

  it('C1 [WF29] has the link to cancel only for a caller that may cancel', async () => {
    let isOpen = true;
    const may = ({ operation, byDefault }: AuthzenQuestion) => byDefault && (operation !== 'cancel' || isOpen);
    const open = await pending({ may });
    expect(open.task.links).toEqual({ cancel: `${open.task.status_endpoint}/cancel` });
    isOpen = false;
    // Also in the answer to the submission.
    const closed = await pending({ may });
    for (const { task, view, cancel } of [open, closed]) {
      expect((await view()).body).toEqual({ task: { ...task, links: undefined } });
      const { status, body } = await cancel();
      expect([status, typeOf(body)]).toEqual([403, 'urn:jit-access:problem:forbidden']);
    }
    expect(closed.task).not.toHaveProperty('links');
    // Another caller that `may` lets cancel has the link as well.
    const helped = await pending({ may: ({ caller, byDefault }) => byDefault || caller.subject === OTHER });
    expect((await helped.view(OTHER)).body).toEqual({ task: helped.task });
    expect((await helped.cancel(undefined, { as: OTHER })).body).toMatchObject({ task: { status: 'cancelled' } });
  });

  it('T1 [WF29] a `may` that fails takes the link, and not the task', async () => {
    const may = ({ operation, byDefault }: AuthzenQuestion) => {
      if (operation === 'cancel') throw new Error('down');
      return byDefault;
    };
    const made = await pending({ may });
    expect(made.task).not.toHaveProperty('links');
    expect((await made.view()).status).toBe(200);
  });

  it('refuses other methods with 405 and Allow', async () => {
    const made = await pending();
    const post = await made.send(`/requests/${made.task.id}`, {});
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const get = await made.send(`/requests/${made.task.id}/cancel`, undefined, GET);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST, DELETE']);
    expect((await made.send(`/requests/${made.task.id}/approve`, {})).status).toBe(404);
  });
});

describe('B.1 cancel', () => {
  it('C1 C2 cancels a pending task, with the reason in the journal', async () => {
    const made = await pending();
    expect(made.task.links?.cancel).toBe(`${made.task.status_endpoint}/cancel`);
    const { status, body } = await made.cancel({ reason: 'no_longer_needed', comment: 'the job ended' });
    expect([status, body]).toMatchObject([200, { task: { id: made.task.id, status: 'cancelled' } }]);
    const { request } = (await made.engine.getRequest(made.id)) ?? {};
    expect(request?.end).toMatchObject({ status: 'cancelled', reason: 'no_longer_needed: the job ended' });
  });

  it.each<[string, unknown, object]>([
    ['POST without a body', undefined, {}],
    ['POST with an empty body', '', {}],
    ['POST with an empty object', {}, {}],
    ['DELETE', undefined, { method: 'DELETE' }],
  ])('C1 accepts %s', async (_, body, sent) => {
    const made = await pending();
    expect((await made.cancel(body, sent)).body).toMatchObject({ task: { status: 'cancelled' } });
  });

  it('C3 a second cancel, and a cancel of any task that has ended, is 409', async () => {
    const made = await pending();
    await made.cancel();
    const again = await made.cancel();
    expect([again.status, typeOf(again.body)]).toEqual([409, 'invalid_task_state']);
    const approved = await pending();
    await approved.engine.approve(approved.id, { by: SAM });
    const before = await typesOf(approved.store);
    expect((await approved.cancel()).status).toBe(409);
    await approved.engine.idle();
    expect(await typesOf(approved.store)).toEqual(before);
    const expired = await pending();
    await expired.clock.advance('24h');
    expect((await expired.cancel()).status).toBe(409);
  });

  it('C3 of 20 cancels at once exactly one is 200', async () => {
    const made = await pending();
    made.store.inject('all', { fault: 'yield', seed: 3 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => made.cancel()));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 409)]);
  });

  it('C1 cancels the request of a run, which its agent has made', async () => {
    const made = aProfile(FOR_AGENTS);
    const { task } = await submitted(made, {}, { subject: { ...MAYA, properties: { act: { sub: 'agent:support' } } } });
    expect((await made.send(`/requests/${task.id}/cancel`)).body).toMatchObject({ task: { status: 'cancelled' } });
  });

  it.each<[string, unknown, object]>([
    ['a reason that is no string', { reason: 7 }, {}],
    ['a body that is no object', [], {}],
    ['a body of another type', 'reason=x', { headers: { 'content-type': 'text/plain' } }],
    ['a reason with control characters', { reason: 'a\u0000' }, {}],
  ])('X1 refuses %s with 400, and cancels nothing', async (_, body, sent) => {
    const made = await pending();
    const { status, headers } = await made.cancel(body, sent);
    expect([status, headers.get('content-type')]).toEqual([400, 'application/problem+json']);
    expect((await made.view()).body).toMatchObject({ task: { status: 'pending' } });
  });
});

describe('B.1 re-evaluation', () => {
  const approved = async (...given: Parameters<typeof aProfile>) => {
    const made = await pending(...given);
    await made.engine.approve(made.id, { by: SAM });
    const { result } = (await made.view()).body as unknown as TaskAnswer;
    return { ...made, approval: result?.approval ?? { id: '', approved_until: '' } };
  };
  const again = { next_action: 'request', access_request: {} };
  const none = { next_action: 'none' };

  it('A1 with its approval the decision is true, and names the approval', async () => {
    const made = await approved();
    expect(await evaluate(made, { context: { approval: made.approval } })).toMatchObject({
      decision: true,
      context: { approval: made.approval },
    });
    expect((await evaluate(made)).context).not.toHaveProperty('approval');
    expect(
      (await evaluate(made, { context: { approval: { ...made.approval, approved_until: '2099-01-01T00:00:00Z' } } })).context.approval,
    ).toEqual(made.approval);
  });

  it('A4 A5 the approval of another subject or scope gives nothing', async () => {
    const made = await approved();
    const context = { approval: made.approval };
    expect(await evaluate(made, { subject: { type: 'user', id: 'lee' }, context })).toEqual({
      decision: false,
      context: { reason: 'approval_unverifiable', next_action: 'none' },
    });
    expect(await evaluate(made, { action: { name: 'drop' }, context })).toMatchObject({
      decision: false,
      context: { reason: 'out_of_scope', ...again },
    });
  });

  it('A2 A7 expired, revoked and released access is approval_expired with a fresh access_request', async () => {
    const expired = await approved();
    await expired.clock.advance('1h');
    const revoked = await approved();
    await revoked.engine.revoke(revoked.approval.id, { by: SAM });
    for (const made of [expired, revoked])
      expect(await evaluate(made, { context: { approval: made.approval } })).toMatchObject({
        decision: false,
        context: { reason: 'approval_expired', ...again },
      });
    const { context } = await evaluate(expired, { context: { approval: expired.approval } });
    const denial = {
      expires_at: context.access_request?.expires_at,
      binding_token: context.access_request?.binding_token,
      evaluation_id: context.evaluation_id,
    };
    const answer = await expired.send('/requests', { ...EVALUATION, context: { approval: expired.approval }, denial });
    expect(answer.status).toBe(202);
  });

  it('A10 for approved access that cannot be requested again, next_action is `none`', async () => {
    const made = await approved();
    await made.engine.revoke(made.approval.id, { by: SAM });
    await made.engine.lock({ subject: SUBJECT }, { by: SAM });
    expect((await evaluate(made, { context: { approval: made.approval } })).context).toEqual({ reason: 'approval_expired', ...none });
  });

  it('A10 a grant that has not started is grant_pending, with the seconds to its start', async () => {
    const made = aProfile();
    const { request } = await made.engine.requestAccess({ subject: SUBJECT, scope: SCOPE, ttl: '5m', startsAt: at(2 * MINUTE) });
    await made.engine.approve(request.id, { by: SAM });
    expect((await evaluate(made, { context: { approval: { id: `${request.id}.1` } } })).context).toEqual({
      reason: 'grant_pending',
      next_action: 'retry',
      retry_after: 120,
    });
  });

  it.each<[string, unknown]>([
    ['an unknown id', { id: 'unknown' }],
    ['no id', {}],
    ['an id that is no string', { id: 7 }],
    ['an id that is no id', { id: '\u0000' }],
    ['no object', 'x'],
    ['null', null],
    ['a list', []],
  ])('A5 an approval with %s is approval_unverifiable', async (_, approval) => {
    const made = aProfile();
    expect(await evaluate(made, { context: { approval } })).toEqual({
      decision: false,
      context: { reason: 'approval_unverifiable', ...none },
    });
  });

  it('A6 B4 an approval.state is approval_unverifiable, with any content and although the access exists', async () => {
    const made = await approved();
    for (const state of ['x.y.z', null, await signerOf().sign({ approval_id: made.approval.id })])
      expect(await evaluate(made, { context: { approval: { ...made.approval, state } } })).toEqual({
        decision: false,
        context: { reason: 'approval_unverifiable', ...none },
      });
    expect((await evaluate(made)).decision).toBe(true);
  });

  it('A8 a condition that says no is policy_denied', async () => {
    const made = await approved({ condition: ({ context }) => context?.['risk'] !== 'high' });
    expect((await evaluate(made, { context: { risk: 'low', approval: made.approval } })).decision).toBe(true);
    expect(await evaluate(made, { context: { risk: 'high', approval: made.approval } })).toEqual({
      decision: false,
      context: { reason: 'policy_denied', ...none },
    });
  });

  it('A8 a lock is policy_denied, or the access has ended', async () => {
    const made = await approved();
    await made.engine.lock({ scope: SCOPE }, { by: SAM });
    expect(await evaluate(made, { context: { approval: made.approval } })).toMatchObject({ decision: false, context: none });
  });

  it('A.2 an approval in the context of a batch explains each item', async () => {
    const made = await approved();
    const { body } = await made.send('/evaluations', {
      subject: MAYA,
      resource: EVALUATION.resource,
      context: { approval: made.approval },
      evaluations: [{ action: EVALUATION.action }, { action: { name: 'drop' } }],
    });
    expect(body).toMatchObject({
      evaluations: [
        { decision: true, context: { approval: made.approval } },
        { decision: false, context: { reason: 'out_of_scope', ...again } },
      ],
    });
  });

  it('A9 by default the access is for the subject and the scope; with exactTuple only for the submitted tuple', async () => {
    const resource = { ...EVALUATION.resource, properties: { region: 'eu' } };
    const asked = async (exactTuple: boolean) => {
      const made = aProfile({}, {}, { exactTuple });
      const { task } = await submitted(made, {}, { resource, context: { ip: '10.0.0.1' } });
      await made.engine.approve(requestIdOf(task), { by: SAM });
      return { made, approval: { id: `${requestIdOf(task)}.1` } };
    };
    const open = await asked(false);
    expect((await evaluate(open.made)).decision).toBe(true);
    const { made, approval } = await asked(true);
    const exact = { resource, context: { ip: '10.0.0.1' } };
    expect((await evaluate(made, exact)).decision).toBe(true);
    expect((await evaluate(made, { ...exact, context: { ip: '10.0.0.1', approval, other: 1 } })).decision).toBe(true);
    for (const over of [{}, { resource }, { ...exact, context: { ip: '10.0.0.2', approval } }, { ...exact, resource: EVALUATION.resource }])
      expect(await evaluate(made, over)).toMatchObject({ decision: false, context: { reason: 'out_of_scope' } });
    // Access from another source is for the subject and the scope.
    const { request } = await made.engine.requestAccess({ subject: SUBJECT, scope: SCOPE, ttl: '2h' });
    await made.engine.approve(request.id, { by: SAM });
    expect((await evaluate(made)).decision).toBe(true);
  });

  it('A9 exactTuple does not touch standing access', async () => {
    const made = aProfile({}, { standing: { [SUBJECT]: [SCOPE] } }, { exactTuple: true });
    expect(await evaluate(made)).toMatchObject({ decision: true, context: { reason: 'standing' } });
  });

  it('the whole way: denial, submission, approval, re-evaluation, expiry', async () => {
    const made = aProfile();
    const body = await submissionOf(made, { context: { business_justification: 'INC-1' } });
    const { task } = (await made.send('/requests', body)).body as unknown as TaskAnswer;
    await made.engine.approve(requestIdOf(task), { by: SAM });
    const { result } = (await made.send(`/requests/${task.id}`, undefined, GET)).body as unknown as TaskAnswer;
    expect((await evaluate(made, { context: { approval: result?.approval } })).decision).toBe(true);
    await made.clock.advance('1h');
    expect((await evaluate(made, { context: { approval: result?.approval } })).decision).toBe(false);
  });
});

import { createAuthzenHandler } from 'jit-access/authzen';
import { accessRequests } from 'jit-access/authzen/access-request';
import { describe, expect, it } from 'vitest';
import { definePolicy } from '../../../src/policy.js';
import { SAM } from '../../engine/an-engine.js';
import { aProfile, clientOf, FOR_AGENTS, GATEWAY, MAYA, OPTIONS, OTHER, signerOf, SUBJECT, TOKEN_KEYS } from './authzen-of.js';
import { evaluate, requestIdOf, submissionOf, typeOf, type TaskAnswer } from './profile-of.js';

/*
 * The profile leaves `subject.properties.act` out of the comparison with the denied evaluation, because a client may carry the actor
 * elsewhere. So `act` of a submission changes nothing: the request is for the access of the denial, by its agent for its operator.
 */

type Made = ReturnType<typeof aProfile>;

const acting = (sub?: string, more: object = {}) => ({
  subject: sub === undefined ? MAYA : { ...MAYA, properties: { act: { sub, ...more } } },
});
const A = 'agent:a';
const B = 'agent:b';

const requestsOf = async ({ engine }: Made) => (await engine.listRequests({})).items;
const ofRun = (agent: string) => ({ agent, operator: SUBJECT, requestedBy: agent });
const ofMaya = { subject: SUBJECT, requestedBy: GATEWAY, agent: undefined, operator: undefined };

/** The `act` of the denied evaluation, that of the submission, and the request that the denial alone gives. */
const CASES: readonly [string, string | undefined, string | undefined, object][] = [
  ['another actor', A, B, ofRun(A)],
  ['no actor', A, undefined, ofRun(A)],
  ['an actor', undefined, B, ofMaya],
];

const KEYS = [{}, { 'idempotency-key': 'k' }];

describe('[A39] B3 `act` does not count in the comparison with the denied evaluation', () => {
  it.each(CASES)('[A39] B3 a submission with %s asks for the access of the denial', async (_, denied, submitted, request) => {
    for (const headers of KEYS) {
      const made = aProfile(FOR_AGENTS);
      const body = await submissionOf(made, acting(submitted), acting(denied));
      const first = await made.send('/requests', body, { headers });
      expect([first.status, first.body]).toMatchObject([202, { task: { status: 'pending' } }]);
      expect(await requestsOf(made)).toMatchObject([request]);
      await made.engine.approve(requestIdOf((first.body as unknown as TaskAnswer).task), { by: SAM });
      expect([(await evaluate(made, acting(denied))).decision, (await evaluate(made, acting(submitted))).decision]).toEqual([true, false]);
    }
  });

  it.each(CASES)('[A39] I1 a repeat with %s is the same submission, also after the deadline', async (_, denied, submitted, request) => {
    for (const headers of KEYS) {
      for (const [one, two] of [
        [denied, submitted],
        [submitted, denied],
      ]) {
        const made = aProfile(FOR_AGENTS);
        const body = await submissionOf(made, {}, acting(denied));
        const first = (await made.send('/requests', { ...body, ...acting(one) }, { headers })).body as unknown as TaskAnswer;
        const repeat = async (act: string | undefined) => {
          const { status, body: answered } = await made.send('/requests', { ...body, ...acting(act) }, { headers });
          return [status, (answered as unknown as Partial<TaskAnswer>).task?.id];
        };
        expect(await repeat(two)).toEqual([202, first.task.id]);
        await made.clock.advance('2h');
        const late = 'idempotency-key' in headers ? [202, first.task.id] : [410, undefined];
        expect([await repeat(two), await repeat(one)]).toEqual([late, late]);
        expect(await requestsOf(made)).toMatchObject([request]);
      }
    }
  });

  it('[A39] a break-glass request is for the access of the denial too', async () => {
    const rule = { scopes: ['db:**'] };
    const approver = definePolicy({
      groups: { ops: [SAM] },
      rules: [{ id: 'db', ...rule, review: { groups: { ops: 1 } } }],
      breakGlass: [{ id: 'bg', ...rule, maxTtl: '2h', reviewers: ['ops'], reviewWithin: '24h' }],
    });
    const emergency = { context: { business_justification: 'INC-1' }, requested_access: { emergency: true } };
    for (const act of [B, undefined]) {
      const made = aProfile(FOR_AGENTS, { approver }, { emergency: true, requester: 'subject' });
      const { status } = await made.send('/requests', await submissionOf(made, { ...emergency, ...acting(act) }, acting(A)));
      expect([status, await requestsOf(made)]).toMatchObject([201, [{ agent: A, requestedBy: A }]]);
      expect([(await evaluate(made, acting(A))).decision, (await evaluate(made, acting(act))).decision]).toEqual([true, false]);
    }
  });

  it('[A39] the codec, `map` and `agent` receive the `act` of the denied evaluation, and what they make of another one is not asked for', async () => {
    const made = aProfile({
      ...FOR_AGENTS,
      // A host that reads the issuer too, and opens another resource to one actor.
      agent: ({ iss, sub }) => (typeof sub === 'string' ? `${sub}@${JSON.stringify(iss)}` : undefined),
      map: ({ subject }) => `db:${JSON.stringify(subject).includes('agent:b') ? 'b' : 'a'}:write`,
    });
    const body = await submissionOf(made, acting(B, { iss: 'other' }), acting(A, { iss: 'idp' }));
    expect((await made.send('/requests', body)).status).toBe(202);
    expect(await requestsOf(made)).toMatchObject([{ ...ofRun('agent:a@"idp"'), scopes: ['db:a:write'] }]);
  });

  it('[A39] every other property still counts, also one that is named like a member of Object.prototype', async () => {
    const made = aProfile(FOR_AGENTS);
    for (const properties of [
      { act: { sub: A }, plan: 'gold' },
      { Act: { sub: A } },
      JSON.parse('{"__proto__":{"act":{"sub":"agent:a"}}}') as object,
    ]) {
      const body = await submissionOf(made, { subject: { ...MAYA, properties } }, acting(A));
      const answer = await made.send('/requests', body);
      expect([answer.status, typeOf(answer.body)]).toEqual([400, 'invalid_denial_binding']);
    }
    expect(await requestsOf(made)).toEqual([]);
  });
});

describe('L44 [A39] no caller gets by `act` what it may not submit for', () => {
  /** Submits, and expects a refusal that stores nothing. */
  async function expectRefused(made: Made, body: object, as: string, expected: readonly [number, string]) {
    const before = (await requestsOf(made)).length;
    for (const headers of KEYS) {
      const answer = await made.send('/requests', body, { as, headers });
      expect([answer.status, typeOf(answer.body)]).toEqual(expected);
    }
    expect(await requestsOf(made)).toHaveLength(before);
  }
  const FORBIDDEN = [403, 'urn:jit-access:problem:forbidden'] as const;
  const UNBOUND = [400, 'invalid_denial_binding'] as const;

  it("L44 [A39] by default an agent submits neither with another's denial and its own `act`, nor with its own denial and another's `act`", async () => {
    for (const requester of ['caller', 'subject'] as const) {
      const made = aProfile({}, {}, { requester });
      const denials = { [A]: await submissionOf(made, {}, acting(A), A), [B]: await submissionOf(made, {}, acting(B), B) };
      // The denial of A that B has seen, with the `act` of B, of A, and without one.
      for (const act of [B, A, undefined]) await expectRefused(made, { ...denials[A], ...acting(act) }, B, FORBIDDEN);
      await expectRefused(made, { ...denials[A], ...acting(B) }, A, FORBIDDEN);
      // A service and the operator itself get nothing by leaving the actor out.
      for (const as of [GATEWAY, SUBJECT]) await expectRefused(made, { ...denials[A], ...acting() }, as, FORBIDDEN);
      // The agent itself may leave its name out: the caller is known, and the request is its own.
      expect((await made.send('/requests', { ...denials[A], ...acting() }, { as: A })).status).toBe(202);
      expect(await requestsOf(made)).toMatchObject([ofRun(A)]);
    }
  });

  it('L44 [A39] `may` is asked about the agent of the denial and about that of the submission', async () => {
    for (const [denied, submitted] of [
      [A, B],
      [B, A],
      [B, undefined],
      [undefined, B],
    ]) {
      let isOpen = true;
      const made = aProfile({ may: ({ operation, agent }) => operation !== 'submit' || isOpen || agent !== B });
      const body = await submissionOf(made, acting(submitted), acting(denied));
      isOpen = false;
      await expectRefused(made, body, GATEWAY, FORBIDDEN);
      isOpen = true;
      const key = { headers: { 'idempotency-key': 'k' } };
      expect((await made.send('/requests', body, key)).status).toBe(202);
      isOpen = false;
      // Also a repeat, which finds the task of the caller.
      expect((await made.send('/requests', body, key)).status).toBe(403);
    }
  });

  it('L44 [A39] an `act` that names no agent is refused, and so is a denial whose agent the host no longer knows', async () => {
    let isKnown = true;
    const made = aProfile({ ...FOR_AGENTS, agent: ({ sub }) => (isKnown || sub !== A ? (sub as string | undefined) : undefined) });
    const body = await submissionOf(made, {}, acting(A));
    for (const act of [{}, null, 'agent:a', [A], { sub: 7 }, { sub: 'x/run/y' }])
      await expectRefused(made, { ...body, subject: { ...MAYA, properties: { act } } }, GATEWAY, UNBOUND);
    isKnown = false;
    for (const act of [B, undefined]) await expectRefused(made, { ...body, ...acting(act) }, GATEWAY, UNBOUND);
  });

  it('L44 [A39] another caller under the same key finds no task of the first one, with no `act`', async () => {
    const made = aProfile({ may: () => true });
    const body = await submissionOf(made, {}, acting(A));
    const key = { 'idempotency-key': 'k' };
    const first = (await made.send('/requests', body, { headers: key })).body as unknown as TaskAnswer;
    for (const act of [A, B, undefined]) {
      const answer = await made.send('/requests', { ...body, ...acting(act) }, { as: OTHER, headers: key });
      // `may` permits it, so the engine returns the open request of the run, with a handle of its own.
      const { task } = answer.body as unknown as TaskAnswer;
      expect([answer.status, requestIdOf(task) === requestIdOf(first.task), task.id === first.task.id]).toEqual([202, true, false]);
    }
    expect(await requestsOf(made)).toMatchObject([ofRun(A)]);
  });

  it('[A39] a token that an earlier version signed, without the `act` of its denial, is compared with the `act` of the submission', async () => {
    const made = aProfile(FOR_AGENTS);
    const body = await submissionOf(made, {}, acting(A));
    const payload = body.denial.binding_token.split('.')[1] ?? '';
    const { subject_act, ...claims } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    expect(subject_act).toEqual({ sub: A });
    const old = { ...body, denial: { ...body.denial, binding_token: await signerOf().sign(claims as never) } };
    for (const other of [B, undefined]) await expectRefused(made, { ...old, ...acting(other) }, GATEWAY, UNBOUND);
    expect((await made.send('/requests', old)).status).toBe(202);
    expect(await requestsOf(made)).toMatchObject([ofRun(A)]);
  });

  it('[A39] the claim `subject_act` does not replace the MAC of the access: with another one the token is refused', async () => {
    const made = aProfile(FOR_AGENTS);
    const body = await submissionOf(made, {}, acting(A));
    const claims = JSON.parse(Buffer.from(body.denial.binding_token.split('.')[1] ?? '', 'base64url').toString()) as object;
    for (const act of [{ sub: B }, null, {}, 7]) {
      const binding_token = await signerOf().sign({ ...claims, subject_act: act });
      const changed = { ...body, denial: { ...body.denial, binding_token } };
      for (const submitted of [A, B, undefined]) await expectRefused(made, { ...changed, ...acting(submitted) }, GATEWAY, UNBOUND);
    }
  });

  it('[A39] a retry is found under its own `act` when its token can no longer be verified', async () => {
    const made = aProfile(FOR_AGENTS);
    const body = await submissionOf(made, {}, acting(A));
    const headers = { 'idempotency-key': 'k' };
    const first = (await made.send('/requests', body, { headers })).body as unknown as TaskAnswer;
    const profile = accessRequests({ signer: signerOf('rotated') });
    const tokenKeys = [{ id: 'k2', secret: 'n'.repeat(32) }, ...TOKEN_KEYS];
    const rotated = clientOf(createAuthzenHandler(made.engine, { ...OPTIONS, ...FOR_AGENTS, tokenKeys, accessRequests: profile }));
    const again = (await rotated.send('/requests', body, { headers })).body as unknown as TaskAnswer;
    expect(requestIdOf(again.task)).toBe(requestIdOf(first.task));
    const other = await rotated.send('/requests', { ...body, ...acting(B) }, { headers });
    expect([other.status, typeOf(other.body)]).toEqual([...UNBOUND]);
  });
});

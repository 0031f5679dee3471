import { describe, expect, it } from 'vitest';
import { decodeRequest, encode, type AccessRequest } from '../../src/records/index.js';
import { autoApprove, runSubject, type AccessAsk, type AgentRun, type JitEngine } from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { replay, verifyStore } from '../../src/journal.js';
import { definePolicy } from '../../src/policy.js';
import { FaultyStore } from '../../src/testing.js';
import { aPending, anEngine, at, entriesOf, MINUTE, refusal, SAM, SCOPE } from './an-engine.js';

const AGENT = 'agent:7';
const ANN = 'user:ann';
const RUN: AgentRun = { agent: AGENT, operator: ANN, job: 'ticket-1' };
const TTL = 10 * MINUTE;
const yes = autoApprove(() => true);

const asks = (engine: JitEngine, run: AgentRun = RUN) => engine.requestAccess({ run, scope: SCOPE, ttl: TTL });
const granted = async (engine: JitEngine, run: AgentRun = RUN) => {
  const result = await asks(engine, run);
  if (result.outcome !== 'granted') throw new Error(result.outcome);
  return result.grants[0] as (typeof result.grants)[number];
};

describe('a run', () => {
  it('requests through its agent; agent and operator are fields of the request, and in the journal (L27) [H2]', async () => {
    const { engine, store, clock } = anEngine({ approver: yes });
    const { request } = await asks(engine);
    expect(request).toMatchObject({ subject: runSubject(RUN), requestedBy: AGENT, agent: AGENT, operator: ANN });
    const [created] = await entriesOf(store);
    expect(created).toMatchObject({ type: 'request.created', actor: AGENT, data: { agent: AGENT, operator: ANN, requestedBy: AGENT } });
    const { requests } = await replay(await entriesOf(store), clock.now());
    expect(requests.get(request.id)).toMatchObject({ subject: request.subject, agent: AGENT, operator: ANN });
    expect(await verifyStore(store)).toMatchObject({ ok: true });
    const [row] = await store.get([{ kind: 'request', id: request.id }]);
    const stored = decodeRequest(row as Row);
    expect(decodeRequest(encode(stored))).toEqual(stored);
    expect(request).toEqual({ ...stored, status: 'approved' });
  });

  it('L30 is not read from a row whose fields contradict its subject [H2]', async () => {
    const { engine } = anEngine({ approver: yes });
    const run = (await asks(engine)).request;
    const person = (await engine.requestAccess({ subject: ANN, scope: 'x:y', ttl: TTL })).request;
    for (const request of [
      { ...run, agent: 'agent:8' },
      { ...run, agent: undefined },
      { ...run, requestedBy: SAM },
      { ...person, agent: ANN },
      { ...person, operator: SAM },
    ] as AccessRequest[]) {
      expect((await refusal(() => decodeRequest(encode(request)), 'ERR_JIT_CORRUPT')).kind).toBe('request');
    }
  });

  it('shares no access with its agent, in either direction (L43) [H2]', async () => {
    const { engine } = anEngine({ approver: yes, standing: { [AGENT]: ['standing:read'] } });
    await granted(engine);
    await engine.requestAccess({ subject: AGENT, scope: 'own:read', ttl: TTL });
    expect(await engine.isAllowed(AGENT, SCOPE)).toBe(false);
    expect(await engine.isAllowed(runSubject(RUN, engine), SCOPE)).toBe(true);
    for (const scope of ['own:read', 'standing:read']) expect(await engine.isAllowed(runSubject(RUN, engine), scope)).toBe(false);
  });

  it('L15 may review nothing, for any value of the option agents, and neither may its agent [H2]', async () => {
    const { engine } = anEngine({ agents: (id) => id === 'bot' });
    const bot = { agent: 'bot', operator: ANN };
    const own = await asks(engine, bot);
    const other = await aPending(engine);
    for (const { id } of [own.request, other]) {
      for (const by of ['bot', runSubject(bot, engine), runSubject({ agent: 'elsewhere', job: '1' })])
        expect((await refusal(engine.approve(id, { by }), 'ERR_JIT_NOT_REVIEWER')).why).toBe('is_agent');
    }
  });

  it('is refused for an agent that the option agents does not name: revokeAll would miss it [H2]', async () => {
    const { engine } = anEngine({ approver: yes, agents: (id) => id === 'bot' });
    expect((await refusal(asks(engine), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('run.agent');
    expect((await refusal(() => runSubject(RUN, engine), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('run.agent');
    expect((await engine.listRequests({})).items).toEqual([]);
  });

  it('L43 is refused as a subject too where the option agents does not name its agent [H2]', async () => {
    const { engine } = anEngine({ approver: yes, agents: (id) => id === AGENT });
    const subject = runSubject({ agent: 'user:bob', operator: ANN });
    for (const requestedBy of [undefined, 'user:bob']) {
      const refused = engine.requestAccess({ subject, requestedBy, scope: SCOPE, ttl: TTL });
      expect((await refusal(refused, 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('subject');
    }
    expect(await engine.requestAccess({ subject: runSubject(RUN), scope: SCOPE, ttl: TTL })).toMatchObject({ outcome: 'granted' });
  });

  it('refuses another requester, and a subject given by the caller [H2]', async () => {
    const { engine } = anEngine({ approver: yes });
    const subject = runSubject(RUN);
    for (const [argument, ask] of [
      ['requestedBy', { run: RUN, requestedBy: SAM }],
      ['subject', { run: RUN, subject }],
      ['requestedBy', { subject, requestedBy: SAM }],
      ['subject', { subject: 'agent:7/run/x' }],
      ['subject', { subject: 'x/run/y/z' }],
    ] as const) {
      const error = await refusal(engine.requestAccess({ scope: SCOPE, ttl: TTL, ...ask } as AccessAsk), 'ERR_JIT_INVALID_ARGUMENT');
      expect(error.argument).toBe(argument);
    }
  });

  it('keeps agent and operator when it asks for more time [H2]', async () => {
    const { engine } = anEngine({ approver: yes });
    const grant = await granted(engine);
    const { request } = await engine.extend(grant.id, { ttl: TTL, requestedBy: AGENT });
    expect(request).toMatchObject({ subject: runSubject(RUN), requestedBy: AGENT, agent: AGENT, operator: ANN });
    expect((await refusal(engine.extend(grant.id, { ttl: TTL, requestedBy: SAM }), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe(
      'requestedBy',
    );
  });

  it('is made canonical by its parts: canonicalId never sees the subject made of them [H2]', async () => {
    const seen: string[] = [];
    const canonicalId = (id: string) => (seen.push(id), id.toLowerCase());
    const { engine } = anEngine({ approver: yes, canonicalId });
    const grant = await granted(engine, { agent: 'Agent:7', operator: 'User:Ann', job: 'Ticket-1' });
    expect(grant.subject).toBe(runSubject(RUN));
    expect(runSubject({ agent: 'AGENT:7', operator: 'USER:ANN', job: 'TICKET-1' }, engine)).toBe(runSubject(RUN));
    await engine.check(grant.subject, SCOPE);
    await engine.revokeAll({ subject: 'Agent:7' }, { by: 'Sam' });
    expect(await engine.isAllowed(grant.subject, SCOPE)).toBe(false);
    expect(seen.filter((id) => id.includes('/run/'))).toEqual([]);
    const forging = anEngine({ approver: yes, canonicalId: () => runSubject(RUN) }).engine;
    expect((await refusal(forging.check('x', SCOPE), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('subject');
  });
});

describe('revokeAll of an agent', () => {
  it('ends the live and scheduled grants of its runs, and of no other agent (L43) [H2]', async () => {
    const { engine, clock } = anEngine({ approver: autoApprove(({ scopes }) => scopes[0] !== 'x:pending') });
    const other = await granted(engine, { ...RUN, agent: 'agent:70' });
    const live = await granted(engine);
    const own = await engine.requestAccess({ subject: AGENT, scope: SCOPE, ttl: TTL });
    const later = await engine.requestAccess({ run: RUN, scope: 'x:later', ttl: TTL, startsAt: at(MINUTE) });
    const { grants } = await engine.revokeAll({ subject: AGENT }, { by: SAM });
    expect(grants).toHaveLength(3);
    await clock.advance(MINUTE);
    expect(own.outcome).toBe('granted');
    expect(later.outcome).toBe('granted');
    for (const scope of [SCOPE, 'x:later']) expect(await engine.isAllowed(live.subject, scope)).toBe(false);
    expect(await engine.isAllowed(AGENT, SCOPE)).toBe(false);
    expect(await engine.isAllowed(other.subject, SCOPE)).toBe(true);
  });

  it('cancels the pending requests of its runs, and of no other agent (L12, L43) [H2]', async () => {
    const { engine } = anEngine();
    const ended = [];
    for (const run of [RUN, { ...RUN, job: 'ticket-2' }, { ...RUN, agent: 'agent:70' }]) {
      const { request } = await asks(engine, run);
      ended.push(async () => (await engine.getRequest(request.id))?.request.end?.status);
    }
    await engine.revokeAll({ subject: AGENT }, { by: SAM });
    expect(await Promise.all(ended.map((status) => status()))).toEqual(['cancelled', 'cancelled', undefined]);
  });

  it('of one run ends that run alone [H2]', async () => {
    const { engine } = anEngine({ approver: yes });
    const [one, two] = [await granted(engine), await granted(engine, { ...RUN, job: 'ticket-2' })];
    await engine.revokeAll({ subject: one.subject }, { by: SAM });
    expect([await engine.isAllowed(one.subject, SCOPE), await engine.isAllowed(two.subject, SCOPE)]).toEqual([false, true]);
  });

  it('of its operator, and a deny rule for that operator, do not affect the run [H2]', async () => {
    const rules = [
      { id: 'not-ann', scopes: ['**'], subjects: [ANN], deny: 'left' },
      { id: 'all', scopes: ['**'], subjects: [AGENT], runs: true, approve: true as const },
    ];
    const { engine } = anEngine({ approver: definePolicy({ rules }) });
    const { subject } = await granted(engine);
    await engine.revokeAll({ subject: ANN }, { by: SAM });
    expect(await engine.isAllowed(subject, SCOPE)).toBe(true);
    expect((await asks(engine, { ...RUN, job: 'ticket-2' })).outcome).toBe('granted');
  });

  it('of a person reads the open rows of that person only', async () => {
    const { engine, store } = anEngine({ approver: yes });
    const find = FaultyStore.prototype.find;
    const asked: unknown[] = [];
    store.find = function (this: FaultyStore, query) {
      asked.push(query.subject);
      return find.call(this, query);
    };
    await engine.revokeAll({ subject: ANN }, { by: SAM });
    expect(new Set(asked)).toEqual(new Set([ANN]));
  });
});

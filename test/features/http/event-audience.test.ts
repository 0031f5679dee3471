import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, reviewers, type Approver } from '../../../src/index.js';
import { definePolicy, type PolicyDefinition } from '../../../src/policy.js';
import { FaultyStore } from '../../../src/testing.js';
import { onTurns } from '../../on-turns.js';
import { bound, listen, typesOf } from './listen.js';
import { aService, EVE, MAYA, SAM, SCOPE, SEC, turns } from './world.js';

const ASK = { subject: MAYA, scope: SCOPE, ttl: '30m', justification: 'INC-204' } as const;
const ANA = 'user:ana';

type Method = 'groupsOf' | 'membersOf' | 'mayReviewBreakGlass';

/** An approver that counts its questions. */
function counting(approver: Approver) {
  const asked: { readonly method: Method; readonly about: string }[] = [];
  const counted = (method: Method, about: string) => void asked.push({ method, about });
  const { groupsOf, membersOf, mayReviewBreakGlass } = approver;
  const counts: Approver = {
    ...approver,
    ...(groupsOf && { groupsOf: (person, ...rest) => (counted('groupsOf', person), groupsOf(person, ...rest)) }),
    ...(membersOf && { membersOf: (request, context) => (counted('membersOf', request.id), membersOf(request, context)) }),
    ...(mayReviewBreakGlass && {
      mayReviewBreakGlass: (person, ...rest) => (counted('mayReviewBreakGlass', person), mayReviewBreakGlass(person, ...rest)),
    }),
  };
  /** The questions since the last call. */
  const questions = (method: Method) => asked.splice(0).flatMap((question) => (question.method === method ? [question.about] : []));
  return { approver: counts, questions };
}

const listed = (members: readonly string[]): Approver => reviewers({ members });

/** The same approver, which lists no person. */
function unlisted(members: readonly string[], over: Partial<Approver> = {}): Approver {
  const { membersOf: _, ...approver } = listed(members);
  return { ...approver, ...over };
}

/** A service with an asked request, made while no stream was open. */
async function asked(given: Parameters<typeof aService>[0]) {
  const service = aService(given);
  const { request } = await service.engine.requestAccess(ASK);
  let comments = 0;
  /** Records one event about a request. */
  const comment = (id = request.id) => service.engine.comment(id, { by: MAYA, text: `comment ${++comments}` });
  return { ...service, id: request.id, comment };
}

/** The most comments, and all of them, that were sent between two turns of the event loop. */
async function countedEvents(work: () => Promise<unknown>): Promise<{ readonly most: number; readonly all: number }> {
  let [now, most, all] = [0, 0, 0];
  const { enqueue } = ReadableStreamDefaultController.prototype;
  ReadableStreamDefaultController.prototype.enqueue = function (this: ReadableStreamDefaultController<Uint8Array>, chunk: Uint8Array) {
    const count = commented(new TextDecoder().decode(chunk).split('\n\n'));
    all += count;
    most = Math.max(most, (now += count));
    enqueue.call(this, chunk);
  };
  try {
    await onTurns(() => (now = 0), work);
  } finally {
    ReadableStreamDefaultController.prototype.enqueue = enqueue;
  }
  return { most, all };
}

const commented = (events: readonly string[]): number => typesOf(events).filter((type) => type === 'request.commented').length;

describe('the audience of an event', () => {
  it('L42 [PF2] is asked about the listed reviewers that are connected, each once in 30 seconds', async () => {
    const { approver, questions } = counting(listed([SAM, ANA]));
    const service = await asked({ engine: { approver } });
    const strangers = Array.from({ length: 50 }, (_, i) => `user:stranger-${i}`);
    const open = await Promise.all([MAYA, SAM, ...strangers].map((as) => listen(service, as)));
    questions('groupsOf');
    await service.comment();
    await service.comment();
    const sent = await Promise.all(open.map(async ({ texts }) => commented(await texts())));
    expect(sent).toEqual([2, 2, ...strangers.map(() => 0)]);
    expect(questions('groupsOf')).toEqual([SAM]);
    await service.clock.advance('30s');
    await service.comment();
    await turns();
    expect(questions('groupsOf')).toEqual([SAM]);
    await service.engine.close();
  });

  it('L42 [PF2] is listed once in 30 seconds, also for clients that resume at older entries', async () => {
    const { approver, questions } = counting(listed([SAM]));
    const service = await asked({ engine: { approver } });
    await service.comment();
    questions('membersOf');
    for (const as of [SAM, SAM, EVE]) {
      // The entries after the first one include `request.assigned`, after which other people review.
      const { texts } = await listen(service, as, { 'last-event-id': '1' });
      await texts();
    }
    expect(questions('membersOf')).toEqual([service.id]);
    await service.engine.close();
  });

  it('[PF2] has no person but the subject and the requester of a request that no person reviews', async () => {
    const { approver, questions } = counting({ ...listed([SAM]), decide: () => ({ outcome: 'approve' }) });
    const service = aService({ engine: { approver } });
    const [maya, sam] = [await listen(service, MAYA), await listen(service, SAM)];
    await service.engine.requestAccess(ASK);
    expect(typesOf(await maya.texts())).toEqual(['ready', 'request.created', 'request.approved', 'grant.issued']);
    expect(typesOf(await sam.texts())).toEqual(['ready']);
    expect(questions('groupsOf')).toEqual([]);
    await service.engine.close();
  });

  it('gives no event to a person whom the approver lists and whose groups do not review', async () => {
    const service = await asked({ engine: { approver: { ...listed([SAM]), membersOf: () => [SAM, EVE, MAYA] } } });
    const [sam, eve] = [await listen(service, SAM), await listen(service, EVE)];
    await service.comment();
    expect([commented(await sam.texts()), commented(await eve.texts())]).toEqual([1, 0]);
    await service.engine.close();
  });

  it('finds a reviewer whom the approver lists in another form', async () => {
    const approver = { ...listed([SAM]), membersOf: () => ['', 'User:SAM'] };
    const malformed = { ...listed([SAM]), membersOf: () => ['User:SAM'] };
    for (const given of [approver, malformed]) {
      const service = await asked({ engine: { approver: given, canonicalId: (id) => id.toLowerCase() } });
      const sam = await listen(service, SAM);
      await service.comment();
      expect(commented(await sam.texts())).toBe(1);
      await service.engine.close();
    }
  });

  it('finds the reviewers where the list is too long to keep', async () => {
    const crowd = Array.from({ length: 2_000 }, (_, i) => `user:${i}`);
    const service = await asked({ engine: { approver: listed([...crowd, SAM]) } });
    const [sam, eve] = [await listen(service, SAM), await listen(service, EVE)];
    await service.comment();
    expect([commented(await sam.texts()), commented(await eve.texts())]).toEqual([1, 0]);
    await service.engine.close();
  });

  it('L42 keeps at most 10,000 people, and drops the oldest requests first', async () => {
    const { approver, questions } = counting(listed(Array.from({ length: 990 }, (_, i) => `user:${i}`)));
    const service = await asked({ engine: { approver, limits: { maxOpenRequests: 20 } } });
    const ids = [service.id];
    for (let i = 0; i < 11; i++) ids.push((await service.engine.requestAccess({ ...ASK, scope: `db-prod:${i}` })).request.id);
    await listen(service, EVE);
    for (const id of ids) await service.comment(id);
    await turns();
    questions('membersOf');
    for (const id of ids.toReversed()) await service.comment(id);
    await turns();
    expect(questions('membersOf')).toEqual(ids.slice(0, 2).toReversed());
    await service.engine.close();
  });

  it('ends for a person within 30 seconds after the approver no longer names them', async () => {
    const groups = new Set([SAM]);
    for (const list of [true, false]) {
      groups.add(SAM);
      const own = { groupsOf: (person: string) => (groups.has(person) ? ['reviewers'] : []) };
      const service = await asked({ engine: { approver: list ? { ...listed([SAM]), ...own } : unlisted([SAM], own) } });
      const sam = await listen(service, SAM);
      await service.comment();
      await turns();
      groups.delete(SAM);
      await service.comment();
      expect(commented(await sam.texts())).toBe(2);
      await service.clock.advance(29_999);
      await service.comment();
      expect(commented(await sam.texts())).toBe(3);
      await service.clock.advance(1);
      await service.comment();
      expect(commented(await sam.texts())).toBe(3);
      await service.engine.close();
    }
  });

  it('is made again after an entry that changes the reviewers', async () => {
    const groups: Record<string, readonly string[]> = { [SAM]: ['leads'], [ANA]: [] };
    const approver: Approver = {
      name: 'steps',
      decide: () => ({
        outcome: 'review',
        quorum: { steps: [{ groups: [{ name: 'leads', approvals: 1 }] }, { groups: [{ name: 'owners', approvals: 1 }] }] },
      }),
      groupsOf: (person) => groups[person] ?? [],
    };
    const service = await asked({ engine: { approver } });
    const [sam, ana] = [await listen(service, SAM), await listen(service, ANA)];
    await service.comment();
    await turns();
    groups[ANA] = ['owners'];
    await service.engine.approve(service.id, { by: SAM });
    await service.comment();
    expect(typesOf(await ana.texts())).toEqual(['ready', 'request.stepped', 'request.commented']);
    expect(typesOf(await sam.texts())).toEqual(['ready', 'request.commented', 'request.reviewed', 'request.stepped', 'request.commented']);
    await service.engine.close();
  });

  const people = { engineers: [MAYA], leads: [SAM], owners: [ANA], managers: ['user:lee'] };
  const rule = { id: 'database', scopes: ['db-prod:*'], subjects: [{ group: 'engineers' }], maxTtl: '1h' } as const;
  const live = (members: readonly string[], list: boolean) => ({
    isMember: (person: string) => members.includes(person),
    ...(list && { members: () => members }),
  });
  const forms: Readonly<Record<string, PolicyDefinition>> = {
    'one group': { groups: people, rules: [{ ...rule, review: { groups: { leads: 1 } } }] },
    steps: { groups: people, rules: [{ ...rule, review: { steps: [{ groups: { leads: 1 } }, { groups: { owners: 1 } }] } }] },
    alternatives: { groups: people, rules: [{ ...rule, review: { anyOf: [{ groups: { leads: 1 } }, { groups: { owners: 1 } }] } }] },
    escalation: { groups: people, rules: [{ ...rule, review: { groups: { leads: 1 }, escalate: { after: '10m', to: 'managers' } } }] },
    'a group of code': {
      groups: { ...people, leads: live([SAM], false) },
      rules: [{ ...rule, review: { groups: { leads: 1, owners: 1 } } }],
    },
    'a group of code with a list': {
      groups: { ...people, leads: live([SAM], true) },
      rules: [{ ...rule, review: { groups: { leads: 1 } } }],
    },
    'break-glass': {
      groups: people,
      rules: [{ ...rule, review: { groups: { leads: 1 } } }],
      breakGlass: [{ ...rule, id: 'outage', reviewers: ['owners'], reviewWithin: '1d' }],
    },
  };

  it.each(Object.entries(forms))('is the people who see the request: %s', async (_, definition) => {
    const service = aService({ engine: { approver: definePolicy(definition) }, http: { may: () => false } });
    const { engine, clock } = service;
    const callers = [MAYA, SAM, ANA, 'user:lee', EVE];
    const open = await Promise.all(callers.map((as) => listen(service, as)));
    /** Compares who has received the one event of a type with who is shown the request. */
    const compare = async (type: string, id: string) => {
      const sees = await Promise.all(callers.map(async (as) => (await service.send('GET', `/requests/${id}`, { as })).status === 200));
      const got = await Promise.all(open.map(async ({ texts }) => typesOf(await texts()).includes(type)));
      expect([type, got]).toEqual([type, sees]);
      expect(sees.filter(Boolean).length).toBeGreaterThan(1);
      expect(sees.at(-1)).toBe(false);
    };
    if (definition.breakGlass !== undefined) {
      const { request } = await engine.breakGlass({ ...ASK, ttl: '10m' });
      await compare('request.created', request.id);
      await engine.reviewBreakGlass(request.id, { by: ANA, verdict: 'justified' });
      await compare('breakGlass.reviewed', request.id);
    } else {
      const { request } = await engine.requestAccess(ASK);
      await compare('request.assigned', request.id);
      await clock.advance('11m');
      await engine.sweep();
      await engine.comment(request.id, { by: MAYA, text: 'soon, please' });
      await compare('request.commented', request.id);
      await clock.advance('1m');
      await engine.approve(request.id, { by: SAM });
      await compare('request.reviewed', request.id);
    }
    expect(service.errors).toEqual([]);
    await engine.close();
  });

  it('[PF2] waits a second for a list that never comes, once in 30 seconds, and then asks about each caller', async () => {
    let hangs = false;
    const { approver, questions } = counting({
      ...listed([SAM]),
      membersOf: () => (hangs ? new Promise<never>(() => undefined) : [SAM]),
    });
    const service = await asked({ engine: { approver } });
    const other = await service.engine.requestAccess({ ...ASK, scope: 'db-prod:read' });
    const [maya, sam, eve, sec] = await Promise.all([MAYA, SAM, EVE, SEC].map((as) => listen(service, as)));
    const all = () => Promise.all([maya, sam, eve, sec].map(async (one) => commented((await one?.texts()) ?? [])));
    questions('membersOf');
    hangs = true;
    await service.comment();
    // A caller that sees every event waits for no answer.
    expect(await all()).toEqual([0, 0, 0, 1]);
    await service.clock.advance('1s');
    expect(await all()).toEqual([1, 1, 0, 1]);
    await service.comment(other.request.id);
    expect(await all()).toEqual([2, 2, 0, 2]);
    expect(questions('membersOf')).toEqual([service.id]);
    expect(service.errors.map(String)).toEqual(['Error: membersOf gave no answer within 1000 ms, so the handler asks about each caller']);
    hangs = false;
    await service.clock.advance('30s');
    await service.comment();
    expect(await all()).toEqual([3, 3, 0, 3]);
    expect(questions('membersOf')).toEqual([service.id]);
    await service.engine.close();
  });

  it('[PF2] delays no caller by an answer about another one', async () => {
    const groupsOf = (person: string) => (person === EVE ? new Promise<never>(() => undefined) : person === SAM ? ['reviewers'] : []);
    const service = await asked({ engine: { approver: unlisted([SAM], { groupsOf }) } });
    const own = await service.engine.requestAccess({ ...ASK, subject: EVE });
    const [maya, sam, eve] = await Promise.all([MAYA, SAM, EVE].map((as) => listen(service, as)));
    await service.comment();
    await service.engine.comment(own.request.id, { by: EVE, text: 'of eve' });
    expect([commented((await maya?.texts()) ?? []), commented((await sam?.texts()) ?? [])]).toEqual([1, 2]);
    // In the order of the journal: her own event waits for the answer about the one before it, at most `limits.approverTimeout`.
    expect(commented((await eve?.texts()) ?? [])).toBe(0);
    await service.clock.advance('10s');
    expect(commented((await eve?.texts()) ?? [])).toBe(1);
    await service.engine.close();
  });

  it('[PF2] has at most 32 questions open at a time, lists included, and asks once about each caller', async () => {
    const open: (() => void)[] = [];
    const people: string[] = [];
    let most = 0;
    let isListed = false;
    const gated = <Answer>(answer: Answer) =>
      new Promise<Answer>(
        (resolve) =>
          (most = Math.max(
            most,
            open.push(() => resolve(answer)),
          )),
      );
    const groupsOf = (person: string) => (people.push(person), gated<readonly string[]>([]));
    const membersOf = () => (isListed ? gated([SAM]) : undefined);
    const service = await asked({ engine: { approver: { ...listed([SAM]), groupsOf, membersOf } } });
    const other = await service.engine.requestAccess({ ...ASK, scope: 'db-prod:read' });
    for (let i = 0; i < 100; i++) await listen(service, `user:${i % 50}`);
    await service.comment();
    await turns();
    isListed = true;
    await service.comment(other.request.id);
    for (await turns(); open.length > 0; await turns()) for (const answer of open.splice(0)) answer();
    expect(most).toBe(32);
    expect(people.toSorted()).toEqual(Array.from({ length: 50 }, (_, i) => `user:${i}`).toSorted());
    await service.engine.close();
  });

  it('L42 takes a turn of the event loop after each 64 entries that resuming streams read', async () => {
    const service = await asked({ engine: { approver: listed([SAM]) } });
    for (let i = 0; i < 20; i++) await service.comment();
    const counts = await countedEvents(async () => {
      await Promise.all(Array.from({ length: 20 }, (_, i) => listen(service, i % 2 ? SAM : MAYA, { 'last-event-id': '2' })));
      await turns();
    });
    expect(counts.all).toBe(20 * 20);
    expect(counts.most).toBeLessThanOrEqual(64);
    await service.engine.close();
  });

  it.each([
    ['seen by all', true, undefined],
    ['seen by the listed reviewers', false, 'listed'],
    ['asked about each caller', false, 'unlisted'],
  ])('L42 [PF2] takes a turn of the event loop after each 64 streams: %s', async (_, seesAll, list) => {
    const callers = Array.from({ length: 200 }, (__, i) => `user:${i}`);
    const approver = list === 'unlisted' ? unlisted(callers) : listed(callers);
    const service = await asked({ engine: { approver }, http: { may: () => seesAll } });
    for (const as of callers) {
      const { response } = await listen(service, as);
      expect(response.status).toBe(200);
    }
    await Promise.all(callers.map((as) => listen(service, as)));
    await turns();
    const counts = await countedEvents(async () => {
      await service.comment();
      await turns();
    });
    expect(counts.all).toBe(2 * callers.length);
    expect(counts.most).toBeLessThanOrEqual(64);
    await service.engine.close();
  });

  it('L42 makes the client read everything again if more than 1,000 entries wait for a list', async () => {
    let hangs = false;
    const { decide, ...others } = listed([SAM]);
    const approver: Approver = {
      ...others,
      decide: (request, context) => (request.scopes.length > 1 ? { outcome: 'approve' } : decide(request, context)),
      membersOf: () => (hangs ? new Promise<never>(() => undefined) : [SAM]),
    };
    const service = await asked({ engine: { approver } });
    const [maya, sec] = [await listen(service, MAYA), await listen(service, SEC)];
    hangs = true;
    await service.comment();
    const scopes = Array.from({ length: 40 }, (_, i) => `logs:${i}`);
    for (let i = 0; i < 25; i++) await service.engine.requestAccess({ subject: `user:${i}`, scopes, ttl: '1h' });
    expect(typesOf(await maya.texts())).toEqual(['ready', 'reset']);
    expect(typesOf(await sec.texts()).filter((type) => type === 'grant.issued')).toHaveLength(1_000);
    await service.clock.advance('1s');
    await service.comment();
    expect(commented(await maya.texts())).toBeGreaterThan(0);
    await service.engine.close();
  });

  it('gives no event that cannot be judged, reports why, and asks again at the next one', async () => {
    const memory = new MemoryGrantStore();
    const store = new FaultyStore(memory);
    let fails = false;
    const groupsOf = (person: string) => {
      if (fails && person === SAM) throw new Error('the directory is down');
      return person === SAM ? ['reviewers'] : [];
    };
    const approver = unlisted([SAM], { groupsOf });
    const service = await asked({ engine: { approver, store } });
    const other = aService({ engine: { approver, store: memory, clock: service.clock } });
    const comment = () => other.engine.comment(service.id, { by: MAYA, text: 'soon, please' });
    const [maya, sam, sec] = await Promise.all([MAYA, SAM, SEC].map((as) => listen(service, as)));
    const all = () => Promise.all([maya, sam, sec].map(async (one) => commented((await one?.texts()) ?? [])));
    store.inject('get', { fault: 'reject', error: new Error('the store is down') }, 1);
    await comment();
    expect(await all()).toEqual([0, 0, 1]);
    fails = true;
    await comment();
    expect(await all()).toEqual([1, 0, 2]);
    fails = false;
    await comment();
    expect(await all()).toEqual([2, 1, 3]);
    expect(service.errors.map(String)).toEqual([
      expect.stringContaining('the store is down'),
      expect.stringContaining('groupsOf failed: the directory is down'),
    ]);
    // A caller that may have missed an event reads everything again: at first each of them, then only sam.
    const heard = await Promise.all([maya, sam, sec].map(async (one) => typesOf((await one?.texts()) ?? [])));
    expect(heard.map((types) => types.filter((type) => type === 'reset').length)).toEqual([1, 2, 0]);
    await Promise.all([service.engine.close(), other.engine.close()]);
  });

  it('that is not known within 15 seconds makes its client read everything again, once for all events that wait', async () => {
    const open: (() => void)[] = [];
    const groupsOf = () => new Promise<readonly string[]>((resolve) => open.push(() => resolve(['reviewers'])));
    const service = await asked({ engine: { approver: unlisted([SAM], { groupsOf }), limits: { approverTimeout: '1h' } } });
    const other = await service.engine.requestAccess({ ...ASK, scope: 'db-prod:read' });
    const [maya, sam] = await Promise.all([MAYA, SAM].map((as) => listen(service, as)));
    for (const id of [service.id, other.request.id, service.id]) await service.comment(id);
    const types = async () => typesOf((await sam?.texts()) ?? []).filter((type) => type !== 'ready' && !type.startsWith(':'));
    expect(await types()).toEqual([]);
    await service.clock.advance('14999ms');
    expect(await types()).toEqual([]);
    await service.clock.advance('1ms');
    expect(await types()).toEqual(['reset']);
    // Each of the others waits as long, and was committed before the reset.
    await service.clock.advance('30s');
    expect(await types()).toEqual(['reset']);
    expect(commented((await maya?.texts()) ?? [])).toBe(3);
    await service.comment();
    expect(await types()).toEqual(['reset']);
    for (const answer of open) answer();
    expect(await types()).toEqual(['reset', 'request.commented']);
    expect(service.errors.map(String)).toEqual(Array(3).fill('Error: not known within 15000 ms who sees an event'));
    await service.engine.close();
  });

  it('makes a client that resumes read everything again, after one question, if an entry cannot be judged', async () => {
    const asks: string[] = [];
    let first = '';
    const groupsOf = (_: string, { id }: { readonly id: string }) => {
      asks.push(id);
      if (id !== first) throw new Error('the directory is down');
      return ['reviewers'];
    };
    const service = await asked({ engine: { approver: unlisted([SAM], { groupsOf }) } });
    first = service.id;
    await service.comment();
    const { seq } = (await service.store.journal({ after: 0, limit: 1 })).head;
    await service.comment();
    for (const scope of ['db-prod:1', 'db-prod:2', 'db-prod:3']) await service.engine.requestAccess({ ...ASK, scope });
    asks.length = 0;
    const { texts } = await listen(service, SAM, { 'last-event-id': String(seq) });
    expect(typesOf(await texts())).toEqual(['ready', 'request.commented', 'reset']);
    expect([asks.filter((id) => id === first).length, asks.length]).toEqual([1, 2]);
    await service.comment();
    expect(commented(await texts())).toBe(2);
    await service.engine.close();
  });

  it('[PF2] asks nothing about entries from before the streams', async () => {
    const memory = new MemoryGrantStore();
    const withoutWatch = new Proxy(memory, { get: (store, name) => (name === 'watch' ? undefined : bound(store, name)) });
    const { approver, questions } = counting(listed([SAM]));
    const service = await asked({ engine: { approver, store: withoutWatch } });
    for (let i = 0; i < 5; i++) await service.engine.requestAccess({ ...ASK, scope: `db-prod:${i}` });
    questions('membersOf');
    const first = await listen(service, SAM);
    await service.comment();
    expect(commented(await first.texts())).toBe(1);
    expect(questions('membersOf')).toEqual([service.id]);
    await first.end();
    // Entries of another process, while no stream polls.
    const other = aService({ engine: { store: memory, clock: service.clock } });
    await other.engine.comment(service.id, { by: MAYA, text: 'soon, please' });
    const second = await listen(service, SAM);
    await service.clock.advance('2s');
    expect(typesOf(await second.texts())).toEqual(['ready']);
    expect(questions('membersOf')).toEqual([]);
    await Promise.all([service.engine.close(), other.engine.close()]);
  });
});

describe('the audience in random order', () => {
  const callers = [SAM, ANA, EVE];
  const kinds = ['none', 'exact', 'everybody', 'nobody', 'fails', 'hangs'] as const;
  const steps = fc.oneof(
    fc.record({ step: fc.constant('comment' as const) }),
    fc.record({ step: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
    fc.record({ step: fc.constant('change' as const), caller: fc.constantFrom(...callers) }),
    fc.record({ step: fc.constant('list' as const), kind: fc.constantFrom(...kinds) }),
  );

  it('never gives an event to a person who had no right in the last 30 seconds, and gives it to each who had it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 25 }), async (run) => {
        const rights = new Set<string>([SAM]);
        let kind: (typeof kinds)[number] = 'exact';
        const lists = {
          none: () => undefined,
          exact: () => [...rights],
          everybody: () => callers,
          nobody: () => [],
          fails: () => {
            throw new Error('the directory is down');
          },
          hangs: () => new Promise<never>(() => undefined),
        };
        const groupsOf = (person: string) => (rights.has(person) ? ['reviewers'] : []);
        const service = await asked({ engine: { approver: { ...listed([SAM]), groupsOf, membersOf: () => lists[kind]() } } });
        const open = await Promise.all(callers.map((as) => listen(service, as)));
        /** When each caller gained or lost the right, and when the approver listed too few people. */
        const changedAt = new Map<string, number>();
        let shortUntil = -Infinity;
        const seen = callers.map(() => 0);
        for (const one of run) {
          const now = service.clock.now();
          if (one.step === 'advance') await service.clock.advance(one.ms);
          else if (one.step === 'list') kind = one.kind;
          else if (one.step === 'change') {
            if (!rights.delete(one.caller)) rights.add(one.caller);
            changedAt.set(one.caller, now);
          } else {
            if (kind === 'nobody') shortUntil = now + 30_000;
            await service.comment();
            await turns();
            if (kind === 'hangs') await service.clock.advance('1s');
            for (const [i, caller] of callers.entries()) {
              const got = commented((await open[i]?.texts()) ?? []) - (seen[i] as number);
              seen[i] = (seen[i] as number) + got;
              const isSettled = service.clock.now() - (changedAt.get(caller) ?? -Infinity) > 31_000;
              if (got === 1 && isSettled) expect([caller, rights.has(caller)]).toEqual([caller, true]);
              if (got === 0 && isSettled && now >= shortUntil) expect([caller, rights.has(caller)]).toEqual([caller, false]);
            }
          }
        }
        await service.engine.close();
      }),
      { numRuns: 40 },
    );
  });
});

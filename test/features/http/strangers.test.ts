import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  firstDecisive,
  MemoryGrantStore,
  patternScopes,
  reviewers,
  type AccessRequest,
  type Approver,
  type GrantStore,
} from '../../../src/index.js';
import { operations } from '../../../src/features/http/operations/index.js';
import { definePolicy } from '../../../src/policy.js';
import { aService, EVE, MAYA, policy, SAM, withExamples } from './world.js';

type Counts = Record<string, number>;

/** Counts the calls of each method. The methods of a store lie on its class, those of an approver on a frozen object. */
function counted<T extends object>(target: T, counts: Counts): T {
  const copy = Object.create(target) as Record<string, unknown>;
  const names = [...Object.keys(target), ...Object.getOwnPropertyNames(Object.getPrototypeOf(target) as object)];
  for (const name of names.filter((one) => one !== 'constructor')) {
    const value: unknown = Reflect.get(target, name);
    if (typeof value !== 'function') continue;
    const count = (...args: readonly unknown[]): unknown => {
      counts[name] = (counts[name] ?? 0) + 1;
      return Reflect.apply(value, target, args) as unknown;
    };
    Object.defineProperty(copy, name, { value: count, enumerable: true });
  }
  return copy as T;
}

const raise = (): never => {
  throw new Error('unknown');
};

const aboutRequests = operations.filter(({ path, access }) => access === 'caller' && /\{(requestId|grantId)\}/.test(path));

async function asStranger(approver: () => Approver) {
  const calls: Counts = {};
  const store = counted<GrantStore>(new MemoryGrantStore(), calls);
  const service = aService({ engine: { store, approver: counted(approver(), calls) } });
  const ids = await withExamples(service);
  const call = async (id: string, { method, path, example }: (typeof operations)[number]) => {
    for (const name of Object.keys(calls)) calls[name] = 0;
    const to = path.replace(/\{\w+\}/, encodeURIComponent(id));
    const body = example.body === undefined ? {} : { body: example.body };
    const { status, text, headers } = await service.send(method, to, { as: EVE, ...body });
    return { status, text, headers: [...headers], calls: { ...calls } };
  };
  return { ids, call };
}

describe('a stranger', () => {
  const approvers: readonly (readonly [string, () => Approver])[] = [
    ['a policy', policy],
    ['a chain', () => firstDecisive(policy(), reviewers({ members: [SAM] }))],
  ];
  for (const [name, approver] of approvers) {
    it.each(aboutRequests.map((operation) => [operation.id, operation] as const))(
      `gets the bytes and causes the calls of an unknown id from %s, under ${name}`,
      async (_, operation) => {
        const { ids, call } = await asStranger(approver);
        const isGrant = operation.path.includes('{grantId}');
        const [known, unknown] = isGrant ? [ids.grantId, `${'0'.repeat(32)}.1`] : [ids.requestId, '0'.repeat(32)];
        // The first call learns which approver answers, in a chain.
        await call(known, operation);
        const ofKnown = await call(known, operation);
        const ofUnknown = await call(unknown, operation);
        expect(ofKnown.status).toBe(404);
        expect(ofKnown).toEqual(ofUnknown);
        // About the request, and about the stand-in for the groups that the request does not name.
        expect([ofKnown.calls.get, ofKnown.calls.groupsOf]).toEqual([1, 2]);
      },
    );
  }

  it('gets the answer of an unknown id also from an engine whose clock was set back', async () => {
    const service = aService();
    const { requestId } = await withExamples(service);
    await service.clock.set(service.clock.now() - 3_600_000);
    const [known, unknown] = await Promise.all(
      [requestId, '0'.repeat(32)].map((id) => service.send('GET', `/requests/${id}`, { as: EVE })),
    );
    expect([known?.status, known?.text]).toEqual([unknown?.status, unknown?.text]);
    expect(known?.status).toBe(404);
  });

  it.each([
    ['was approved by a rule alone', 'logs:read'],
    ['waits for its approver', 'db-prod:write'],
  ])('causes the calls of an unknown id also where the newest request %s', async (_, scope) => {
    const calls: Counts = {};
    const persons = reviewers({ members: [SAM] });
    let isDown = false;
    const decide: Approver['decide'] = (request, ...more) => {
      if (isDown) throw new Error('the approver is down');
      return request.scopes[0]?.startsWith('db-prod') === true ? persons.decide(request, ...more) : { outcome: 'abstain' };
    };
    const byRule: Approver = { name: 'rule', decide: () => ({ outcome: 'approve' }) };
    const approver = firstDecisive(counted<Approver>({ ...persons, name: 'persons', decide }, calls), byRule);
    const service = aService({ engine: { approver } });
    const { request } = await service.engine.requestAccess({ subject: MAYA, scope: 'db-prod:write', ttl: '30m' });
    await service.clock.advance('1s');
    isDown = scope === 'db-prod:write';
    const newest = service.engine.requestAccess({ subject: SAM, scope, ttl: '30m', idempotencyKey: 'newest' });
    if (isDown) await expect(newest).rejects.toThrow();
    else await newest;
    const callsFor = async (id: string) => {
      for (const name of Object.keys(calls)) calls[name] = 0;
      expect((await service.send('GET', `/requests/${id}`, { as: EVE })).status).toBe(404);
      return { ...calls };
    };
    const { items } = await service.engine.listRequests();
    // The unknown id comes first: later, the process would know the approver of the known request.
    const ofUnknown = await callsFor('0'.repeat(32));
    expect(ofUnknown['groupsOf']).toBe(2);
    for (const { id } of items) expect(await callsFor(id)).toEqual(ofUnknown);
    expect(items.map(({ id }) => id)).toContain(request.id);
    expect(items).toHaveLength(2);
  });

  describe('under a policy with groups of code', () => {
    /** The only member of each group. */
    const MEMBERS: Readonly<Record<string, string>> = {
      leads: SAM,
      dba: 'user:kim',
      security: 'user:ana',
      oncall: 'user:lee',
      directors: 'user:liz',
      incident: 'user:ivy',
    };

    /** A policy whose reviewers are all groups of code, which count their questions. A group that is down throws. */
    const aPolicy = (calls: Counts, down: ReadonlySet<string>) => {
      const ofCode = (name: string) => ({
        isMember(person: string) {
          calls[`isMember of ${name}`] = (calls[`isMember of ${name}`] ?? 0) + 1;
          if (down.has(name)) throw new Error(`the directory of ${name} is down`);
          return Promise.resolve(MEMBERS[name] === person);
        },
        isMemberForAll(_: string, requests: readonly unknown[]) {
          calls[`isMemberForAll of ${name}`] = (calls[`isMemberForAll of ${name}`] ?? 0) + 1;
          return requests.map(() => false);
        },
      });
      const forMaya = { subjects: [MAYA], maxTtl: '1h' } as const;
      return definePolicy({
        groups: Object.fromEntries(Object.keys(MEMBERS).map((name) => [name, ofCode(name)])),
        rules: [
          { ...forMaya, id: 'one', scopes: ['one:*'], review: { groups: { leads: 1 } } },
          { ...forMaya, id: 'two', scopes: ['two:*'], review: { groups: { leads: 1, dba: 1 } } },
          {
            ...forMaya,
            id: 'steps',
            scopes: ['steps:*'],
            review: {
              steps: [
                {
                  groups: { leads: 1 },
                  escalate: [
                    { after: '5m', to: 'oncall' },
                    { after: '10m', to: 'directors' },
                  ],
                },
                { groups: { security: 1 } },
              ],
            },
          },
          { ...forMaya, id: 'logs', scopes: ['logs:*'], approve: true },
        ],
        breakGlass: [{ ...forMaya, id: 'outage', scopes: ['one:*'], reviewers: ['incident', 'leads'], reviewWithin: '1d' }],
      });
    };

    /** A request of each kind. sam reviews them, kim reviews those of rule two. */
    const KINDS = [
      'one',
      'two',
      'steps',
      'second step',
      'escalated',
      'approved',
      'denied',
      'cancelled',
      'by rule',
      'break-glass',
      'reviewed',
    ];

    async function aWorld() {
      const calls: Counts = {};
      const down = new Set<string>();
      const store = counted<GrantStore>(new MemoryGrantStore(), calls);
      const given = { engine: { store, approver: counted<Approver>(aPolicy(calls, down), calls) } };
      const { engine, clock } = aService(given);
      const ask = async (scope: string) => (await engine.requestAccess({ subject: MAYA, scope, ttl: '30m' })).request.id;
      const ids: Record<string, string> = {};
      ids['escalated'] = await ask('steps:c');
      await clock.advance('6m');
      await engine.sweep();
      ids['one'] = await ask('one:a');
      ids['two'] = await ask('two:a');
      ids['steps'] = await ask('steps:a');
      ids['second step'] = await ask('steps:b');
      await engine.approve(ids['second step'], { by: SAM });
      ids['approved'] = await ask('one:b');
      await engine.approve(ids['approved'], { by: SAM });
      ids['denied'] = await ask('two:b');
      await engine.deny(ids['denied'], { by: SAM });
      ids['cancelled'] = await ask('one:c');
      await engine.cancel(ids['cancelled'], { by: MAYA });
      ids['by rule'] = await ask('logs:a');
      const breakGlass = async () =>
        (await engine.breakGlass({ subject: MAYA, scope: 'one:d', ttl: '5m', justification: 'INC-204' })).request.id;
      ids['reviewed'] = await breakGlass();
      await engine.reviewBreakGlass(ids['reviewed'], { by: SAM, verdict: 'justified' });
      ids['break-glass'] = await breakGlass();
      // Another process: it has seen none of these requests.
      const service = aService({ ...given, engine: { ...given.engine, clock } });
      const call = async (id: string, { method, path, example }: (typeof operations)[number], as: string) => {
        const to = path.replace(/\{\w+\}/, encodeURIComponent(path.includes('{grantId}') ? `${id}.1` : id));
        // A caller has ten 404s in a second.
        await clock.advance('1s');
        for (const name of Object.keys(calls)) delete calls[name];
        const sent = { as, headers: as === EVE ? { prefer: 'wait=30' } : {}, ...(example.body !== undefined && { body: example.body }) };
        const { status, text, headers } = await service.send(method, to, sent);
        return { status, text, headers: [...headers], calls: { ...calls } };
      };
      return { ids, call, calls, down, service };
    }

    it.each(aboutRequests.map((operation) => [operation.id, operation] as const))(
      '[WF5] gets the 404 of an unknown id from %s, after the same questions to each group, for a request of every kind',
      async (_, operation) => {
        const { ids, call } = await aWorld();
        expect(Object.keys(ids).toSorted()).toEqual(KINDS.toSorted());
        await call('0'.repeat(32), operation, EVE);
        const ofUnknown = await call('1'.repeat(32), operation, EVE);
        expect(ofUnknown.status).toBe(404);
        for (const [kind, id] of Object.entries(ids)) expect([kind, await call(id, operation, EVE)]).toEqual([kind, ofUnknown]);
        // Each group that reviews a request, and the groups that review break-glass, once more.
        const asked = Object.entries(ofUnknown.calls).filter(([name]) => name.startsWith('isMember'));
        expect(Object.fromEntries(asked)).toEqual({
          'isMember of leads': 2,
          'isMember of dba': 1,
          'isMember of security': 1,
          'isMember of oncall': 1,
          'isMember of directors': 1,
          'isMember of incident': 1,
        });
      },
    );

    it('[WF5] gets it also as a reviewer of other requests', async () => {
      const { ids, call } = await aWorld();
      const [getRequest] = aboutRequests;
      if (getRequest === undefined) throw new Error('no operation');
      for (const [reviewer, kinds] of [
        ['user:kim', ['two', 'denied']],
        ['user:ivy', ['break-glass', 'reviewed']],
        ['user:ana', ['steps', 'second step', 'escalated']],
      ] as const) {
        await call('0'.repeat(32), getRequest, reviewer);
        const ofUnknown = await call('1'.repeat(32), getRequest, reviewer);
        for (const [kind, id] of Object.entries(ids)) {
          const answer = await call(id, getRequest, reviewer);
          if ((kinds as readonly string[]).includes(kind)) expect([reviewer, kind, answer.status]).toEqual([reviewer, kind, 200]);
          else expect([reviewer, kind, answer]).toEqual([reviewer, kind, ofUnknown]);
        }
      }
    });

    it.each([[['leads']], [['dba', 'incident']], [Object.keys(MEMBERS)]])(
      '[WF19] gets the same 404, after the same questions, while the groups %j are down',
      async (names) => {
        const { ids, call, down, service } = await aWorld();
        const [getRequest] = aboutRequests;
        if (getRequest === undefined) throw new Error('no operation');
        for (const name of names) down.add(name);
        await call('0'.repeat(32), getRequest, EVE);
        const ofUnknown = await call('1'.repeat(32), getRequest, EVE);
        expect(ofUnknown.status).toBe(404);
        for (const [kind, id] of Object.entries(ids)) expect([kind, await call(id, getRequest, EVE)]).toEqual([kind, ofUnknown]);
        expect(service.errors.map(String)).toContainEqual(expect.stringContaining('is down'));
      },
    );
  });

  it.each([
    ['throws for a subject that it does not know', 'db-prod:read', ({ subject }: AccessRequest) => subject === MAYA],
    ['throws for every subject', 'db-prod:read', () => false],
    ['throws for one scope', 'db-prod:write', ({ scopes }: AccessRequest) => scopes[0] === 'db-prod:read'],
  ] as const)('[WF19] gets the 404 of an unknown id also from an approver that %s', async (_, scope, knows) => {
    for (const failure of [() => undefined, () => Promise.resolve(undefined), () => Promise.reject(new Error('unknown')), raise]) {
      const persons = reviewers({ members: [SAM] });
      const groupsOf: Approver['groupsOf'] = (person, request, ...more) =>
        knows(request) ? (persons.groupsOf?.(person, request, ...more) ?? []) : (failure() as never);
      const mayReviewBreakGlass: Approver['mayReviewBreakGlass'] = (_person, request) => (knows(request) ? false : (failure() as never));
      const service = aService({ engine: { approver: { ...persons, groupsOf, mayReviewBreakGlass } } });
      const ask = { subject: MAYA, ttl: '30m' } as const;
      const { request } = await service.engine.requestAccess({ ...ask, scope });
      await service.clock.advance('1s');
      await service.engine.requestAccess({ ...ask, scope: 'db-prod:read' === scope ? 'db-prod:write' : 'db-prod:read' });
      const [known, unknown] = await Promise.all(
        [request.id, '0'.repeat(32)].map((id) => service.send('GET', `/requests/${id}`, { as: EVE })),
      );
      expect([known?.status, known?.text]).toEqual([404, unknown?.text]);
      expect(unknown?.status).toBe(404);
    }
  });

  it('[WF5] causes the same questions to each member of a chain, also for what another process has decided', async () => {
    const calls: Counts = {};
    const member = (name: string): Approver => ({
      name,
      decide: ({ scopes: [scope = ''] }) =>
        scope.startsWith(name) ? { outcome: 'review', quorum: { groups: [{ name, approvals: 1 }] } } : { outcome: 'abstain' },
      groupsOf() {
        calls[name] = (calls[name] ?? 0) + 1;
        return [];
      },
    });
    const store = new MemoryGrantStore();
    const { engine, clock } = aService({ engine: { store, approver: firstDecisive(...['a', 'b', 'c'].map(member)) } });
    const service = aService({ engine: { store, clock, approver: firstDecisive(...['a', 'b', 'c'].map(member)) } });
    const ask = async (scope: string) => (await engine.requestAccess({ subject: MAYA, scope, ttl: '30m' })).request.id;
    const callsFor = async (id: string) => {
      for (const name of Object.keys(calls)) delete calls[name];
      expect((await service.send('GET', `/requests/${id}`, { as: EVE })).status).toBe(404);
      return { ...calls };
    };
    const [a, b] = [await ask('a:read'), await ask('b:read')];
    const before = await callsFor('0'.repeat(32));
    expect(before).toEqual({ a: 2, b: 2 });
    for (const id of [a, b]) expect(await callsFor(id)).toEqual(before);
    const c = await ask('c:read');
    await clock.advance('1m');
    const after = await callsFor('0'.repeat(32));
    expect(after).toEqual({ a: 2, b: 2, c: 2 });
    for (const id of [a, b, c]) expect(await callsFor(id)).toEqual(after);
  });

  it('sees in no list what is about others', async () => {
    const service = aService();
    await withExamples(service);
    for (const path of ['/requests', '/grants', '/inbox', '/break-glass/reviews', `/requests?requestedBy=${EVE}`]) {
      const { status, body } = await service.send('GET', path, { as: EVE });
      expect([path, status, body.items]).toEqual([path, 200, []]);
    }
    for (const path of ['/requests?all=true', '/grants?all=true', '/requests?subject=user:maya', '/grants?subject=user:maya']) {
      const { status, text } = await service.send('GET', path, { as: EVE });
      expect([path, status]).toEqual([path, 403]);
      expect(text).not.toContain('maya');
    }
  });

  it('gets the same refusal of what only `may` permits, for any target', async () => {
    const service = aService();
    const { grantId, lockId } = await withExamples(service);
    const answers = await Promise.all(
      [`/grants/${grantId}/revoke`, '/grants/none.1/revoke', `/locks/${lockId}/unlock`, '/locks/none/unlock'].map((path) =>
        service.send('POST', path, { as: EVE, body: {} }),
      ),
    );
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
  });

  it('is refused by the engine, and not only by the handler: a reviewer of nothing cannot redeem the link of another', async () => {
    const service = aService();
    const { token } = await withExamples(service);
    const opened = await service.send('POST', '/links/open', { as: EVE, body: { token } });
    expect([opened.status, opened.body.why]).toEqual([410, 'not_yours']);
    expect(opened.text).not.toContain(SAM);
  });
});

describe('a reviewer', () => {
  it('[WF20] sees a denial of the same ask by the reviewers of another rule, whose request is 404 for them, as the pages say', async () => {
    const forMaya = { subjects: [MAYA], maxTtl: '1h' } as const;
    const approver = definePolicy({
      groups: { leads: [SAM], dba: ['user:kim'] },
      rules: [
        { ...forMaya, id: 'one', scopes: ['db:read'], review: { groups: { leads: 1 } } },
        { ...forMaya, id: 'all', scopes: ['db:*'], review: { groups: { dba: 1 } } },
      ],
    });
    const service = aService({ engine: { approver, scopes: patternScopes } });
    const ask = { subject: MAYA, ttl: '30m' } as const;
    const denied = await service.engine.requestAccess({ ...ask, scope: 'db:read' });
    await service.engine.deny(denied.request.id, { by: SAM, reason: 'use staging' });
    await service.engine.requestAccess({ ...ask, scopes: ['db:read', 'db:write'] });
    const { body } = await service.send('GET', '/inbox', { as: 'user:kim' });
    expect(body.items?.[0]?.denials?.[0]).toMatchObject({ requestId: denied.request.id, by: SAM, reason: 'use staging' });
    expect((await service.send('GET', `/requests/${denied.request.id}`, { as: 'user:kim' })).status).toBe(404);
    for (const page of ['docs/reference/http.md', 'docs/reference/lists.md'])
      expect(await readFile(new URL(`../../../${page}`, import.meta.url), 'utf8')).toMatch(/recent denials of the same ask/);
  });
});

describe('the subject and the requester', () => {
  it('see the reason of a review, and not its comment, which is for the other reviewers', async () => {
    const service = aService();
    const { requestId } = await withExamples(service);
    await service.send('POST', `/requests/${requestId}/deny`, { as: SAM, body: { reason: 'use staging', comment: 'asks every week' } });
    for (const path of [`/requests/${requestId}`, `/requests/${requestId}/timeline`, '/requests']) {
      const { text } = await service.send('GET', path, { as: MAYA });
      expect(text).toContain('use staging');
      expect(text).not.toContain('asks every week');
    }
    expect((await service.send('GET', `/requests/${requestId}`, { as: SAM })).text).toContain('asks every week');
  });
});

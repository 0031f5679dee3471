import { describe, expect, it } from 'vitest';
import { firstDecisive, MemoryGrantStore, reviewers, type Approver, type GrantStore } from '../../../src/index.js';
import { operations } from '../../../src/features/http/operations/index.js';
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
        expect([ofKnown.calls.get, ofKnown.calls.groupsOf]).toEqual([1, 1]);
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
    expect(ofUnknown['groupsOf']).toBe(1);
    for (const { id } of items) expect(await callsFor(id)).toEqual(ofUnknown);
    expect(items.map(({ id }) => id)).toContain(request.id);
    expect(items).toHaveLength(2);
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

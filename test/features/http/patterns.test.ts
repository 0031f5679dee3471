import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactScopes, MemoryGrantStore, patternScopes, StoreError, type GrantStore, type ScopeMatcher } from '../../../src/index.js';
import type { HttpPermission } from '../../../src/http.js';
import type { Change } from '../../../src/store.js';
import { ScriptedApprover } from '../../../src/testing.js';
import { aClient, caught } from '../client/client-world.js';
import { bound } from './listen.js';
import { aService, EVE, MAYA, RAJ, SEC, turns, type Body, type TestCaller } from './world.js';

const HOUR = 3_600_000;

const scopesOf = ({ items }: Body): readonly string[] =>
  (items as unknown as readonly { readonly scope: string }[]).map(({ scope }) => scope).toSorted();

const allowing = () => new ScriptedApprover({ decide: { outcome: 'approve' }, isEligible: true });

/** A service where everyone gets what they ask for, a store that counts its calls, and the questions to `may`. */
function aShop(scopes: ScopeMatcher = patternScopes, may?: (permission: HttpPermission<TestCaller>) => boolean | Promise<boolean>) {
  const memory = new MemoryGrantStore();
  const calls: (string | symbol)[] = [];
  const store = new Proxy(memory, {
    get(one, name) {
      const value = bound(one, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => (calls.push(name), (value as (...all: unknown[]) => unknown)(...args));
    },
  }) as GrantStore;
  const asked: HttpPermission<TestCaller>[] = [];
  const service = aService({
    engine: { store, scopes, approver: allowing(), limits: { maxTtl: '8h' } },
    http: {
      may: (permission) => {
        asked.push(permission);
        return (may ?? (({ caller }) => caller.subject === SEC))(permission);
      },
    },
  });
  const grant = (scope: string, subject = MAYA) => service.engine.requestAccess({ subject, scope, ttl: '1h' });
  const find = async (path: string, as = SEC) => {
    const { status, body } = await service.send('GET', path, { as });
    return status === 200 ? scopesOf(body) : [status, body['argument'] as unknown as string];
  };
  return { ...service, calls, asked, grant, find };
}

/** The same store, which commits locks and nothing else. */
const failing = (store: GrantStore): GrantStore =>
  new Proxy(store, {
    get: (one, name) =>
      name === 'commit'
        ? (change: Change) =>
            change.append.every(({ type }) => type === 'lock.set')
              ? one.commit(change)
              : Promise.reject(new StoreError('commit', 'the disk is full'))
        : bound(one, name),
  });

const all = async (shop: ReturnType<typeof aShop>, pattern: string): Promise<readonly unknown[]> => {
  const span = `from=${shop.clock.now() - HOUR}&to=${shop.clock.now() + HOUR}`;
  const found = [];
  for (const path of ['/holders?', `/holders?at=${shop.clock.now()}&`, `/history?${span}&`])
    found.push(await shop.find(`${path}pattern=${encodeURIComponent(pattern)}`));
  return found;
};

describe('the pattern of /holders and /history', () => {
  it('selects the grants that overlap it, each with the scope of its grant', async () => {
    const shop = aShop();
    for (const scope of [
      'db-prod:orders:write',
      'db-prod:users:write',
      'db-prod:orders:read',
      'db-prod:**',
      '*:*:write',
      'db-prod',
      'logs:read',
    ])
      await shop.grant(scope);
    const both = (...scopes: string[]) => [scopes.toSorted(), scopes.toSorted(), scopes.toSorted()];
    expect(await all(shop, 'db-prod:*:write')).toEqual(both('db-prod:orders:write', 'db-prod:users:write', 'db-prod:**', '*:*:write'));
    expect(await all(shop, 'db-prod:**')).toEqual(
      both('db-prod:orders:write', 'db-prod:users:write', 'db-prod:orders:read', 'db-prod:**', '*:*:write'),
    );
    expect(await all(shop, 'db-prod:orders:write')).toEqual(both('db-prod:orders:write', 'db-prod:**', '*:*:write'));
    expect(await all(shop, 'none:*')).toEqual(both());
    await shop.clock.advance('2h');
    expect(await shop.find('/holders?pattern=**')).toEqual([]);
  });

  it('may be several with commas in between, also of GET /grants: a scope and what is below it', async () => {
    const shop = aShop();
    const below = ['db-prod', 'db-prod:**', 'db-prod:orders:write'];
    for (const scope of [...below, 'db-prod2', 'logs:read']) await shop.grant(scope);
    expect(await all(shop, 'db-prod,db-prod:**')).toEqual(Array(3).fill(below));
    expect(await shop.find('/grants?all=true&status=active&order=due&pattern=db-prod,db-prod:**')).toEqual(below);
    expect(await shop.find('/grants?all=true&pattern=db-prod:**&scope=db-prod:**')).toEqual(['db-prod:**']);
    // The own grants need no right, those of others the right for all their scopes.
    shop.asked.length = 0;
    expect(await shop.find('/grants?pattern=db-prod:*:*', MAYA)).toEqual(below.slice(1));
    expect(await shop.find(`/grants?pattern=db-prod:*:*&subject=${MAYA}`, EVE)).toEqual([403, undefined]);
    expect(shop.asked).toMatchObject([{ action: 'listGrants', target: { subject: MAYA } }]);
    for (const wrong of ['db-prod,', ',', 'a,,b', 'a b,c', Array(9).fill('a').join(',')])
      for (const path of ['/grants?all=true&', '/holders?'])
        expect([wrong, await shop.find(`${path}pattern=${wrong}`)]).toEqual([wrong, [400, 'pattern']]);
    expect(await aShop({ ...patternScopes, name: 'mine' }).find('/grants?all=true&pattern=db:*')).toEqual([400, 'pattern']);
    const { client } = aClient(shop, SEC);
    const given = await client.listGrants({ all: true, pattern: ['logs:**', 'db-prod2'] });
    expect(given.items.map(({ scope }) => scope).toSorted()).toEqual(['db-prod2', 'logs:read']);
    expect(String(await caught(shop.engine.listGrants({ overlapping: [] })))).toMatch(/overlapping must be a pattern, or a list of 1 to 8/);
  });

  it('means the same wildcards where scopes are compared byte for byte', async () => {
    const shop = aShop(exactScopes);
    for (const scope of ['db-prod:orders:write', 'db-prod:orders:read', 'logs:read']) await shop.grant(scope);
    expect(await all(shop, 'db-prod:*:write')).toEqual(Array(3).fill(['db-prod:orders:write']));
    expect(await all(shop, '**')).toEqual(Array(3).fill(['db-prod:orders:read', 'db-prod:orders:write', 'logs:read']));
    // Access that another matcher gave: a check by this one allows none of its scopes.
    const other = aService({ engine: { store: shop.store, scopes: patternScopes, approver: allowing(), clock: shop.clock } });
    await other.engine.requestAccess({ subject: MAYA, scope: 'db-prod:**', ttl: '1h' });
    expect(await shop.engine.isAllowed(MAYA, 'db-prod:x')).toBe(false);
    expect(await all(shop, 'db-prod:x')).toEqual([[], [], []]);
  });

  it('needs the right for everything: `may` is asked about no scope, and of the subject if it is named', async () => {
    const narrow = ({ target }: HttpPermission<TestCaller>) => target.scopes?.every((scope) => scope.startsWith('db-prod:')) === true;
    const shop = aShop(patternScopes, narrow);
    const span = `from=${shop.clock.now() - HOUR}&to=${shop.clock.now() + HOUR}`;
    expect(await shop.find('/holders?scope=db-prod:write', RAJ)).toEqual([]);
    expect(await shop.find(`/history?${span}&scope=db-prod:write`, RAJ)).toEqual([]);
    shop.asked.length = 0;
    expect(await shop.find('/holders?pattern=db-prod:write', RAJ)).toEqual([403, undefined]);
    expect(await shop.find(`/history?${span}&pattern=db-prod:*&subject=${MAYA}`, RAJ)).toEqual([403, undefined]);
    expect(await shop.find('/holders?scope=db-prod:write&pattern=**', RAJ)).toEqual([400, 'pattern']);
    expect(shop.asked.map(({ action, target }) => [action, target])).toEqual([
      ['whoHadAccess', { scopes: undefined }],
      ['history', { subject: MAYA, scopes: undefined }],
      ['whoHadAccess', { scopes: ['db-prod:write'] }],
    ]);
  });

  it('costs a stranger nothing: the right is judged before any read, for each pattern alike', async () => {
    const shop = aShop();
    await shop.grant('db-prod:orders:write');
    const span = `from=${shop.clock.now() - HOUR}&to=${shop.clock.now() + HOUR}`;
    shop.calls.length = 0;
    const answers = new Set<string>();
    const patterns = ['**', 'db-prod:*:write', 'none', Array(16).fill('*').join(':'), 'x'.repeat(256)];
    for (const path of ['/holders?', `/history?${span}&`, `/holders?at=1&`])
      for (const pattern of patterns) {
        const { status, text } = await shop.send('GET', `${path}pattern=${pattern}`, { as: EVE });
        expect(status).toBe(403);
        answers.add(text);
      }
    expect([answers.size, shop.calls]).toEqual([1, []]);
  });

  it('reads nothing after a late answer of `may`', async () => {
    let release = (): void => undefined;
    const shop = aShop(patternScopes, () => new Promise((resolve) => (release = () => resolve(true))));
    await shop.grant('db-prod:orders:write');
    const call = shop.send('GET', '/holders?pattern=**', { as: SEC });
    await turns();
    await shop.clock.advance('10s');
    expect((await call).status).toBe(503);
    shop.calls.length = 0;
    release();
    await turns();
    expect(shop.calls).toEqual([]);
  });

  it('is refused beside a scope, as text that is no pattern, and by a name: nothing is read', async () => {
    const shop = aShop();
    const span = `from=${shop.clock.now() - HOUR}&to=${shop.clock.now() + HOUR}`;
    shop.calls.length = 0;
    const wrong = [
      '',
      'a b',
      'a:**:b',
      '***',
      '%00',
      '<script>',
      "'; drop table",
      '%F0%9F%94%91',
      'a::b',
      'x'.repeat(257),
      Array(17).fill('*').join(':'),
    ];
    for (const pattern of wrong)
      for (const path of ['/holders?', `/history?${span}&`])
        expect([pattern, await shop.find(`${path}pattern=${pattern}`)]).toEqual([pattern, [400, 'pattern']]);
    expect(await shop.find('/holders?pattern=db:*&scope=db:a')).toEqual([400, 'pattern']);
    expect(await shop.find(`/history?${span}&pattern=db:*&scope=db:a`)).toEqual([400, 'pattern']);
    expect(await shop.find('/holders?pattern=db:*&pattern=db:*')).toEqual([400, 'query']);
    expect(await shop.find('/holders')).toEqual([400, 'scope']);
    // A scope is still no pattern.
    expect(await shop.find('/holders?scope=db:*')).toEqual([400, 'scope']);
    expect([shop.calls, shop.errors]).toEqual([[], []]);
  });

  it('is refused with another matcher than those of this package, for which a list without a holder could be false', async () => {
    // Everything below a granted scope is covered: patternScopes would find no holder of `db:*:write` here.
    const below: ScopeMatcher = {
      name: 'below',
      exact: false,
      covers: (granted, required) => required === granted || required.startsWith(`${granted}:`),
      overlaps: (a, b) => a === b || a.startsWith(`${b}:`) || b.startsWith(`${a}:`),
    };
    for (const matcher of [below, { ...patternScopes, name: 'mine' }]) {
      const shop = aShop(matcher);
      await shop.grant('db');
      shop.calls.length = 0;
      expect(await all(shop, 'db:*:write')).toEqual(Array(3).fill([400, 'pattern']));
      expect(shop.calls).toEqual([]);
      // A stranger does not learn the matcher.
      expect(await shop.find('/holders?pattern=db:*', EVE)).toEqual([403, undefined]);
    }
    expect(await aShop(below).find('/holders?scope=db:orders:write')).toEqual([]);
  });

  it('L42 looks at 1,000 grants for a page, which may be empty and have a next', async () => {
    const shop = aShop();
    for (let i = 0; i < 42; i++) {
      const scopes = Array.from({ length: 25 }, (_, n) => `logs:${i}:${n}`);
      await shop.engine.requestAccess({ subject: `user:${i}`, scopes, ttl: '1h' });
    }
    await shop.clock.advance(1);
    shop.calls.length = 0;
    const { status, body } = await shop.send('GET', '/holders?pattern=db:**', { as: SEC });
    expect([status, scopesOf(body), typeof body.next]).toEqual([200, [], 'string']);
    expect(shop.calls.length).toBeLessThan(20);
    const next = encodeURIComponent(body.next as unknown as string);
    expect((await shop.send('GET', `/holders?pattern=db:**&after=${next}`, { as: SEC })).body.next).toBeUndefined();
  });

  it('takes a place of its caller: ten at a time', async () => {
    const shop = aShop();
    let open = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    const find = shop.store.find.bind(shop.store);
    const memory = shop.store as { find: GrantStore['find'] };
    memory.find = async (query) => {
      most = Math.max(most, ++open);
      await new Promise<void>((go) => gates.push(go));
      open--;
      return find(query);
    };
    const answers = Array.from({ length: 25 }, () => shop.send('GET', '/holders?pattern=**', { as: SEC }));
    for (await turns(); gates.length > 0; await turns()) for (const go of gates.splice(0)) go();
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]));
    expect(most).toBe(10);
  });

  it('L1 counts a lock now as a check of a scope within the pattern does: only a lock on all of a grant hides it', async () => {
    const shop = aShop();
    const held = async () => shop.find('/holders?pattern=db:**');
    await shop.grant('db:a');
    await shop.grant('db:b');
    await shop.grant('db:c', EVE);
    await shop.grant('db:**', RAJ);
    // The process that sets the lock fails before it ends anything: checks deny, and all grants are open.
    const dying = aService({ engine: { store: failing(shop.store), scopes: patternScopes, clock: shop.clock } });
    await dying.engine.lock({ scope: 'db:a' }, { by: SEC }).catch(() => undefined);
    expect(await shop.engine.isAllowed(RAJ, 'db:b')).toBe(true);
    expect(await shop.engine.isAllowed(MAYA, 'db:a')).toBe(false);
    expect(await held()).toEqual(['db:**', 'db:b', 'db:c']);
    await shop.engine.lock({ subject: EVE }, { by: SEC });
    expect(await held()).toEqual(['db:**', 'db:b']);
    await shop.engine.sweep();
    await dying.engine.lock({ scope: '**' }, { by: SEC }).catch(() => undefined);
    expect(await held()).toEqual([]);
  });

  it('agrees with the union of all scopes that it covers, for random grants and patterns', async () => {
    const part = fc.constantFrom('a', 'b', '*');
    const text = fc
      .array(part, { minLength: 1, maxLength: 3 })
      .chain((parts) => fc.constantFrom(parts.join(':'), [...parts, '**'].join(':')));
    const segments = ['a', 'b', 'other'];
    const concrete = segments.flatMap((x) => [
      x,
      ...segments.flatMap((y) => [
        `${x}:${y}`,
        ...segments.flatMap((z) => [`${x}:${y}:${z}`, ...segments.map((w) => `${x}:${y}:${z}:${w}`)]),
      ]),
    ]);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(text, { minLength: 1, maxLength: 6 }), text, async (granted, pattern) => {
        const shop = aShop();
        for (const scope of granted) await shop.grant(scope);
        const within = concrete.filter((scope) => patternScopes.covers(pattern, scope));
        const expected = granted.filter((scope) => within.some((one) => patternScopes.covers(scope, one)));
        expect(await shop.find(`/holders?pattern=${pattern}`)).toEqual(expected.toSorted());
      }),
      { numRuns: 60 },
    );
  });

  it('is a query of the engine too, with errors that name its fields', async () => {
    const { engine, clock, grant } = aShop();
    for (const scope of ['db:a', 'db:**', 'logs:a']) await grant(scope);
    const scopesIn = async (list: PromiseLike<{ readonly items: readonly { readonly scope: string }[] }>) =>
      (await list).items.map(({ scope }) => scope).toSorted();
    expect(await scopesIn(engine.whoHadAccess({ pattern: 'db:*' }))).toEqual(['db:**', 'db:a']);
    expect(await scopesIn(engine.whoHadAccess({ pattern: 'db:*', at: clock.now() }))).toEqual(['db:**', 'db:a']);
    expect(await scopesIn(engine.listGrants({ overlapping: '*:a', status: 'active' }))).toEqual(['db:**', 'db:a', 'logs:a']);
    expect(await scopesIn(engine.listGrants({ overlapping: '*:a', subject: EVE }))).toEqual([]);
    const refused = async (list: PromiseLike<unknown>) => String(await caught(list));
    expect(await refused(engine.listGrants({ overlapping: 'db:*', covering: 'db:a' }))).toMatch(/overlapping must be omitted/);
    expect(await refused(engine.listGrants({ overlapping: 'a b' }))).toMatch(/overlapping must be/);
    const exactly = { pattern: 'db:*', scope: 'db:a' };
    expect(await refused(engine.whoHadAccess(exactly))).toMatch(/pattern must be omitted/);
    const other = aShop({ ...patternScopes, name: 'mine' }).engine;
    expect(await refused(other.listGrants({ overlapping: 'db:*' }))).toMatch(/overlapping must be omitted: the matcher mine/);
    expect(await refused(other.whoHadAccess({ pattern: 'db:*' }))).toMatch(/pattern must be omitted: the matcher mine/);
  });

  it('reaches the client, which sends either a scope or a pattern', async () => {
    const shop = aShop();
    await shop.grant('db:a');
    const { client, sent } = aClient(shop, SEC);
    const from = shop.clock.now() - HOUR;
    expect((await client.whoHadAccess({ pattern: 'db:*' })).items.map(({ scope }) => scope)).toEqual(['db:a']);
    expect((await client.history({ pattern: '**', from, to: from + 2 * HOUR })).items).toHaveLength(1);
    expect(sent.map(({ url }) => new URL(url).searchParams.get('pattern'))).toEqual(['db:*', '**']);
    // @ts-expect-error a scope or a pattern
    expect(String(await caught(client.whoHadAccess({})))).toMatch(/^InvalidArgumentError: scope must be/);
  });
});

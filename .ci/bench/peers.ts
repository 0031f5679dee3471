import { createMongoAbility, type MongoAbility } from '@casl/ability';
import { preparsePolicySet, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import { AccessControl } from 'accesscontrol';
import { newCachedEnforcer, newEnforcer, newModelFromString, type Enforcer } from 'casbin';
import { LRUCache } from 'lru-cache';
import { lru } from 'tiny-lru';
import { endsOf, type Contestant } from '../../test/bench/measure/contestants.js';
import { DAY, liveGrants, questions, type LiveGrant } from '../../test/bench/measure/world.js';

/** The matcher reads the clock, so that a request is two strings: a CachedEnforcer caches no other requests. */
const MODEL = `
[request_definition]
r = sub, obj
[policy_definition]
p = sub, obj, until
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.obj == p.obj && now() < p.until
`;

async function filled<T extends Enforcer>(enforcer: T, grants: number): Promise<T> {
  await enforcer.addFunction('now', () => Date.now());
  await enforcer.addPolicies(Array.from(liveGrants(grants), ({ subject, scope, expiresAt }) => [subject, scope, String(expiresAt)]));
  return enforcer;
}

const MAPS: readonly Contestant[] = [
  {
    name: 'one `Map`, joined keys',
    calls: ['Date.now() < ends.get(key)'],
    expiry: 'The call compares the end of the grant with `Date.now()`.',
    fill: async (grants) => {
      const ends = new Map<string, number>();
      for (const { subject, scope, expiresAt } of liveGrants(grants)) ends.set(`${subject}\n${scope}`, expiresAt);
      return { called: (subject, scope) => Date.now() < (ends.get(`${subject}\n${scope}`) ?? 0) };
    },
  },
  {
    name: 'lru-cache',
    calls: ['cache.get(key)'],
    expiry: 'Its `ttl`, by a stored clock reading. A timer of 1 ms clears the reading, so a blocked event loop keeps it.',
    fill: async (grants) => {
      const held = new LRUCache<string, true>({ max: grants, ttl: DAY });
      for (const { subject, scope } of liveGrants(grants)) held.set(`${subject}\n${scope}`, true);
      return { called: (subject, scope) => held.get(`${subject}\n${scope}`) === true };
    },
  },
  {
    name: 'tiny-lru',
    calls: ['cache.get(key)'],
    expiry: 'Its `ttl`, one for the whole cache. `get` compares it with `Date.now()`.',
    fill: async (grants) => {
      const held = lru<true>(grants, DAY);
      for (const { subject, scope } of liveGrants(grants)) held.set(`${subject}\n${scope}`, true);
      return { called: (subject, scope) => held.get(`${subject}\n${scope}`) === true };
    },
  },
];

const BY_HAND = 'None of its own. The caller keeps the ends beside it, here in LIMIT, and compares them with `Date.now()`.';

const POLICIES: readonly Contestant[] = [
  {
    name: '@casl/ability',
    calls: ["ability.can('use', scope)"],
    expiry: BY_HAND,
    fill: async (grants) => {
      const ends = endsOf(liveGrants(grants));
      const abilities = new Map<string, MongoAbility>();
      for (const [subject, scopes] of ends) {
        abilities.set(subject, createMongoAbility([...scopes.keys()].map((scope) => ({ action: 'use', subject: scope }))));
      }
      return {
        called: (subject, scope) => abilities.get(subject)?.can('use', scope) === true && Date.now() < (ends.get(subject)?.get(scope) ?? 0),
      };
    },
  },
  {
    name: 'accesscontrol',
    calls: ['control.can(subject).readAny(scope).granted'],
    expiry: BY_HAND,
    most: [100_000, 'filling it takes minutes'],
    // It refuses a colon in a name.
    spell: withoutColon,
    fill: async (grants) => {
      const ends = endsOf(spelled(liveGrants(grants), withoutColon));
      const control = new AccessControl();
      for (const [subject, scopes] of ends) for (const scope of scopes.keys()) control.grant(subject).readAny(scope);
      return {
        called: (subject, scope) => control.can(subject).readAny(scope).granted && Date.now() < (ends.get(subject)?.get(scope) ?? 0),
      };
    },
  },
  {
    name: '@cedar-policy/cedar-wasm',
    calls: ['statefulIsAuthorized(question)'],
    expiry: 'Its policy compares two values that the caller passes: the clock, and the end, here from LIMIT beside it.',
    fill: async (grants) => {
      const ends = endsOf(liveGrants(grants));
      const policy = 'permit(principal, action, resource) when { context.now < context.until };';
      const parsed = preparsePolicySet('bench', { staticPolicies: policy });
      if (parsed.type !== 'success') throw new Error(JSON.stringify(parsed));
      return {
        called: (subject, scope) => {
          const answer = statefulIsAuthorized({
            principal: { type: 'User', id: subject },
            action: { type: 'Action', id: 'use' },
            resource: { type: 'Scope', id: scope },
            context: { now: Date.now(), until: ends.get(subject)?.get(scope) ?? 0 },
            preparsedPolicySetId: 'bench',
            entities: [],
          });
          return answer.type === 'success' && answer.response.decision === 'allow';
        },
      };
    },
  },
];

const CASBIN: readonly Contestant[] = [
  {
    name: 'casbin',
    calls: ['enforcer.enforce(subject, scope)'],
    expiry: 'Its matcher compares the end of each policy with the clock, policy by policy.',
    most: [100_000, 'one check takes a third of a second'],
    fill: async (grants) => {
      const enforcer = await filled(await newEnforcer(newModelFromString(MODEL)), grants);
      return {
        called: (subject, scope) => enforcer.enforceSync(subject, scope),
        awaited: (subject, scope) => enforcer.enforce(subject, scope),
      };
    },
  },
  {
    name: 'casbin, CachedEnforcer',
    calls: ['enforcer.enforce(subject, scope)'],
    expiry: '**None.** A cached yes never ends. The caller must invalidate the cache.',
    most: [1_000, 'filling its cache asks casbin about each pair once'],
    fill: async (grants) => {
      const enforcer = await filled(await newCachedEnforcer(newModelFromString(MODEL)), grants);
      for (const { subjects, scopes } of [questions('held', grants), questions('not held', grants)]) {
        for (const [i, subject] of subjects.entries()) await enforcer.enforce(subject, scopes[i]);
      }
      return { awaited: (subject, scope) => enforcer.enforce(subject, scope) };
    },
  },
];

function withoutColon(name: string): string {
  return name.replaceAll(':', '_');
}

function* spelled(grants: Iterable<LiveGrant>, spell: (name: string) => string): Generator<LiveGrant> {
  for (const { subject, scope, expiresAt } of grants) yield { subject: spell(subject), scope: spell(scope), expiresAt };
}

export const PEERS: readonly Contestant[] = [...MAPS, ...POLICIES, ...CASBIN];

import { createMongoAbility, type MongoAbility } from '@casl/ability';
import { preparsePolicySet, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import { AccessControl } from 'accesscontrol';
import { newEnforcer, newModelFromString } from 'casbin';
import { autoApprove, JitEngine } from 'jit-access';
import { LRUCache } from 'lru-cache';
import { liveStore } from './live-store.js';
import type { Ask } from './loop.js';
import { DAY, liveGrants } from './world.js';

/** A way of answering the question, with all grants in it. */
export interface Ready {
  /** The synchronous answer, where there is one. */
  readonly call?: Ask;
  readonly awaited?: Ask;
  /** The whole answer, with its reason. */
  readonly decided?: Ask;
}

export interface Contestant {
  readonly name: string;
  /** What keeps the time. */
  readonly time: string;
  /** It is not asked about more grants than these, for the reason that comes with it. */
  readonly most?: readonly [grants: number, why: string];
  readonly fill: (grants: number) => Promise<Ready>;
}

function nestedMaps(grants: number): Map<string, Map<string, number>> {
  const bySubject = new Map<string, Map<string, number>>();
  for (const { subject, scope, expiresAt } of liveGrants(grants)) {
    let scopes = bySubject.get(subject);
    if (scopes === undefined) bySubject.set(subject, (scopes = new Map<string, number>()));
    scopes.set(scope, expiresAt);
  }
  return bySubject;
}

/** Nothing that answers this can do less. */
export const LIMIT: Contestant = {
  name: 'two nested `Map`s and the clock',
  time: 'the answer',
  fill: async (grants) => {
    const ends = nestedMaps(grants);
    return {
      call: (subject, scope) => Date.now() < (ends.get(subject)?.get(scope) ?? 0),
      awaited: async (subject, scope) => Date.now() < (ends.get(subject)?.get(scope) ?? 0),
    };
  },
};

export const OURS: Contestant = {
  name: 'jit-access, in memory',
  time: 'the answer',
  fill: async (grants) => {
    const store = await liveStore(liveGrants(grants));
    const engine = new JitEngine({ approver: autoApprove(() => true), store });
    return {
      awaited: (subject, scope) => engine.isAllowed(subject, scope),
      decided: (subject, scope) => engine.check(subject, scope),
    };
  },
};

const MODEL = `
[request_definition]
r = sub, obj, now
[policy_definition]
p = sub, obj, until
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.obj == p.obj && r.now < p.until
`;

export const PEERS: readonly Contestant[] = [
  {
    name: 'one `Map`, joined keys',
    time: 'the answer',
    fill: async (grants) => {
      const ends = new Map<string, number>();
      for (const { subject, scope, expiresAt } of liveGrants(grants)) ends.set(`${subject}\n${scope}`, expiresAt);
      return { call: (subject, scope) => Date.now() < (ends.get(`${subject}\n${scope}`) ?? 0) };
    },
  },
  {
    name: 'lru-cache with a ttl',
    time: 'a clock read once a millisecond, by a timer',
    fill: async (grants) => {
      const held = new LRUCache<string, true>({ max: grants, ttl: DAY });
      for (const { subject, scope } of liveGrants(grants)) held.set(`${subject}\n${scope}`, true);
      return { call: (subject, scope) => held.get(`${subject}\n${scope}`) === true };
    },
  },
  {
    name: '@casl/ability',
    time: 'kept beside it by hand',
    fill: async (grants) => {
      const ends = nestedMaps(grants);
      const abilities = new Map<string, MongoAbility>();
      for (const [subject, scopes] of ends) {
        abilities.set(subject, createMongoAbility([...scopes.keys()].map((scope) => ({ action: 'use', subject: scope }))));
      }
      return {
        call: (subject, scope) => abilities.get(subject)?.can('use', scope) === true && Date.now() < (ends.get(subject)?.get(scope) ?? 0),
      };
    },
  },
  {
    name: 'accesscontrol',
    time: 'kept beside it by hand',
    most: [100_000, 'its table of a million takes minutes'],
    fill: async (grants) => {
      const ends = nestedMaps(grants);
      const control = new AccessControl();
      // It takes no colon in a name.
      for (const { subject, scope } of liveGrants(grants)) control.grant(subject.replaceAll(':', '_')).readAny(scope.replaceAll(':', '_'));
      return {
        call: (subject, scope) =>
          control.can(subject.replaceAll(':', '_')).readAny(scope.replaceAll(':', '_')).granted &&
          Date.now() < (ends.get(subject)?.get(scope) ?? 0),
      };
    },
  },
  {
    name: '@cedar-policy/cedar-wasm',
    time: 'its policy; the grants beside it by hand',
    fill: async (grants) => {
      const ends = nestedMaps(grants);
      const policy = 'permit(principal, action, resource) when { context.now < context.until };';
      const parsed = preparsePolicySet('bench', { staticPolicies: policy });
      if (parsed.type !== 'success') throw new Error(JSON.stringify(parsed));
      return {
        call: (subject, scope) => {
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
  {
    name: 'casbin',
    time: 'its matcher, over every policy',
    most: [100_000, 'one check of a million takes a third of a second'],
    fill: async (grants) => {
      const enforcer = await newEnforcer(newModelFromString(MODEL));
      const rules = Array.from(liveGrants(grants), ({ subject, scope, expiresAt }) => [subject, scope, String(expiresAt)]);
      await enforcer.addPolicies(rules);
      return {
        call: (subject, scope) => enforcer.enforceSync(subject, scope, Date.now()),
        awaited: (subject, scope) => enforcer.enforce(subject, scope, Date.now()),
      };
    },
  },
];

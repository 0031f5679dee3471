import { autoApprove, JitEngine } from 'jit-access';
import { createChecker } from 'jit-access/check';
import { createView } from 'jit-access/view';
import { liveStore } from './live-store.js';
import type { Ask } from './loop.js';
import { rowSource } from './row-source.js';
import { liveGrants, type LiveGrant } from './world.js';

/** The ways in which a contestant that holds all grants answers a question. */
export interface Ready {
  readonly called?: Ask;
  /** Returns a decision: an object with `allowed`, its reason and its grant. */
  readonly calledDecision?: Ask;
  /** Where it is absent, `called` in an async function. */
  readonly awaited?: Ask;
  readonly awaitedDecision?: Ask;
}

export interface Contestant {
  readonly name: string;
  /** What its user calls for a yes or no, and for a decision. */
  readonly calls: readonly [isAllowed: string, check?: string];
  /** The mechanism that refuses a grant that has expired. */
  readonly expiry: string;
  /** A contestant of this package: it also gets questions about unknown subjects. */
  readonly isOwn?: true;
  /** The bench omits it with more grants than these, for this reason. */
  readonly most?: readonly [grants: number, why: string];
  /** How it writes names. The bench rewrites the names of the questions before it times them. */
  readonly spell?: (name: string) => string;
  readonly fill: (grants: number) => Promise<Ready>;
}

/** By subject and scope. All subjects share the strings of the scopes: a string for each grant would cost the look-up a cache miss. */
function bySubject<T>(grants: Iterable<LiveGrant>, valueOf: (grant: LiveGrant) => T): Map<string, Map<string, T>> {
  const subjects = new Map<string, Map<string, T>>();
  const shared = new Map<string, string>();
  for (const grant of grants) {
    const scope = shared.get(grant.scope) ?? grant.scope;
    shared.set(scope, scope);
    let scopes = subjects.get(grant.subject);
    if (scopes === undefined) subjects.set(grant.subject, (scopes = new Map<string, T>()));
    scopes.set(scope, valueOf({ ...grant, scope }));
  }
  return subjects;
}

export const endsOf = (grants: Iterable<LiveGrant>): Map<string, Map<string, number>> => bySubject(grants, ({ expiresAt }) => expiresAt);

/** The baseline: the least work that answers the question. */
export const LIMIT: Contestant = {
  name: 'LIMIT',
  calls: ['Date.now() < ends.get(subject).get(scope)'],
  expiry: 'The call compares the end of the grant with `Date.now()`.',
  fill: async (grants) => {
    const ends = endsOf(liveGrants(grants));
    return {
      called: (subject, scope) => Date.now() < (ends.get(subject)?.get(scope) ?? 0),
      awaited: async (subject, scope) => Date.now() < (ends.get(subject)?.get(scope) ?? 0),
    };
  },
};

/** The least work that returns a decision of the eight fields of `check`, with its grant. */
export const LIMIT_DECISION: Contestant = {
  name: 'LIMIT with a decision',
  calls: ['', 'decisionOf(grants.get(subject).get(scope))'],
  expiry: 'The call compares the end of the grant with `Date.now()`.',
  fill: async (grants) => {
    const held = bySubject(liveGrants(grants), (grant) => grant);
    return {
      calledDecision: (subject, scope) => decisionOf(subject, scope, held.get(subject)?.get(scope), Date.now()),
      awaitedDecision: async (subject, scope) => decisionOf(subject, scope, held.get(subject)?.get(scope), Date.now()),
    };
  },
};

function decisionOf(subject: string, scope: string, held: LiveGrant | undefined, at: number) {
  const grant = held !== undefined && at < held.expiresAt ? held : undefined;
  const allowed = grant !== undefined;
  const reason = allowed ? 'granted' : 'no_grant';
  return { allowed, reason, subject, scope, at, grant, pattern: undefined, validUntil: grant?.expiresAt };
}

export const IN_MEMORY: Contestant = {
  name: 'jit-access, in memory',
  calls: ['engine.isAllowed', 'engine.check'],
  expiry: 'The check compares the end of the grant with the clock of the engine. The sweep only records the end.',
  isOwn: true,
  fill: async (grants) => {
    const store = await liveStore(liveGrants(grants));
    return askedOf(new JitEngine({ approver: autoApprove(() => true), store }));
  },
};

/** What another service uses that only checks. */
export const CHECKER: Contestant = {
  name: 'jit-access/check, in memory',
  calls: ['checker.isAllowed', 'checker.check'],
  expiry: 'The check compares the end of the grant with the clock of the checker.',
  isOwn: true,
  most: [100_000, 'the store is the one of the engine'],
  fill: async (grants) => askedOf(createChecker({ store: await liveStore(liveGrants(grants)) })),
};

const askedOf = (checks: Pick<JitEngine, 'isAllowed' | 'check'>): Ready => ({
  awaited: (subject, scope) => checks.isAllowed(subject, scope),
  awaitedDecision: (subject, scope) => checks.check(subject, scope),
});

/** A view holds the same for every store. It is given its rows by pages, as a driver makes them. */
export const VIEW: Contestant = {
  name: 'jit-access, a live view',
  calls: ['view.isAllowed', 'view.check'],
  expiry: 'The check compares the end of the grant with the clock of the view, and the age of the view with `maxStaleMs`.',
  isOwn: true,
  fill: async (grants) => {
    const view = createView({ store: rowSource(liveGrants(grants)), load: 'all', keep: 'nothing', maxStaleMs: 3_600_000 });
    await view.refresh();
    return {
      called: (subject, scope) => view.isAllowed(subject, scope),
      calledDecision: (subject, scope) => view.check(subject, scope),
    };
  },
};

/** The contestants of this package. */
export const OWN: readonly Contestant[] = [IN_MEMORY, CHECKER, VIEW];

import {
  JitEngine,
  MemoryGrantStore,
  type AccessRequest,
  type Approver,
  type Verdict,
} from 'jit-access';

/** Where people and their roles are kept: LDAP, SCIM or a table. */
interface Directory {
  managerOf(person: string): Promise<string | undefined>;
  isActive(person: string): Promise<boolean>;
  isInSecurity(person: string): Promise<boolean>;
}

/** The manager must approve; for production, security must approve too. */
function managerApprover(directory: Directory): Approver {
  const touchesProduction = (request: AccessRequest) =>
    request.scopes.some((scope) => scope.split(':')[0]?.endsWith('-prod'));
  return {
    name: 'manager',

    async decide(request): Promise<Verdict> {
      if (request.ticket === undefined)
        return { outcome: 'deny', reason: 'cite a ticket' };
      const groups = [{ name: 'manager', approvals: 1 }];
      if (touchesProduction(request))
        groups.push({ name: 'security', approvals: 1 });
      return {
        outcome: 'review',
        quorum: { groups, approvalTtlMs: 3_600_000 },
      };
    },

    // Asked live, at each review and again when the quorum would complete.
    // A person who has left the group no longer counts.
    async groupsOf(reviewer, request) {
      const groups: string[] = [];
      if ((await directory.managerOf(request.subject)) === reviewer)
        groups.push('manager');
      if (await directory.isInSecurity(reviewer)) groups.push('security');
      return groups;
    },

    // Asked before anything is recorded, and as the quorum would complete.
    isEligible: (request) => directory.isActive(request.subject),
  };
}

async function main() {
  const directory: Directory = {
    managerOf: async (person) =>
      person === 'user:maya' ? 'user:lee' : undefined,
    isActive: async (person) => person === 'user:maya',
    isInSecurity: async (person) => person === 'user:ana',
  };
  const engine = new JitEngine({
    store: new MemoryGrantStore(),
    approver: managerApprover(directory),
  });

  const ask = {
    subject: 'user:maya',
    scope: 'db-prod:write',
    ttl: '15m',
  } as const;
  const refused = await engine.requestAccess(ask);
  console.log(refused.outcome === 'denied' && refused.reason);

  const { request } = await engine.requestAccess({
    ...ask,
    ticket: 'INC-4711',
  });
  console.log(
    (await engine.inbox('user:ana')).items.map((item) => item.groups),
  ); // [ [ 'security' ] ]
  console.log(
    (await engine.approve(request.id, { by: 'user:lee' })).outcome,
  ); // pending: security is still missing
  console.log(
    (await engine.approve(request.id, { by: 'user:ana' })).outcome,
  ); // granted
}

void main();

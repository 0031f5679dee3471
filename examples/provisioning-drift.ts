// A target with a pattern: it sets the end in the external system, and finds what the system has without a grant.
import { autoApprove, JitEngine, MemoryGrantStore } from 'jit-access';
import { provision } from 'jit-access/provisioning';
import { ManualClock } from 'jit-access/testing';

/** An external system that enforces the end of a role itself. */
const roles = new Map<
  string,
  {
    readonly subject: string;
    readonly scope: string;
    readonly until: number;
  }
>();

const clock = new ManualClock();
const engine = new JitEngine({
  store: new MemoryGrantStore(),
  clock,
  approver: autoApprove(() => true),
});

const target = provision(engine, {
  name: 'warehouse-roles',
  scopes: ['warehouse:*'],
  renews: true,
  apply({ subject, scope, held, until, ticket }) {
    if (held && until !== undefined) {
      roles.set(`${subject} ${scope}`, { subject, scope, until });
      console.log(
        `${subject} has ${scope} for ${(until - clock.now()) / 60_000} min (${ticket})`,
      );
    } else roles.delete(`${subject} ${scope}`);
  },
  read: () => [...roles.values()],
});

async function main() {
  const ask = {
    subject: 'user:maya',
    scope: 'warehouse:read',
    ttl: '30m',
    ticket: 'DATA-7',
  } as const;
  const asked = await engine.requestAccess(ask);
  if (asked.outcome !== 'granted') throw new Error(asked.outcome);
  await engine.flushAudit();
  await clock.advance('20m');
  await engine.extend(asked.grants[0]!.id, {
    requestedBy: 'user:maya',
    ttl: '20m',
  });
  await engine.flushAudit();

  // A person gives a role by hand, and removes another.
  roles.clear();
  roles.set('by hand', {
    subject: 'user:eve',
    scope: 'warehouse:admin',
    until: Infinity,
  });
  await clock.advance('1m');
  const { drift } = await target.reconcile();
  for (const { subject, scope } of drift?.unexpected ?? [])
    console.log(`never granted: ${subject} ${scope}`);
  for (const { subject, scope } of drift?.missing ?? [])
    console.log(`missing: ${subject} ${scope}`);
  await engine.close();
}

void main();

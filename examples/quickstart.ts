import {
  JitEngine,
  MemoryGrantStore,
  reviewers,
  startSweeper,
} from 'jit-access';

const engine = new JitEngine({
  store: new MemoryGrantStore(),
  approver: reviewers({ members: ['user:maya', 'user:sam'] }),
  standing: { 'user:maya': ['*:read'] },
});

/** What you protect. The first line throws unless the subject holds the access at this moment. */
async function writeToDatabase(subject: string): Promise<string> {
  await engine.assertAllowed(subject, 'db-prod:write');
  return `${subject} wrote to db-prod`;
}

async function main() {
  // Records what time has ended. It is not the lock: access ends at the check, with or without it.
  startSweeper(engine, { every: '30s' });

  const asked = await engine.requestAccess({
    subject: 'user:maya',
    scope: 'db-prod:write',
    ttl: '15m',
    justification: 'order 1138 is stuck',
    ticket: 'INC-4711',
  });
  console.log(asked.outcome); // pending: user:sam may review it; user:maya can't review her own
  console.log((await engine.check('user:maya', 'db-prod:write')).reason); // no_grant

  await engine.approve(asked.request.id, { by: 'user:sam' });
  console.log(await writeToDatabase('user:maya')); // user:maya wrote to db-prod

  // No one has to revoke anything: from `expiresAt` on, every check denies.
  for (const grant of (await engine.status('user:maya')).held) {
    console.log(
      `${grant.scope} until ${new Date(grant.expiresAt).toLocaleTimeString()}`,
    );
  }
}

void main();

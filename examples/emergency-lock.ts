import {
  isJitError,
  JitEngine,
  MemoryGrantStore,
  reviewers,
  type AuditEntry,
} from 'jit-access';
import { readJournal } from 'jit-access/journal';
import { ManualClock } from 'jit-access/testing';

const SCOPE = 'db-prod:write';

async function main() {
  const clock = new ManualClock();
  const store = new MemoryGrantStore();
  const engine = new JitEngine({
    clock,
    store,
    approver: reviewers({ members: ['user:sam', 'user:ana'] }),
  });

  // Maya has access, and Noor waits for an approval.
  const maya = await engine.requestAccess({
    subject: 'user:maya',
    scope: SCOPE,
    ttl: '1h',
    justification: 'INC-7',
  });
  await engine.approve(maya.request.id, { by: 'user:sam' });
  const noor = await engine.requestAccess({
    subject: 'user:noor',
    scope: SCOPE,
    ttl: '1h',
    justification: 'INC-8',
  });

  // Maya's laptop is stolen, and so is Sam's. The incident commander locks both.
  await clock.advance('10m');
  const { lock, ended } = await engine.lock(
    { subject: 'user:maya' },
    { by: 'user:ops', reason: 'INC-9: laptop stolen' },
  );
  console.log(`locked: ${ended.grants.length} grant ended`);
  await engine.lock(
    { subject: 'user:sam' },
    {
      by: 'user:ops',
      reason: 'INC-9: laptop stolen',
      until: clock.now() + 3_600_000,
    },
  );

  const { allowed, reason } = await engine.check('user:maya', SCOPE);
  console.log(`check: ${allowed} (${reason})`);
  await refused('ask', () =>
    engine.requestAccess({ subject: 'user:maya', scope: SCOPE, ttl: '1h' }),
  );
  await refused('approval', () =>
    engine.approve(noor.request.id, { by: 'user:sam' }),
  );
  await refused('unlock', () =>
    engine.unlock(lock.id, { by: 'user:maya' }),
  );

  // Ana is not locked. Noor gets access.
  await engine.approve(noor.request.id, { by: 'user:ana' });
  console.log(`user:noor: ${await engine.isAllowed('user:noor', SCOPE)}`);

  // A person lifts one lock, and the other ends by itself. The end of a lock restores no access: Maya asks again.
  await clock.advance('1h');
  await engine.unlock(lock.id, {
    by: 'user:ops',
    reason: 'INC-9: laptop replaced',
  });
  console.log(
    `open locks: ${(await engine.listLocks()).length}, user:maya: ${await engine.isAllowed('user:maya', SCOPE)}`,
  );

  for await (const entry of readJournal(store))
    if (entry.type.startsWith('lock.')) console.log(lineOf(entry));
  await engine.close();
}

async function refused(what: string, call: () => Promise<unknown>) {
  try {
    await call();
  } catch (error) {
    if (!isJitError(error)) throw error;
    console.log(`${what}: ${error.code}`);
  }
}

const lineOf = ({ type, actor, data: { reason } }: AuditEntry) =>
  `${type} by ${actor}${typeof reason === 'string' ? `: ${reason}` : ''}`;

void main();

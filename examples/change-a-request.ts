import {
  isJitError,
  JitEngine,
  MemoryGrantStore,
  reviewers,
  type AccessResult,
} from 'jit-access';
import { ManualClock } from 'jit-access/testing';

const SCOPE = 'db-prod:write';

async function main() {
  const clock = new ManualClock();
  const engine = new JitEngine({
    store: new MemoryGrantStore(),
    clock,
    approver: reviewers({ members: ['user:sam', 'user:ana'] }),
  });

  // Maya asks for half an hour. Sam reads the request.
  const asked = await engine.requestAccess({
    subject: 'user:maya',
    scope: SCOPE,
    ttl: '30m',
    justification: 'a hotfix',
  });
  console.log(`asked: ${textOf(asked)}`);

  // Before Sam approves, Maya asks for more.
  await clock.advance('1m');
  const amended = await engine.amend(asked.request.id, {
    by: 'user:maya',
    ttl: '2h',
    justification: 'the migration takes longer',
  });
  console.log(`amended: ${textOf(amended)}`);

  // The approval of the half hour does not approve the two hours. The error leads Sam to the new request.
  const next = await engine
    .approve(asked.request.id, { by: 'user:sam' })
    .catch((error: unknown) => {
      if (!isJitError(error) || error.code !== 'ERR_JIT_DECIDED')
        throw error;
      console.log(
        `approval: ${error.code}, see the new request: ${error.replacedBy === amended.request.id}`,
      );
      return engine.approve(error.replacedBy ?? '', { by: 'user:sam' });
    });
  console.log(`approved: ${textOf(next)}`);
  await engine.close();
}

const textOf = ({
  outcome,
  request: { ttlMs, justification },
}: AccessResult) =>
  `${outcome}, ${ttlMs / 60_000} minutes, ${justification}`;

void main();

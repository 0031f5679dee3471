import { readFileSync } from 'node:fs';
import { isJitError, JitEngine, MemoryGrantStore } from 'jit-access';
import { readPolicy } from 'jit-access/policy';

// Give the text, not the result of JSON.parse: an error then names the line, and a repeated field is refused.
const policy = readPolicy(
  readFileSync(new URL('policy-from-json.json', import.meta.url), 'utf8'),
);
for (const finding of policy.lint()) console.warn(finding.message);

const engine = new JitEngine({
  store: new MemoryGrantStore(),
  approver: policy,
});

async function main() {
  const staging = await engine.requestAccess({
    subject: 'user:maya',
    scope: 'db-staging:orders:write',
    ttl: '2h',
  });
  console.log(staging.outcome, 'by rule', staging.request.rule); // granted by rule staging

  // An ask that the rule does not allow makes no request: the engine records only the refused attempt.
  const ask = {
    subject: 'user:maya',
    scope: 'db-prod:orders:write',
    ttl: '30m',
    justification: 'order 1138 is stuck',
  } as const;
  const refused: unknown = await engine
    .requestAccess({ ...ask, ticket: '4711' })
    .catch((error: unknown) => error);
  if (isJitError(refused) && refused.code === 'ERR_JIT_REQUIREMENTS')
    console.log(refused.reason); // cite a ticket like INC-#### (rule production: require.ticket)

  const asked = await engine.requestAccess({ ...ask, ticket: 'INC-4711' });
  if (asked.outcome === 'pending')
    console.log('waits for', asked.reviewers); // waits for [ 'user:ana', 'user:kim' ]
  console.log(
    (await engine.approve(asked.request.id, { by: 'user:ana' })).outcome,
  ); // granted

  const payroll = await engine.requestAccess({
    ...ask,
    scope: 'db-prod:payroll:read',
    ticket: 'INC-4711',
  });
  console.log(payroll.outcome === 'denied' && payroll.reason); // payroll is opened by finance, not from here

  const { outcome, rule, reason } = await policy.explain({
    subject: 'user:eve',
    scope: 'db-prod:orders:read',
    ttl: '5m',
  });
  console.log(outcome, rule, reason); // ineligible undefined no rule covers db-prod:orders:read for user:eve
}

void main();

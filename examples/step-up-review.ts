import { isJitError, JitEngine, MemoryGrantStore } from 'jit-access';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';

/** A reviewer who approves payouts must have signed in with a hardware key, within the last five minutes. */
const clock = new ManualClock();
const engine = new JitEngine({
  store: new MemoryGrantStore(),
  clock,
  approver: definePolicy({
    groups: { finance: ['user:lee'] },
    rules: [
      {
        id: 'payouts',
        scopes: ['payouts:release'],
        maxTtl: '15m',
        review: {
          groups: { finance: 1 },
          assurance: { acr: ['phrh'], maxAge: '5m' },
        },
      },
    ],
  }),
});

/** What your service reads from the token of its identity provider: the claims `acr` and `auth_time`. */
const authOf = (claims: {
  readonly acr: string;
  readonly auth_time: number;
}) => ({
  acr: claims.acr,
  authAt: claims.auth_time * 1_000,
});

async function main() {
  const { request } = await engine.requestAccess({
    subject: 'user:maya',
    scope: 'payouts:release',
    ttl: '15m',
  });
  const signedIn = { acr: 'phrh', auth_time: clock.now() / 1_000 };

  // Lee signed in with his key ten minutes ago. The refusal says what is missing, so that the page can ask him to sign in again.
  await clock.advance('10m');
  const refused = await engine
    .approve(request.id, { by: 'user:lee', auth: authOf(signedIn) })
    .catch((error: unknown) => error);
  if (!isJitError(refused) || refused.code !== 'ERR_JIT_REQUIREMENTS')
    throw new Error('expected a refusal');
  for (const { field, limit, got } of refused.problems)
    console.log(`${field}: at most ${limit} ms old, not ${got}`);

  const again = { acr: 'phrh', auth_time: clock.now() / 1_000 };
  const approved = await engine.approve(request.id, {
    by: 'user:lee',
    auth: authOf(again),
  });
  console.log(approved.outcome);
}

void main();

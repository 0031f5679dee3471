import assert from 'node:assert/strict';
import {
  decodeScope,
  encodeScope,
  isJitError,
  JitEngine,
  MemoryGrantStore,
  patternScopes,
  reviewers,
} from 'jit-access';
import { ManualClock } from 'jit-access/testing';

/** Scopes for names that another system gave: ARNs and file paths. Each becomes a scope, and the scope becomes the name again. */
const engine = new JitEngine({
  store: new MemoryGrantStore(),
  clock: new ManualClock(),
  scopes: patternScopes,
  approver: reviewers({ members: ['user:sam'] }),
});

const scopeOfArn = (arn: string) => encodeScope(...arn.split(':'));
const scopeOfFile = (path: string) =>
  encodeScope('file', ...path.split('/'));

async function main() {
  const arn = 'arn:aws:s3:::reports/q1 final.csv';
  const scope = scopeOfArn(arn);
  assert.equal(decodeScope(scope).join(':'), arn);
  console.log(scope);

  // A name from outside never becomes a wildcard.
  console.log(scopeOfFile('/etc/*'));

  const { request } = await engine.requestAccess({
    subject: 'user:maya',
    scope: scopeOfFile('/etc/app/hosts'),
    ttl: '1h',
  });
  await engine.approve(request.id, { by: 'user:sam' });
  console.log(
    await engine.isAllowed('user:maya', scopeOfFile('/etc/app/hosts')),
  );

  // At night, the caller types the folder. No grant names it, and the report says so.
  const typed = await engine.revokeAll(
    { scope: scopeOfFile('/etc/app') },
    { by: 'user:sam' },
  );
  console.log(typed.matched, typed.similar);
  const meant = await engine.revokeAll(
    { scope: `${scopeOfFile('/etc/app')}:**` },
    { by: 'user:sam' },
  );
  console.log(meant.matched, meant.grants.length);

  // An engine without patterns refuses one, instead of granting a scope that covers nothing.
  const exact = new JitEngine({
    store: new MemoryGrantStore(),
    approver: reviewers({ members: ['user:sam'] }),
  });
  await exact
    .requestAccess({ subject: 'user:maya', scope: 'db-prod:*', ttl: '1h' })
    .catch((error: unknown) => {
      console.log(
        isJitError(error) && error.code === 'ERR_JIT_INVALID_ARGUMENT'
          ? `${error.argument}: ${error.got}`
          : error,
      );
    });
}

void main();

import { JitEngine, MemoryGrantStore, reviewers } from 'jit-access';

const engine = new JitEngine({
  store: new MemoryGrantStore(),
  approver: reviewers({ members: ['user:sam'] }),
});

const { request } = await engine.requestAccess({
  subject: 'user:maya',
  scope: 'db-prod:write',
  ttl: '15m',
  justification: 'order 1138 is stuck',
});
console.log(await engine.isAllowed('user:maya', 'db-prod:write')); // false: user:sam has not approved the request

await engine.approve(request.id, { by: 'user:sam' });
console.log(await engine.isAllowed('user:maya', 'db-prod:write')); // true, for 15 minutes from now

const { reason, validUntil } = await engine.check(
  'user:maya',
  'db-prod:write',
);
console.log(
  `${reason}, until ${new Date(validUntil ?? NaN).toISOString()}`,
);

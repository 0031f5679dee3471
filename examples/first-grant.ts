import { JitEngine, MemoryGrantStore, reviewers } from 'jit-access';

const engine = new JitEngine({
  store: new MemoryGrantStore(),
  approver: reviewers({ members: ['user:sam'] }),
});

const scope = 'db-prod:write';
const { request } = await engine.requestAccess({
  subject: 'user:maya',
  scope,
  ttl: '15m',
  justification: 'order 1138 is stuck',
});
const may = () => engine.isAllowed('user:maya', scope);
console.log(await may()); // user:sam has not approved the request

await engine.approve(request.id, { by: 'user:sam' });
console.log(await may()); // from now on, for 15 minutes

const held = await engine.whoHadAccess({ scope, at: Date.now() });
for (const { subject, expiresAt } of held.items)
  console.log(subject, 'until', new Date(expiresAt).toISOString());

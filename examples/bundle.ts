import { JitEngine, MemoryGrantStore, reviewers } from 'jit-access';
import { ManualClock } from 'jit-access/testing';

const time = (instant: number) =>
  new Date(instant).toISOString().slice(11, 16);

async function main() {
  const clock = new ManualClock(); // midnight
  const engine = new JitEngine({
    store: new MemoryGrantStore(),
    clock,
    approver: reviewers({ members: ['user:sam'] }),
  });

  // A migration needs three scopes. They are one request: approved together or not at all.
  const scopes = ['db-prod:read', 'db-prod:write', 'queue:pause'];
  const asked = await engine.requestAccess({
    subject: 'user:maya',
    scopes,
    ttl: '1h',
    justification: 'INC-7: migration',
  });
  await engine.approve(asked.request.id, { by: 'user:sam' });
  const bundle = { requestId: asked.request.id };

  // One of the scopes is no longer needed.
  await engine.release(`${bundle.requestId}.3`, { by: 'user:maya' });

  // More time for the rest: one request, one review, and one new grant for each scope.
  await clock.advance('50m');
  const more = await engine.extend(bundle, {
    requestedBy: 'user:maya',
    ttl: '30m',
    justification: 'INC-7: the copy is slow',
  });
  console.log(`asked for ${more.request.scopes.join(' and ')}`);
  const approved = await engine.approve(more.request.id, {
    by: 'user:sam',
  });
  if (approved.outcome === 'granted')
    for (const { scope, expiresAt } of approved.grants)
      console.log(`${scope} until ${time(expiresAt)}`);

  // Done early. This also ends the extensions.
  await clock.advance('20m');
  const { grants } = await engine.release(bundle, {
    by: 'user:maya',
    reason: 'migrated',
  });
  console.log(`released: ${grants.map(({ scope }) => scope).join(', ')}`);
  console.log(await engine.isAllowed('user:maya', 'db-prod:write'));
}

void main();

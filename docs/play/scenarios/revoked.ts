import { reviewers, type AccessResult, type Grant } from 'jit-access';
import { MINUTE, SECOND, type Scenario } from '../world/scenario.js';
import source from './revoked.ts?raw';

export const revoked: Scenario = {
  id: 'revoked',
  title: 'Revoked early',
  about: 'One hour was granted. After five minutes it must end, at once and for certain.',
  source,
  begin: { hour: 11, minute: 0 },
  lastsMs: 12 * MINUTE,
  subject: 'user:maya',
  scope: 'db-prod:write',
  reviewers: ['user:noor', 'user:lee'],
  windows: 1,
  sweeper: true,
  options: () => ({
    approver: reviewers({ members: ['user:noor', 'user:lee'] }),
  }),
  steps: ({ engine }) => {
    let asked: AccessResult;
    let held: readonly Grant[];
    return [
      {
        at: 10 * SECOND,
        says: 'Maya asks for an hour, to rebuild an index.',
        run: async () => {
          asked = await engine.requestAccess({
            subject: 'user:maya',
            scope: 'db-prod:write',
            ttl: '1h',
            justification: 'rebuilding an index',
          });
        },
        expects: 'pending',
      },
      {
        at: MINUTE,
        says: 'Noor approves.',
        run: async () => {
          await engine.approve(asked.request.id, { by: 'user:noor' });
        },
        expects: 'granted',
      },
      {
        at: 4 * MINUTE,
        says: 'She works, and every write is let through.',
        run: async () => {
          await engine.assertAllowed('user:maya', 'db-prod:write');
        },
        expects: 'granted',
      },
      {
        at: 6 * MINUTE,
        says: 'Her laptop is gone. Lee from security revokes the access: that needs no approval, and works at once.',
        run: async () => {
          held = (await engine.status('user:maya')).held;
          for (const grant of held) await engine.revoke(grant.id, { by: 'user:lee', reason: 'her laptop is gone' });
        },
        expects: 'revoked',
      },
      {
        at: 7 * MINUTE,
        says: 'The next write from that laptop is stopped.',
        run: async () => {
          await engine.assertAllowed('user:maya', 'db-prod:write');
        },
        expects: 'ERR_JIT_DENIED',
      },
      {
        at: 9 * MINUTE,
        says: 'Lee revokes once more to be sure. That is fine, and is recorded only once.',
        run: async () => {
          for (const grant of held) await engine.revoke(grant.id, { by: 'user:lee' });
        },
        expects: 'revoked',
      },
    ];
  },
};

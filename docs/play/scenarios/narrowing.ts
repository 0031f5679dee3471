import { reviewers, type AccessResult } from 'jit-access';
import { MINUTE, SECOND, type Scenario } from '../world/scenario.js';
import source from './narrowing.ts?raw';

export const narrowing: Scenario = {
  id: 'narrowing',
  title: 'A narrowed approval',
  about: 'A request asks for too much, for too long. A reviewer approves a part of it, and only that is granted.',
  source,
  begin: { hour: 9, minute: 0 },
  lastsMs: 36 * MINUTE,
  subject: 'user:maya',
  scope: 'db-prod:drop',
  reviewers: ['user:sam', 'user:ana'],
  windows: 2,
  sweeper: true,
  options: () => ({
    approver: reviewers({ members: ['user:sam', 'user:ana'] }),
  }),
  steps: ({ engine, begin }) => {
    let asked: AccessResult;
    return [
      {
        at: 10 * SECOND,
        says: 'Maya has old orders to archive. She asks to write and to drop tables, for eight hours.',
        run: async () => {
          asked = await engine.requestAccess({
            subject: 'user:maya',
            scopes: ['db-prod:write', 'db-prod:drop'],
            ttl: '8h',
            justification: 'old orders',
          });
        },
        expects: 'pending',
      },
      {
        at: MINUTE,
        says: 'Ana would approve a whole day. The engine refuses: an approval never gives more than the request asks for.',
        run: async () => {
          await engine.approve(asked.request.id, { by: 'user:ana', ttl: '24h' });
        },
        expects: 'ERR_JIT_REQUIREMENTS',
      },
      {
        at: 2 * MINUTE,
        says: 'Sam narrows the request. He approves only the writing, for half an hour.',
        run: async () => {
          await engine.approve(asked.request.id, {
            by: 'user:sam',
            scopes: ['db-prod:write'],
            ttl: '30m',
            reason: 'no drop without a backup',
          });
        },
        expects: 'granted',
      },
      {
        at: 4 * MINUTE,
        says: 'Maya archives the orders.',
        run: async () => {
          await engine.assertAllowed('user:maya', 'db-prod:write');
        },
        expects: 'granted',
      },
      {
        at: 6 * MINUTE,
        says: 'She may not drop a table: Sam did not approve that scope.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:drop');
        },
        expects: 'no_grant',
      },
      {
        at: 32 * MINUTE,
        says: 'After half an hour the writing ends too: Sam approved 30 minutes, and not eight hours.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:write');
        },
        expects: 'no_grant',
      },
      {
        at: 34 * MINUTE,
        says: 'Later an auditor asks who could drop tables at 09:06. No subject could.',
        run: async () => {
          await engine.whoHadAccess({ scope: 'db-prod:drop', at: begin + 6 * MINUTE });
        },
        expects: 'no subject',
      },
    ];
  },
};

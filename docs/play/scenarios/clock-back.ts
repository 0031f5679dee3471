import { reviewers, type AccessResult } from 'jit-access';
import { MINUTE, SECOND, type Scenario } from '../world/scenario.js';
import source from './clock-back.ts?raw';

export const clockBack: Scenario = {
  id: 'clock-back',
  title: 'The clock goes back',
  about: 'A server’s clock jumps ten minutes into the past. Access that has ended stays ended.',
  source,
  begin: { hour: 8, minute: 0 },
  lastsMs: 32 * MINUTE,
  subject: 'user:maya',
  scope: 'db-prod:write',
  reviewers: ['user:noor', 'user:sam'],
  windows: 2,
  sweeper: true,
  options: () => ({
    approver: reviewers({ members: ['user:noor', 'user:sam'] }),
  }),
  steps: ({ engine, clock }) => {
    let asked: AccessResult;
    return [
      {
        at: 10 * SECOND,
        says: 'Maya asks for 15 minutes.',
        run: async () => {
          asked = await engine.requestAccess({
            subject: 'user:maya',
            scope: 'db-prod:write',
            ttl: '15m',
            justification: 'order 1138 is stuck',
          });
        },
        expects: 'pending',
      },
      {
        at: MINUTE,
        says: 'Noor approves: 08:01 to 08:16.',
        run: async () => {
          await engine.approve(asked.request.id, { by: 'user:noor' });
        },
        expects: 'granted',
      },
      {
        at: 10 * MINUTE,
        says: 'She may write.',
        run: async () => {
          await engine.assertAllowed('user:maya', 'db-prod:write');
        },
        expects: 'granted',
      },
      {
        at: 16 * MINUTE,
        says: 'At 08:16 her access ends.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:write');
        },
        expects: 'no_grant',
      },
      {
        at: 18 * MINUTE,
        says: 'The clock jumps back into the window. The engine remembers the latest time it has seen, so the answer is still no.',
        run: async () => {
          await clock.set(clock.now() - 10 * MINUTE);
          await engine.check('user:maya', 'db-prod:write');
        },
        expects: 'no_grant',
      },
      {
        at: 20 * MINUTE,
        says: 'While the clock is behind, the engine creates no access: it cannot know when a window would start.',
        run: async () => {
          await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m' });
        },
        expects: 'ERR_JIT_CLOCK',
      },
      {
        at: 29 * MINUTE,
        says: 'The clock has caught up with the latest time that the engine has seen. Maya can ask again.',
        run: async () => {
          await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m' });
        },
        expects: 'pending',
      },
    ];
  },
};

import { reviewers, type AccessResult, type Grant } from 'jit-access';
import { MINUTE, SECOND, type Scenario } from '../world/scenario.js';
import source from './overrun.ts?raw';

export const overrun: Scenario = {
  id: 'overrun',
  title: 'Work that takes longer',
  about: 'The window is 15 minutes, and the work takes 20. More time needs a new request.',
  source,
  begin: { hour: 16, minute: 0 },
  lastsMs: 24 * MINUTE,
  subject: 'user:maya',
  scope: 'db-prod:write',
  reviewers: ['user:noor', 'user:sam'],
  windows: 2,
  sweeper: true,
  options: () => ({
    approver: reviewers({ members: ['user:noor', 'user:sam'] }),
  }),
  steps: ({ engine }) => {
    let first: AccessResult;
    let second: AccessResult;
    let held: readonly Grant[];
    return [
      {
        at: 10 * SECOND,
        says: 'Maya has a backfill to run, and asks for 15 minutes.',
        run: async () => {
          first = await engine.requestAccess({
            subject: 'user:maya',
            scope: 'db-prod:write',
            ttl: '15m',
            justification: 'backfill of the orders',
          });
        },
        expects: 'pending',
      },
      {
        at: MINUTE,
        says: 'Noor approves, and the window opens.',
        run: async () => {
          await engine.approve(first.request.id, { by: 'user:noor' });
        },
        expects: 'granted',
      },
      {
        at: 6 * MINUTE,
        says: 'Minute 5: each batch asks the engine first, and runs.',
        run: async () => {
          await engine.assertAllowed('user:maya', 'db-prod:write');
        },
        expects: 'granted',
      },
      {
        at: 11 * MINUTE,
        says: 'Minute 10: the next batch runs, but a quarter of the work is left.',
        run: async () => {
          await engine.assertAllowed('user:maya', 'db-prod:write');
        },
        expects: 'granted',
      },
      {
        at: 16 * MINUTE,
        says: 'Minute 15: the check says no, and the work stops between two batches, where stopping does no harm.',
        run: async () => {
          await engine.assertAllowed('user:maya', 'db-prod:write');
        },
        expects: 'ERR_JIT_DENIED',
      },
      {
        at: 17 * MINUTE,
        says: 'More time needs a new request: a grant never gets longer.',
        run: async () => {
          second = await engine.requestAccess({
            subject: 'user:maya',
            scope: 'db-prod:write',
            ttl: '15m',
            justification: 'the last quarter of the backfill',
          });
        },
        expects: 'pending',
      },
      {
        at: 19 * MINUTE,
        says: 'Sam approves it this time, and it opens a window of its own.',
        run: async () => {
          await engine.approve(second.request.id, { by: 'user:sam' });
        },
        expects: 'granted',
      },
      {
        at: 20 * MINUTE,
        says: 'The work continues, and is done.',
        run: async () => {
          await engine.assertAllowed('user:maya', 'db-prod:write');
        },
        expects: 'granted',
      },
      {
        at: 22 * MINUTE,
        says: 'Maya releases the access that she no longer needs, and the window closes early.',
        run: async () => {
          held = (await engine.status('user:maya')).held;
          for (const grant of held) await engine.release(grant.id, { by: 'user:maya' });
        },
        expects: 'released',
      },
    ];
  },
};

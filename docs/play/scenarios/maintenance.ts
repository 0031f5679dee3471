import { reviewers, type AccessResult } from 'jit-access';
import { MINUTE, SECOND, type Scenario } from '../world/scenario.js';
import source from './maintenance.ts?raw';

export const maintenance: Scenario = {
  id: 'maintenance',
  title: 'A maintenance window',
  about: 'Requested and approved ahead of time, for 22:00 to 22:30. Before and after, it allows nothing.',
  source,
  begin: { hour: 21, minute: 30 },
  lastsMs: 66 * MINUTE,
  subject: 'user:maya',
  scope: 'db-prod:maintain',
  reviewers: ['user:noor', 'user:sam'],
  windows: 1,
  sweeper: true,
  options: () => ({
    approver: reviewers({ members: ['user:noor', 'user:sam'] }),
  }),
  steps: ({ engine, begin }) => {
    let asked: AccessResult;
    return [
      {
        at: 10 * SECOND,
        says: 'At half past nine Maya asks for the half hour that begins at ten.',
        run: async () => {
          asked = await engine.requestAccess({
            subject: 'user:maya',
            scope: 'db-prod:maintain',
            startsAt: begin + 30 * MINUTE,
            ttl: '30m',
            justification: 'upgrade of the database',
          });
        },
        expects: 'pending',
      },
      {
        at: 5 * MINUTE,
        says: 'Sam approves while he is still at his desk.',
        run: async () => {
          await engine.approve(asked.request.id, { by: 'user:sam' });
        },
        expects: 'granted',
      },
      {
        at: 15 * MINUTE,
        says: 'Maya tries too early, and the answer is: not yet.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:maintain');
        },
        expects: 'not_started',
      },
      {
        at: 30 * MINUTE,
        says: 'At 22:00 the same check says yes. No person had to do anything.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:maintain');
        },
        expects: 'granted',
      },
      {
        at: 45 * MINUTE,
        says: 'She upgrades the database.',
        run: async () => {
          await engine.assertAllowed('user:maya', 'db-prod:maintain');
        },
        expects: 'granted',
      },
      {
        at: 60 * MINUTE,
        says: 'At 22:30 the window closes by itself, even if everyone is asleep.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:maintain');
        },
        expects: 'no_grant',
      },
    ];
  },
};

import { reviewers, type AccessResult } from 'jit-access';
import { MINUTE, SECOND, type Scenario } from '../world/scenario.js';
import source from './sleeping-sweeper.ts?raw';

export const sleepingSweeper: Scenario = {
  id: 'sleeping-sweeper',
  title: 'The sweeper is asleep',
  about: 'The sweeper, which records expiries, is down. Access still ends, because the check decides.',
  source,
  begin: { hour: 10, minute: 0 },
  lastsMs: 24 * MINUTE,
  subject: 'user:maya',
  scope: 'db-prod:write',
  reviewers: ['user:noor', 'user:sam'],
  windows: 1,
  sweeper: false,
  options: () => ({
    approver: reviewers({ members: ['user:noor', 'user:sam'] }),
  }),
  steps: ({ engine, begin }) => {
    let asked: AccessResult;
    return [
      {
        at: 10 * SECOND,
        says: 'The sweeper process is down today. Maya asks for ten minutes.',
        run: async () => {
          asked = await engine.requestAccess({
            subject: 'user:maya',
            scope: 'db-prod:write',
            ttl: '10m',
            justification: 'order 1138 is stuck',
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
        at: 5 * MINUTE,
        says: 'She may write.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:write');
        },
        expects: 'granted',
      },
      {
        at: 11 * MINUTE,
        says: 'After ten minutes no sweep has recorded the end, and still the check says no.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:write');
        },
        expects: 'no_grant',
      },
      {
        at: 20 * MINUTE,
        says: 'Nine minutes late, the sweeper wakes up and records the true end: 10:11.',
        run: async () => {
          await engine.sweep();
        },
        expects: 'swept',
      },
      {
        at: 22 * MINUTE,
        says: 'So the answer for 10:15 is right, too: no subject could write then.',
        run: async () => {
          await engine.whoHadAccess({ scope: 'db-prod:write', at: begin + 15 * MINUTE });
        },
        expects: 'no subject',
      },
    ];
  },
};

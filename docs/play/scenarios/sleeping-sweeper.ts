import { reviewers, type AccessResult } from 'jit-access';
import { MINUTE, SECOND, type Scenario } from '../world/scenario.js';
import source from './sleeping-sweeper.ts?raw';

export const sleepingSweeper: Scenario = {
  id: 'sleeping-sweeper',
  title: 'The sweeper is asleep',
  about: 'What records the ends has stopped; access ends all the same, because the check decides.',
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
        says: 'Maya asks for ten minutes, on a day on which the process that sweeps is down.',
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
        says: 'After ten minutes nobody has written down that it ended, and still the check says no.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:write');
        },
        expects: 'no_grant',
      },
      {
        at: 20 * MINUTE,
        says: 'Nine minutes late the sweeper wakes and records the end, as it was: at 10:11.',
        run: async () => {
          await engine.sweep();
        },
        expects: 'swept',
      },
      {
        at: 22 * MINUTE,
        says: 'So the answer about 10:15 is right too: nobody could write then.',
        run: async () => {
          await engine.whoHadAccess({ scope: 'db-prod:write', at: begin + 15 * MINUTE });
        },
        expects: 'nobody',
      },
    ];
  },
};

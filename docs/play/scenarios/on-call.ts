import { reviewers, type AccessResult } from 'jit-access';
import { MINUTE, SECOND, type Scenario } from '../world/scenario.js';
import source from './on-call.ts?raw';

export const onCall: Scenario = {
  id: 'on-call',
  title: 'On call at night',
  about: 'The whole life of one access: requested, approved, used, ended by itself, and audited later.',
  source,
  begin: { hour: 2, minute: 10 },
  lastsMs: 22 * MINUTE,
  subject: 'user:maya',
  scope: 'db-prod:write',
  reviewers: ['user:noor', 'user:sam'],
  windows: 1,
  sweeper: true,
  options: () => ({
    approver: reviewers({ members: ['user:maya', 'user:noor', 'user:sam'] }),
    standing: { 'user:maya': ['*:read'] },
  }),
  steps: ({ engine, begin }) => {
    let asked: AccessResult;
    return [
      {
        at: 10 * SECOND,
        says: 'Orders are stuck, and Maya is on call. She may read the database, but writing to it needs approval.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:read');
          await engine.check('user:maya', 'db-prod:write');
        },
        expects: 'no_grant',
      },
      {
        at: MINUTE,
        says: 'She asks for one thing, for 15 minutes, and says why.',
        run: async () => {
          asked = await engine.requestAccess({
            subject: 'user:maya',
            scope: 'db-prod:write',
            ttl: '15m',
            justification: '1,138 orders are stuck',
            ticket: 'INC-4711',
          });
        },
        expects: 'pending',
      },
      {
        at: 2 * MINUTE,
        says: 'She cannot approve it herself. The engine refuses, and logs the attempt.',
        run: async () => {
          await engine.approve(asked.request.id, { by: 'user:maya' });
        },
        expects: 'ERR_JIT_SELF_REVIEW',
      },
      {
        at: 3 * MINUTE,
        says: 'Noor reads the reason and approves with one tap. The 15 minutes begin at that moment.',
        run: async () => {
          await engine.approve(asked.request.id, { by: 'user:noor', reason: 'seen the dashboards' });
        },
        expects: 'granted',
      },
      {
        at: 5 * MINUTE,
        says: 'Maya frees the stuck orders. Before each write the database asks the engine, and the engine says yes.',
        run: async () => {
          await engine.assertAllowed('user:maya', 'db-prod:write');
        },
        expects: 'granted',
      },
      {
        at: 17 * MINUTE,
        says: 'In the last minutes the badge counts down, so the end is no surprise.',
        run: async () => {
          await engine.assertAllowed('user:maya', 'db-prod:write');
        },
        expects: 'granted',
      },
      {
        at: 18 * MINUTE,
        says: 'The 15 minutes have passed, and the same check says no. No person had to revoke it, so no person could forget to.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:write');
        },
        expects: 'no_grant',
      },
      {
        at: 21 * MINUTE,
        says: 'Later an auditor asks who could write at 02:15. The journal shows who asked, and who approved.',
        run: async () => {
          await engine.whoHadAccess({ scope: 'db-prod:write', at: begin + 5 * MINUTE });
        },
        expects: 'user:maya',
      },
    ];
  },
};

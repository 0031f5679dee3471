import type { AccessResult } from 'jit-access';
import { definePolicy } from 'jit-access/policy';
import { MINUTE, SECOND, type Scenario } from '../world/scenario.js';
import source from './steps.ts?raw';

export const steps: Scenario = {
  id: 'steps',
  title: 'Review in two steps',
  about: 'To drop a table, the database team must approve first. Only then can security approve.',
  source,
  begin: { hour: 15, minute: 0 },
  lastsMs: 12 * MINUTE,
  subject: 'user:zoe',
  scope: 'db-prod:drop',
  reviewers: ['user:ana', 'user:kim', 'user:lee'],
  windows: 1,
  sweeper: true,
  options: () => ({
    approver: definePolicy({
      groups: { dba: ['user:ana', 'user:kim'], security: ['user:lee'] },
      rules: [
        {
          id: 'drop',
          scopes: ['db-prod:drop'],
          maxTtl: '1h',
          review: { steps: [{ groups: { dba: 1 } }, { groups: { security: 1 } }] },
        },
      ],
    }),
  }),
  steps: ({ engine }) => {
    let asked: AccessResult;
    return [
      {
        at: 10 * SECOND,
        says: 'Zoe asks to drop a table that no program uses any more. The database team sees the request, and security does not yet.',
        run: async () => {
          asked = await engine.requestAccess({
            subject: 'user:zoe',
            scope: 'db-prod:drop',
            ttl: '30m',
            justification: 'the table is unused',
          });
        },
        expects: 'pending',
      },
      {
        at: 2 * MINUTE,
        says: 'Zoe calls Lee from security, and he approves at once. The engine refuses: his step has not begun.',
        run: async () => {
          await engine.approve(asked.request.id, { by: 'user:lee' });
        },
        expects: 'ERR_JIT_NOT_REVIEWER',
      },
      {
        at: 4 * MINUTE,
        says: 'Ana approves for the database team. The first step is complete, and the request appears in Lee’s inbox.',
        run: async () => {
          await engine.approve(asked.request.id, { by: 'user:ana', reason: 'there is a backup' });
        },
        expects: 'pending',
      },
      {
        at: 5 * MINUTE,
        says: 'One step is not enough. The answer is still no.',
        run: async () => {
          await engine.check('user:zoe', 'db-prod:drop');
        },
        expects: 'no_grant',
      },
      {
        at: 7 * MINUTE,
        says: 'Lee approves again. Now it is his step, so his approval counts, and the window opens.',
        run: async () => {
          await engine.approve(asked.request.id, { by: 'user:lee', reason: 'no personal data' });
        },
        expects: 'granted',
      },
      {
        at: 9 * MINUTE,
        says: 'Zoe drops the table.',
        run: async () => {
          await engine.assertAllowed('user:zoe', 'db-prod:drop');
        },
        expects: 'granted',
      },
    ];
  },
};

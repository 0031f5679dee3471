import type { AccessResult } from 'jit-access';
import { definePolicy } from 'jit-access/policy';
import { MINUTE, SECOND, type Scenario } from '../world/scenario.js';
import source from './two-groups.ts?raw';

export const twoGroups: Scenario = {
  id: 'two-groups',
  title: 'Two groups must agree',
  about: 'A schema change needs one yes from the database team and one from security.',
  source,
  begin: { hour: 13, minute: 0 },
  lastsMs: 12 * MINUTE,
  subject: 'user:zoe',
  scope: 'db-prod:schema:write',
  reviewers: ['user:ana', 'user:kim', 'user:lee'],
  windows: 1,
  sweeper: true,
  options: () => ({
    approver: definePolicy({
      groups: { dba: ['user:ana', 'user:kim', 'user:zoe'], security: ['user:lee'] },
      rules: [
        {
          id: 'schema',
          scopes: ['db-prod:schema:write'],
          maxTtl: '1h',
          review: { groups: { dba: 1, security: 1 } },
        },
      ],
    }),
  }),
  steps: ({ engine }) => {
    let asked: AccessResult;
    return [
      {
        at: 10 * SECOND,
        says: 'Zoe asks to change the schema of the production database, for half an hour.',
        run: async () => {
          asked = await engine.requestAccess({
            subject: 'user:zoe',
            scope: 'db-prod:schema:write',
            ttl: '30m',
            justification: 'a column for the tax number',
          });
        },
        expects: 'pending',
      },
      {
        at: 2 * MINUTE,
        says: 'Zoe is in the database team herself, but she cannot approve her own request.',
        run: async () => {
          await engine.approve(asked.request.id, { by: 'user:zoe' });
        },
        expects: 'ERR_JIT_SELF_REVIEW',
      },
      {
        at: 4 * MINUTE,
        says: 'Ana approves for the database team. One group is not enough.',
        run: async () => {
          await engine.approve(asked.request.id, { by: 'user:ana', reason: 'tried it on a copy' });
        },
        expects: 'pending',
      },
      {
        at: 5 * MINUTE,
        says: 'Until security has agreed too, the answer is no.',
        run: async () => {
          await engine.check('user:zoe', 'db-prod:schema:write');
        },
        expects: 'no_grant',
      },
      {
        at: 7 * MINUTE,
        says: 'Lee approves for security: both groups agree, and the window opens at the same moment.',
        run: async () => {
          await engine.approve(asked.request.id, { by: 'user:lee', reason: 'no personal data moves' });
        },
        expects: 'granted',
      },
      {
        at: 9 * MINUTE,
        says: 'Zoe changes the schema.',
        run: async () => {
          await engine.assertAllowed('user:zoe', 'db-prod:schema:write');
        },
        expects: 'granted',
      },
    ];
  },
};

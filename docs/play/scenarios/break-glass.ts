import type { AccessResult } from 'jit-access';
import { definePolicy } from 'jit-access/policy';
import { MINUTE, SECOND, type Scenario } from '../world/scenario.js';
import source from './break-glass.ts?raw';

export const breakGlass: Scenario = {
  id: 'break-glass',
  title: 'Break-glass',
  about: 'No reviewer answers the phone. Maya takes short access at once, and it must be reviewed afterwards.',
  source,
  begin: { hour: 3, minute: 12 },
  lastsMs: 40 * MINUTE,
  subject: 'user:maya',
  scope: 'db-prod:write',
  reviewers: ['user:ana', 'user:lee'],
  windows: 1,
  sweeper: true,
  options: () => ({
    approver: definePolicy({
      groups: { 'on-call': ['user:maya'], platform: ['user:ana'], security: ['user:lee'] },
      rules: [{ id: 'prod', scopes: ['db-prod:*'], review: { groups: { platform: 1 } } }],
      breakGlass: [
        {
          id: 'emergency',
          scopes: ['db-prod:*'],
          subjects: [{ group: 'on-call' }],
          maxTtl: '30m',
          reviewers: ['security'],
          reviewWithin: '24h',
        },
      ],
    }),
  }),
  steps: ({ engine }) => {
    let taken: AccessResult;
    return [
      {
        at: 10 * SECOND,
        says: 'At night, orders are being lost. Maya may not write, and no reviewer answers.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:write');
        },
        expects: 'no_grant',
      },
      {
        at: 2 * MINUTE,
        says: 'She breaks the glass: half an hour at once. Her reason goes into the journal.',
        run: async () => {
          taken = await engine.breakGlass({
            subject: 'user:maya',
            scope: 'db-prod:write',
            ttl: '30m',
            justification: 'orders are lost, no one answers',
          });
        },
        expects: 'granted',
      },
      {
        at: 4 * MINUTE,
        says: 'She stops the loss.',
        run: async () => {
          await engine.assertAllowed('user:maya', 'db-prod:write');
        },
        expects: 'granted',
      },
      {
        at: 8 * MINUTE,
        says: 'She tries break-glass again, and the engine refuses: her first use is not reviewed yet.',
        run: async () => {
          await engine.breakGlass({
            subject: 'user:maya',
            scope: 'db-prod:admin',
            ttl: '30m',
            justification: 'while I am at it',
          });
        },
        expects: 'ERR_JIT_LIMIT',
      },
      {
        at: 32 * MINUTE,
        says: 'The half hour ends by itself, like any other window. The review is still pending.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:write');
        },
        expects: 'no_grant',
      },
      {
        at: 34 * MINUTE,
        says: 'Maya cannot review her own break-glass access.',
        run: async () => {
          await engine.reviewBreakGlass(taken.request.id, { by: 'user:maya', verdict: 'justified' });
        },
        expects: 'ERR_JIT_SELF_REVIEW',
      },
      {
        at: 37 * MINUTE,
        says: 'Lee from security checks what happened, and finds it justified.',
        run: async () => {
          await engine.reviewBreakGlass(taken.request.id, {
            by: 'user:lee',
            verdict: 'justified',
            reason: 'orders were being lost',
          });
        },
        expects: 'justified',
      },
    ];
  },
};

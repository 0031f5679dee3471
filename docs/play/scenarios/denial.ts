import { reviewers, type AccessResult } from 'jit-access';
import { MINUTE, SECOND, type Scenario } from '../world/scenario.js';
import source from './denial.ts?raw';

export const denial: Scenario = {
  id: 'denial',
  title: 'A denial',
  about: 'A reviewer says no, and why. The next request is smaller, and only that is granted.',
  source,
  begin: { hour: 14, minute: 0 },
  lastsMs: 12 * MINUTE,
  subject: 'agent:7',
  scope: 'billing:invoices:42:refund',
  reviewers: ['user:sam', 'user:ana'],
  windows: 2,
  sweeper: true,
  options: () => ({
    approver: reviewers({ members: ['user:sam', 'user:ana'] }),
  }),
  steps: ({ engine }) => {
    let wide: AccessResult;
    let narrow: AccessResult;
    return [
      {
        at: 10 * SECOND,
        says: 'A software agent asks to refund anything in billing, for an hour, with hardly a reason.',
        run: async () => {
          wide = await engine.requestAccess({
            subject: 'agent:7',
            scope: 'billing:refund',
            ttl: '1h',
            justification: 'cleaning up',
          });
        },
        expects: 'pending',
      },
      {
        at: 2 * MINUTE,
        says: 'Sam says no, and says what to ask for instead.',
        run: async () => {
          await engine.deny(wide.request.id, { by: 'user:sam', reason: 'name the invoice' });
        },
        expects: 'denied',
      },
      {
        at: 3 * MINUTE,
        says: 'The agent tries anyway, and the engine stops it before anything happens.',
        run: async () => {
          await engine.assertAllowed('agent:7', 'billing:refund');
        },
        expects: 'ERR_JIT_DENIED',
      },
      {
        at: 4 * MINUTE,
        says: 'Ana would approve, but a request is decided only once, and Sam has denied it.',
        run: async () => {
          await engine.approve(wide.request.id, { by: 'user:ana' });
        },
        expects: 'ERR_JIT_DECIDED',
      },
      {
        at: 6 * MINUTE,
        says: 'The agent asks again: for one invoice, for ten minutes.',
        run: async () => {
          narrow = await engine.requestAccess({
            subject: 'agent:7',
            scope: 'billing:invoices:42:refund',
            ttl: '10m',
            justification: 'invoice 42 was paid twice',
          });
        },
        expects: 'pending',
      },
      {
        at: 8 * MINUTE,
        says: 'Sam can judge that at a glance, and approves.',
        run: async () => {
          await engine.approve(narrow.request.id, { by: 'user:sam' });
        },
        expects: 'granted',
      },
      {
        at: 10 * MINUTE,
        says: 'The agent may now refund this one invoice, and nothing else in billing.',
        run: async () => {
          await engine.check('agent:7', 'billing:invoices:42:refund');
          await engine.check('agent:7', 'billing:refund');
        },
        expects: 'no_grant',
      },
    ];
  },
};

import { reviewers, type AccessResult } from 'jit-access';
import { approvalLinks } from 'jit-access/links';
import { MINUTE, SECOND, type Scenario } from '../world/scenario.js';
import source from './link-twice.ts?raw';

export const linkTwice: Scenario = {
  id: 'link-twice',
  title: 'A link, used twice',
  about: 'Approval by a link in an email. Opening it decides nothing, and it works once, for one person.',
  source,
  begin: { hour: 9, minute: 0 },
  lastsMs: 10 * MINUTE,
  subject: 'user:maya',
  scope: 'db-prod:write',
  reviewers: ['user:sam', 'user:ana'],
  windows: 1,
  sweeper: true,
  options: () => ({
    approver: reviewers({ members: ['user:sam', 'user:ana'] }),
  }),
  steps: ({ engine, noted }) => {
    const links = noted(approvalLinks(engine, { keys: [{ id: 'play', secret: 'a page that plays keeps no secrets' }] }));
    let asked: AccessResult;
    let link: string;
    return [
      {
        at: 10 * SECOND,
        says: 'Maya asks for half an hour.',
        run: async () => {
          asked = await engine.requestAccess({
            subject: 'user:maya',
            scope: 'db-prod:write',
            ttl: '30m',
            justification: 'order 1138 is stuck',
          });
        },
        expects: 'pending',
      },
      {
        at: MINUTE,
        says: 'Sam is on a train. The service mails him a signed link to approve this request, which only he can use.',
        run: async () => {
          link = await links.create(asked.request.id, { reviewer: 'user:sam', decision: 'approve' });
        },
        expects: 'link',
      },
      {
        at: 2 * MINUTE,
        says: 'A mail scanner opens the link, as scanners do. Nothing is decided.',
        run: async () => {
          await links.open(link);
        },
        expects: 'opened',
      },
      {
        at: 3 * MINUTE,
        says: 'The mail was forwarded to Ana. She taps the link, and the engine refuses: it was made for Sam.',
        run: async () => {
          await links.redeem(link, { by: 'user:ana' });
        },
        expects: 'ERR_JIT_LINK',
      },
      {
        at: 5 * MINUTE,
        says: 'Sam taps the link, and Maya has access.',
        run: async () => {
          await links.redeem(link, { by: 'user:sam' });
        },
        expects: 'granted',
      },
      {
        at: 6 * MINUTE,
        says: 'The page was slow, so he taps again. The request is already decided, and nothing happens twice.',
        run: async () => {
          await links.redeem(link, { by: 'user:sam' });
        },
        expects: 'ERR_JIT_DECIDED',
      },
      {
        at: 8 * MINUTE,
        says: 'There is still one window, and its length is unchanged.',
        run: async () => {
          await engine.check('user:maya', 'db-prod:write');
        },
        expects: 'granted',
      },
    ];
  },
};

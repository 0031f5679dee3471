import { approvalLinks, type ApprovalLinks } from '../../links/links.js';
import type { ReviewBy } from '../../../engine/by.js';
import { limitedBy } from '../../../kernel/call-limit.js';
import { authOf } from '../identity.js';
import { operation, type Call } from '../operation.js';
import * as answers from '../schemas/answers.js';
import * as bodies from '../schemas/bodies.js';

/* Approval links: a reviewer opens one from a mail, sees the request, and decides by a second call. Served if keys are given. */

const area = 'approval links';

const linksOf = ({ engine, options }: Call): ApprovalLinks => approvalLinks(engine, { keys: options.linkKeys ?? [] });

export const openLink = operation({
  id: 'openApprovalLink',
  method: 'POST',
  path: '/links/open',
  area,
  summary: 'Shows what a link of the caller would decide. Decides nothing.',
  access: 'caller',
  body: bodies.link,
  answer: answers.linkPreview,
  example: { body: { token: '{token}' } },
  async run(call) {
    return { body: await linksOf(call).open(call.body.token, { by: call.self }) };
  },
});

export const redeemLink = operation({
  id: 'redeemApprovalLink',
  method: 'POST',
  path: '/links/redeem',
  area,
  summary: 'Gives the review of a link of the caller.',
  access: 'caller',
  body: bodies.redemption,
  answer: answers.result,
  example: { body: { token: '{token}', reason: 'from the mail' } },
  async run(call) {
    const { token, ...texts } = call.body;
    const review = { ...(texts as Omit<ReviewBy, 'by'>), by: call.self, auth: authOf(call) };
    return { body: await linksOf(call).redeem(token, limitedBy(call.limit, review)) };
  },
});

import { RISKS } from '../../core/requestable.js';
import { scopeLists } from '../../core/scope.js';
import type { InboxItem } from '../../engine/answers.js';
import { askTogether } from '../../kernel/approver/approver-questions.js';
import { readRequestable } from '../explain/requestable-answer.js';
import type { InboxPage } from './holdings.js';
import type { Call } from './operation.js';

/** The most askers of a page. */
const MAX_ASKERS = 100;

/** How risky the requests of an inbox are. A request about which the approver fails is missing: a reviewer must still see it. */
export async function risksOf({ kernel, options }: Call, items: readonly InboxItem[]): Promise<NonNullable<InboxPage['risks']>> {
  const { covers } = scopeLists(kernel.settings.scopes);
  const byAsker = new Map<string, InboxItem['request'][]>();
  for (const { request } of items) {
    const asker = JSON.stringify([request.subject, request.requestedBy, request.operator]);
    byAsker.set(asker, [...(byAsker.get(asker) ?? []), request]);
  }
  const risks = await askTogether([...byAsker.values()].slice(0, MAX_ASKERS), async (requests) => {
    const [{ subject, requestedBy, operator }] = requests as [InboxItem['request']];
    try {
      const { items: listed } = await kernel.approver.requestable(subject, { requestedBy, operator }, readRequestable);
      const asked = listed.filter(({ outcome }) => outcome !== 'break_glass');
      return requests.map(({ id: requestId, scopes }) => {
        const found = scopes.map((scope) => asked.find((item) => covers(item.scope, scope))?.risk);
        return { requestId, risk: RISKS.findLast((risk) => found.includes(risk)) };
      });
    } catch (error) {
      options.onError(error, 'inbox');
      return [];
    }
  });
  return risks.flat();
}

import * as z from 'zod/mini';
import type { JitEngine } from '../../../engine/engine.js';
import { isBuiltIn } from '../../../kernel/settings/enforcement.js';
import { canAsk } from '../../explain/can-ask.js';
import { requestable } from '../../explain/requestable.js';
import { PAGE_ACTIONS, type HttpAction } from '../actions.js';
import { badgeOf } from '../badge.js';
import { isPermitted } from '../identity.js';
import { operation, type Call } from '../operation.js';
import { tagOf } from '../respond.js';
import * as answers from '../schemas/answers.js';
import { scope } from '../schemas/values.js';

/* What the caller holds, and what the caller may ask for. */

const area = 'the caller';

export const me = operation({
  id: 'status',
  method: 'GET',
  path: '/me',
  area,
  summary: 'What the caller holds now, with the text of a badge.',
  access: 'caller',
  answer: answers.me,
  async run({ engine, self }) {
    const status = await engine.status(self);
    const { subject, at, ...held } = status;
    // A client polls this: the same access at a later reading is the same version. `at` is for the clock of a badge.
    const tagged = JSON.stringify({ subject, ...held, badge: badgeOf(status) });
    const subjectEnd = JSON.stringify({ subject }).length - 1;
    const text = `${tagged.slice(0, subjectEnd)},"at":${at}${tagged.slice(subjectEnd)}`;
    return { written: { text, etag: tagOf(tagged) } };
  },
});

export const requestables = operation({
  id: 'requestable',
  method: 'GET',
  path: '/me/requestable',
  area,
  summary: 'What the caller may ask for, for a form.',
  access: 'caller',
  answer: answers.requestables,
  async run({ engine, self }) {
    const list = await requestable(engine, self);
    const { at: _, ...listed } = list;
    return { body: list, tagged: listed };
  },
});

export const canAskFor = operation({
  id: 'canAsk',
  method: 'GET',
  path: '/me/can-ask',
  area,
  summary: 'Whether the caller can ask for a scope, for a button.',
  access: 'caller',
  query: () => z.strictObject({ scope: scope() }),
  answer: answers.canAsk,
  example: { query: { scope: 'db-prod:write' } },
  async run({ engine, self, query }) {
    const can = await canAsk(engine, self, query.scope);
    const { at: _, ...said } = can;
    return { body: can, tagged: said };
  },
});

/** The lists that take a `pattern`. */
const LISTS = ['listGrants', 'whoHadAccess', 'history'] as const;

export const views = operation({
  id: 'views',
  method: 'GET',
  path: '/me/views',
  area,
  summary:
    'The actions of a page that `may` permits for no target: its views, asks for others, and its emergency calls; and whether its lists take a `pattern`. They are no rights: each call asks `may` about its own target. `breakGlass` says whether a rule gives the caller any access in an emergency; it is missing if the approver could not say so.',
  access: 'caller',
  answer: answers.views,
  async run({ engine, self, caller, options, limit, kernel }) {
    const failures: unknown[] = [];
    let isReported = false;
    const onError: typeof options.onError = (error, during) => {
      if (!isReported) options.onError(error, during);
      isReported = true;
    };
    const isShown = async (action: HttpAction): Promise<boolean> => {
      try {
        return await isPermitted({ ...options, onError }, { caller, action, target: {} }, limit);
      } catch (error) {
        failures.push(error);
        return false;
      }
    };
    const [breakGlass, ...permitted] = await Promise.all([hasBreakGlass(engine, self, options.onError), ...PAGE_ACTIONS.map(isShown)]);
    // A `may` that reads the target of each call hides only the actions about which it throws. One that is down shows no empty menu.
    if (failures.length === PAGE_ACTIONS.length) throw failures[0];
    const actions = PAGE_ACTIONS.filter((_, i) => permitted[i]);
    // A caller without such a list does not learn of the matcher.
    const patterns = isBuiltIn(kernel.settings.scopes) && LISTS.some((list) => actions.includes(list));
    return { body: { actions, patterns, breakGlass } };
  },
});

/** Whether a rule gives a person any access in an emergency, also while a lock refuses it. `undefined`: the list cannot be read. */
async function hasBreakGlass(engine: JitEngine, self: string, onError: Call['options']['onError']): Promise<boolean | undefined> {
  try {
    const { items } = await requestable(engine, self);
    return items.some(({ outcome }) => outcome === 'break_glass');
  } catch (error) {
    onError(error, 'requestable');
    return undefined;
  }
}

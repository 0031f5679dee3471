import * as z from 'zod/mini';
import { CallerBudgets } from '../caller-budgets.js';
import { operation } from '../operation.js';
import { findPeople } from '../people.js';
import { forbidden } from '../permission.js';
import { ownProblem } from '../problem.js';
import * as answers from '../schemas/answers.js';
import { documents, lineInQuery } from '../schemas/values.js';

/** Finds people by a text, for fields that take an id. The option `people` decides whom the caller finds. */
export const searchPeople = operation({
  id: 'searchPeople',
  method: 'GET',
  path: '/people',
  area: 'people',
  summary: 'At most 20 people whom the option `people` finds by a text. 501 without its `search`. No agent may search.',
  access: 'caller',
  query: () =>
    z.strictObject({
      search: lineInQuery(2, 64).register(documents, { description: 'A part of a name.' }),
    }),
  answer: answers.foundPeople,
  example: { query: { search: 'maya' } },
  async run(call) {
    const { kernel, options, self, query } = call;
    // Before all else, so that an agent also learns nothing about the service.
    if (kernel.settings.isAgent(self)) throw forbidden();
    const search = options.people?.search;
    if (search === undefined) throw ownProblem('not-supported', { detail: 'This service has no search for people.' });
    return { body: { items: await kernel.part(CallerBudgets).run(self, () => findPeople(search, query.search, call)) } };
  },
});

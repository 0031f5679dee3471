import type { JsonObject } from '../../model/json.js';
import { askBounded } from '../../core/ask-bounded.js';
import { inTurns, TurnBudget } from '../../core/turns.js';
import { candidatesOf } from './candidates.js';
import { AuthzenError } from './errors.js';
import { readLast } from './last-read.js';
import { memberOf, readAction, readEntity, readObject, readRequired, readSearched, type AuthzenEvaluation } from './messages.js';
import type { AuthzenCaller } from './options.js';
import { ofTuples, type TupleResult } from './search-tuples.js';
import type { Candidate, Search, Searched } from './search-types.js';
import { digestOfSearch, readPageToken, writePageToken } from './page-token.js';
import {
  authorize,
  meetsCondition,
  questionOf,
  refuseIfLate,
  resolve,
  resolveScope,
  resolveSubject,
  type AuthzenContext,
} from './authzen-context.js';

/** The greatest page, and the size of a page without a limit. */
const MAX_PAGE = 1_000;

/** Answers a search. @throws AuthzenError 400, 403, 503 */
export async function search(env: AuthzenContext, caller: AuthzenCaller, searched: Searched, body: JsonObject): Promise<JsonObject> {
  const asked = readSearch(searched, body);
  const { token, limit } = readPage(body);
  // The question names the agent of a run, so the subject is resolved first.
  const holder = asked.subject && (await resolveSubject(env, asked.subject));
  await authorize(env, questionOf(caller, 'search', asked, { agent: holder?.agent }));
  const { type, subject, resource, action, context } = asked;
  const properties = searchedProperties(asked);
  const digest = digestOfSearch([
    caller.subject,
    searched,
    type,
    subject ?? null,
    resource ?? null,
    action ?? null,
    context ?? null,
    properties ?? null,
  ]);
  const cursor = token === undefined ? undefined : readPageToken(env.options.keys, token, digest);
  if (cursor?.limit !== undefined && limit !== undefined && limit !== cursor.limit)
    throw new AuthzenError(400, 'page.limit must stay the same with a token');
  const size = limit ?? cursor?.limit;
  const page = await collect(env, caller, asked, cursor?.after, Math.min(size ?? MAX_PAGE, MAX_PAGE));
  const next = page.hasMore
    ? writePageToken(env.options.keys, {
        search: digest,
        limit: size === 0 ? undefined : size,
        after: page.last ?? cursor?.after,
      })
    : '';
  return {
    page: { next_token: next, count: page.results.length },
    results: page.results.map((name) => (searched === 'action' ? { name } : { type, id: name })),
  };
}

function readSearch(searched: Searched, body: JsonObject): Search {
  const context = readObject(body, 'context');
  const rest = context === undefined ? {} : { context };
  const subject = searched === 'subject' ? undefined : readEntity(readRequired(body, 'subject'), 'subject');
  const resource = searched === 'resource' ? undefined : readEntity(readRequired(body, 'resource'), 'resource');
  const action = searched === 'action' ? undefined : readAction(readRequired(body, 'action'));
  const common = { searched, subject, resource, action, context };
  if (searched === 'action') {
    const known = { subject, resource, ...rest } as Omit<AuthzenEvaluation, 'action'>;
    return { ...common, type: '', evaluationOf: (name) => ({ ...known, action: { name } }) };
  }
  const entity = readSearched(readRequired(body, searched), searched);
  const known = { subject, resource, action, ...rest } as AuthzenEvaluation;
  return { ...common, type: entity.type, evaluationOf: (id) => ({ ...known, [searched]: { ...entity, id } }) };
}

function searchedProperties({ searched, evaluationOf }: Search): JsonObject | undefined {
  return searched === 'action' ? undefined : evaluationOf('')[searched].properties;
}

function readPage(body: JsonObject): { readonly token: string | undefined; readonly limit: number | undefined } {
  const page = readObject(body, 'page') ?? {};
  const token = memberOf(page, 'token');
  const limit = memberOf(page, 'limit');
  if (token !== undefined && typeof token !== 'string') throw new AuthzenError(400, 'page.token must be a string');
  if (limit !== undefined && !(typeof limit === 'number' && Number.isSafeInteger(limit) && limit >= 0))
    throw new AuthzenError(400, 'page.limit must be a whole number of at least 0');
  return { token: token === '' ? undefined : token, limit };
}

interface Found {
  readonly results: readonly string[];
  /** The name at which the next page begins, exclusive. `undefined`: at the begin of this page. */
  readonly last: string | undefined;
  readonly hasMore: boolean;
}

/** The most candidates that are judged together, by one read of their subject's access. */
const MAX_WINDOW = 1_000;
/** A small page first judges this many: most candidates are holders, and so results. */
const MIN_WINDOW = 32;

/** The results after a position, in the order of their code units, and whether there are more. */
async function collect(env: AuthzenContext, caller: AuthzenCaller, asked: Search, after: string | undefined, size: number): Promise<Found> {
  const names = await candidatesOf(env, asked, after);
  if (size === 0) return { results: [], last: undefined, hasMore: true };
  const results: TupleResult[] = [];
  // One result more than the page has says that there are more. If few candidates are results, the windows grow.
  let window = Math.max(MIN_WINDOW, size + 1);
  for (let from = 0; from < names.length; from += window, window *= 2) {
    refuseIfLate(env);
    window = Math.min(window, MAX_WINDOW);
    const allowed = await allowedAmong(env, await candidatesAmong(env, asked, names.slice(from, from + window)));
    for await (const result of ofTuples(env, allowed)) {
      if (!(await meetsCondition(env, caller, result.evaluation, result.target))) continue;
      if (results.length === size) return foundOf(env, results, true);
      results.push(result);
    }
  }
  return foundOf(env, results, false);
}

/** Keeps the results whose access has not ended since it was first read (L1, L12). */
async function foundOf(env: AuthzenContext, results: readonly TupleResult[], hasMore: boolean): Promise<Found> {
  const allowed = await readLast(env, results);
  const names = results.filter((_, i) => allowed[i] === true).map(({ name }) => name);
  return { results: names, last: results.at(-1)?.name, hasMore };
}

/** The candidates that name known entities. */
async function candidatesAmong(env: AuthzenContext, asked: Search, names: readonly string[]): Promise<readonly Candidate[]> {
  const holder = asked.subject && (await resolveSubject(env, asked.subject));
  if (asked.subject !== undefined && holder === undefined) return [];
  const candidates: Candidate[] = [];
  for await (const name of inTurns(names)) {
    const evaluation = asked.evaluationOf(name);
    const scope = holder === undefined ? undefined : await resolveScope(env, evaluation);
    const target = holder === undefined ? await resolve(env, evaluation) : scope === undefined ? undefined : { ...holder, scope };
    if (target !== undefined) candidates.push({ name, evaluation, target });
  }
  return candidates;
}

/** The candidates that the engine allows, as an evaluation would. If all have one subject, the engine reads its access once. */
async function allowedAmong({ engine, limit }: AuthzenContext, candidates: readonly Candidate[]): Promise<readonly Candidate[]> {
  const subjects = new Set(candidates.map(({ target }) => target.subject));
  const [subject] = subjects;
  if (subject !== undefined && subjects.size === 1) {
    const allowed = new Set(await engine.filterAllowed(subject, [...new Set(candidates.map(({ target }) => target.scope))]));
    return candidates.filter(({ target }) => allowed.has(target.scope));
  }
  const turns = new TurnBudget();
  const answers = askBounded(candidates, async ({ target }) => {
    refuseIfLate({ limit });
    await turns.spend(1);
    return engine.isAllowed(target.subject, target.scope);
  });
  const allowed = await Promise.all(answers);
  return candidates.filter((_, i) => allowed[i] === true);
}

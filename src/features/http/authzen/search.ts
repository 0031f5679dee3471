import type { JsonObject } from '../../../core/json.js';
import { inTurns } from '../../../core/time.js';
import { AuthzenError } from './errors.js';
import {
  memberOf,
  readAction,
  readEntity,
  readObject,
  readRequired,
  readSearched,
  type AuthzenAction,
  type AuthzenEntity,
  type AuthzenEvaluation,
} from './messages.js';
import type { AuthzenCaller, AuthzenList } from './options.js';
import { digestOfSearch, readPageToken, writePageToken } from './page-token.js';
import { authorize, callHook, meetsCondition, questionOf, resolve, resolveScope, resolveSubject, type World } from './world.js';

/** What a search looks for. */
export type Searched = 'subject' | 'resource' | 'action';

/** The greatest page, and the size of a page without a limit. */
const MAX_PAGE = 1_000;

/** A search, and the way from a result to the evaluation that must allow it. */
interface Search {
  readonly searched: Searched;
  readonly type: string;
  readonly subject: AuthzenEntity | undefined;
  readonly resource: AuthzenEntity | undefined;
  readonly action: AuthzenAction | undefined;
  readonly context: JsonObject | undefined;
  /** @param name the id of a subject or a resource, or the name of an action */
  readonly evaluationOf: (name: string) => AuthzenEvaluation;
}

/** Answers a search. @throws AuthzenError 400, 403, 503 */
export async function search(world: World, caller: AuthzenCaller, searched: Searched, body: JsonObject): Promise<JsonObject> {
  const asked = readSearch(searched, body);
  const { token, limit } = readPage(body);
  await authorize(world, questionOf(caller, 'search', { subject: asked.subject, resource: asked.resource, action: asked.action }));
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
  const cursor = token === undefined ? undefined : readPageToken(world.options.keys, token, digest);
  if (cursor?.limit !== undefined && limit !== undefined && limit !== cursor.limit)
    throw new AuthzenError(400, 'page.limit must stay the same with a token');
  const size = limit ?? cursor?.limit;
  const page = await collect(world, caller, asked, cursor?.after, Math.min(size ?? MAX_PAGE, MAX_PAGE));
  const next = page.hasMore
    ? writePageToken(world.options.keys, {
        search: digest,
        limit: size === 0 ? undefined : size,
        after: page.results.at(-1) ?? cursor?.after,
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

/** The results after a position, in the order of their code units, and whether there are more. */
async function collect(
  world: World,
  caller: AuthzenCaller,
  asked: Search,
  after: string | undefined,
  size: number,
): Promise<{ readonly results: readonly string[]; readonly hasMore: boolean }> {
  const candidates = await candidatesOf(world, asked);
  const rest = [...new Set(candidates)].filter((name) => after === undefined || name > after).sort((a, b) => (a < b ? -1 : 1));
  if (size === 0) return { results: [], hasMore: true };
  const allows = await judgeOf(world, asked, rest);
  const results: string[] = [];
  for await (const name of inTurns(rest)) {
    const evaluation = asked.evaluationOf(name);
    const target = await allows(name, evaluation);
    if (target === undefined || !(await meetsCondition(world, caller, evaluation, target))) continue;
    if (results.length === size) return { results, hasMore: true };
    results.push(name);
  }
  return { results, hasMore: false };
}

type Judge = (name: string, evaluation: AuthzenEvaluation) => Promise<{ readonly subject: string; readonly scope: string } | undefined>;

/** Decides each candidate as an evaluation would. Where all have one subject, the engine reads its access once. */
async function judgeOf(world: World, asked: Search, names: readonly string[]): Promise<Judge> {
  const { engine } = world;
  if (asked.searched === 'subject') {
    return async (_, evaluation) => {
      const target = await resolve(world, evaluation);
      return target !== undefined && (await engine.isAllowed(target.subject, target.scope)) ? target : undefined;
    };
  }
  const holder = await resolveSubject(world, asked.subject as AuthzenEntity);
  if (holder === undefined) return async () => undefined;
  const scopes = new Map<string, string>();
  for await (const name of inTurns(names)) {
    const scope = await resolveScope(world, asked.evaluationOf(name));
    if (scope !== undefined) scopes.set(name, scope);
  }
  const allowed = new Set(await engine.filterAllowed(holder.subject, [...new Set(scopes.values())]));
  return async (name) => {
    const scope = scopes.get(name);
    return scope !== undefined && allowed.has(scope) ? { subject: holder.subject, scope } : undefined;
  };
}

/** The names that may be results: those that grants name, and those of the directory. Each is judged afterwards. */
async function candidatesOf(world: World, asked: Search): Promise<readonly string[]> {
  const { directory } = world.options;
  const { searched, type, resource } = asked;
  const list =
    searched === 'subject'
      ? directory.subjects && (() => directory.subjects?.(type))
      : searched === 'resource'
        ? directory.resources && (() => directory.resources?.(type))
        : directory.actions && (() => directory.actions?.((resource as AuthzenEntity).type));
  const listed = list === undefined ? [] : await callHook(world, async () => namesOf(await (list() as AuthzenList)));
  return [...listed, ...(searched === 'subject' ? await holdersOf(world, asked) : await heldBy(world, asked))];
}

async function namesOf(list: unknown): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const name of list as AsyncIterable<unknown>) {
    if (typeof name !== 'string') throw new TypeError('a directory must list strings');
    names.push(name);
  }
  return names;
}

/** The ids of the subjects of this type that hold the scope by a grant. */
async function holdersOf(world: World, { type, evaluationOf }: Search): Promise<readonly string[]> {
  const scope = await resolveScope(world, evaluationOf(''));
  if (scope === undefined) return [];
  const ids: string[] = [];
  for await (const grant of world.engine.whoHadAccess({ scope })) {
    const subject = await callHook(world, () => world.options.codec.decodeSubject(grant.subject));
    if (subject?.type === type) ids.push(subject.id);
  }
  return ids;
}

/** The resources or the actions that the grants of the subject name. */
async function heldBy(world: World, { searched, type, subject, resource, action }: Search): Promise<readonly string[]> {
  const holder = await resolveSubject(world, subject as AuthzenEntity);
  if (holder === undefined) return [];
  const { held } = await world.engine.status(holder.subject);
  const names: string[] = [];
  for (const { scope } of held) {
    const decoded = await callHook(world, () => world.options.codec.decodeScope(scope));
    if (decoded === undefined) continue;
    const isWanted =
      searched === 'resource'
        ? decoded.resource.type === type && decoded.action === action?.name
        : decoded.resource.type === resource?.type && decoded.resource.id === resource.id;
    if (isWanted) names.push(searched === 'resource' ? decoded.resource.id : decoded.action);
  }
  return names;
}

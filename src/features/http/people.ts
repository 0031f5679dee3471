import { invalid, isActor } from '../../core/parse.js';
import type { MaybePromise } from '../../core/ports.js';
import { within } from '../../core/timers.js';
import { isObject } from '../../records/index.js';
import type { PlainAnswer } from '../json-body/plain-answer.js';
import { callHook } from './identity.js';
import type { Call } from './operation.js';
import { personIn, type FoundPerson } from './person.js';

/* The names of people, from the option `people`. They are beside the answer: no rule and no ETag depends on them. */

/** The most ids of one answer, and the most people of one search. */
const MAX_IDS = 100;
const MAX_FOUND = 20;
/** The most items of a search that are looked at. */
const MAX_LOOKED_AT = 200;
/** How long `describe` and `search` may take. Milliseconds. */
const PEOPLE_MS = 3_000;

/** The fields of answers that name a person, an agent or a run. A test compares them with the schemas of all answers. */
export const PERSON_FIELDS: ReadonlySet<string> = new Set([
  'subject',
  'requestedBy',
  'agent',
  'operator',
  'by',
  'onBehalfOf',
  'actor',
  'reviewer',
  'reviewers',
  'skippedPeople',
]);

/** JSON of the requester, who may write any id into it: such an id shows no name. */
const OWN_JSON = 'metadata';

type Asking = Pick<Call, 'kernel' | 'options' | 'caller'>;

/**
 * The answer with the names of the people in it. A failure of `describe` leaves the ids without names. Such an answer has no ETag, so
 * that the next call asks again.
 */
export async function withPeople(answer: PlainAnswer, { kernel, options, caller }: Asking): Promise<PlainAnswer> {
  const { people, onError } = options;
  const { body: text } = answer;
  // 304 and HEAD have no body, and ask for no names.
  if (people === undefined || typeof text !== 'string') return answer;
  const ids = new Set<string>();
  collectIds(JSON.parse(text), ids);
  const named = (given: object): PlainAnswer => ({ ...answer, body: `${text.slice(0, -1)},"people":${JSON.stringify(given)}}` });
  if (ids.size === 0) return named({});
  try {
    const described = await bounded(kernel, () => people.describe([...ids], { caller }));
    if (!isObject(described)) throw invalid('people.describe', 'a function that returns an object with a person by id', described);
    const known = [...ids].flatMap((id) => {
      const person = Object.hasOwn(described, id) ? personIn((described as Record<string, unknown>)[id]) : undefined;
      return person === undefined ? [] : [[id, person] as const];
    });
    return named(Object.fromEntries(known));
  } catch (error) {
    onError(error, 'people');
    const { etag: _, ...headers } = answer.headers;
    return { ...named({}), headers: { ...headers, 'cache-control': 'no-store' } };
  }
}

/** The people whom `search` finds, each once. @throws HttpError 503 if it fails */
export function findPeople(
  search: (text: string, about: { readonly caller: Call['caller'] }) => unknown,
  text: string,
  asking: Asking & Pick<Call, 'limit'>,
) {
  const { kernel, options, caller, limit } = asking;
  return callHook(
    limit,
    async () => {
      const found = await bounded(kernel, () => search(text, { caller }));
      if (!Array.isArray(found)) throw invalid('people.search', 'a function that returns a list of people', found);
      const people = new Map<string, FoundPerson>();
      // What is no person takes no place: a reader of a full answer knows that it may lack another person of the same name.
      for (const item of found.slice(0, MAX_LOOKED_AT) as unknown[]) {
        if (people.size === MAX_FOUND) break;
        const person = personIn(item);
        const id = person && readId(kernel, (item as FoundPerson).id);
        if (person !== undefined && id !== undefined) people.set(id, { id, ...person });
      }
      return [...people.values()];
    },
    'people',
    options.onError,
  );
}

const bounded = <T>({ settings }: Asking['kernel'], ask: () => MaybePromise<T>): Promise<T> =>
  within(
    settings.clock,
    PEOPLE_MS,
    async () => await ask(),
    () => new Error(`people did not answer within ${PEOPLE_MS} ms`),
  );

/** The id as the engine reads it, so that it is the one of the records. */
function readId({ settings }: Asking['kernel'], id: unknown): string | undefined {
  try {
    return settings.readId('id', id);
  } catch {
    return undefined;
  }
}

/** Reads the answer as it is sent: what its caller may not see is no longer in it. */
function collectIds(value: unknown, ids: Set<string>): void {
  if (!isObject(value)) return;
  for (const [name, item] of Object.entries(value)) {
    if (name === OWN_JSON) continue;
    // `__proto__` as a member would set the prototype of a copy.
    if (PERSON_FIELDS.has(name))
      for (const id of [item].flat()) if (isActor(id) && id !== '__proto__' && ids.size < MAX_IDS) ids.add(id as string);
    collectIds(item, ids);
  }
}

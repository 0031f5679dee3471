import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import * as z from 'zod/mini';
import { operations } from '../../../src/features/http/operations/index.js';
import type { Operation } from '../../../src/features/http/operation.js';
import { documents } from '../../../src/features/http/schemas/values.js';
import { OWN_PROBLEMS } from '../../../src/features/http/own-problems.js';
import { PROBLEMS } from '../../../src/features/http/problem.js';
import { CALLERS, type RouteRow } from '../../features/http/route-table.js';
import { root } from '../pages.js';

const PATH = 'docs/reference/http.md';

type Json = Readonly<Record<string, unknown>>;

const WHO: Readonly<Record<Operation['access'], string>> = {
  open: 'Needs no caller.',
  caller: 'For every authenticated caller.',
  may: 'Only if `may` permits it.',
};

/** The page about the HTTP API: made from the operations, their schemas, and what they answer. */
export async function httpPage(rows: readonly RouteRow[]): Promise<{ readonly path: string; readonly text: string }> {
  const areas = [...new Set(operations.map(({ area }) => area))];
  const text = [
    '# HTTP API',
    'The routes of `createHttpHandler`, below `<basePath>/v1`. [HTTP](../guides/http.md) says how to mount and to configure it. This page is made from the schemas that validate each call. The service has the same as OpenAPI 3.1 under `<basePath>/v1/openapi.json`.',
    [
      '- Instants are epoch milliseconds. Durations in a body are texts such as `30m`, or milliseconds.',
      '- A field that has no value is missing in an answer.',
      '- Every error is an [RFC 9457 problem](#problems).',
      '- A list has `items` and, if there is more, `next`: pass it as `after`.',
      '- A `GET` has an `ETag`, and answers 304 to `If-None-Match`.',
      '- `?people=true` adds [the names of people](#names-of-people) to a `GET`. Only `health`, `openapi` and `events` do not take it.',
      '- `Jit-Caller: <id>` binds a call to [the caller](#the-caller-of-a-page) whose name a page shows.',
      '- An operation marked with a key takes `Idempotency-Key`. A repeat under the same key has no second effect, and answers 200 instead of 201.',
    ].join('\n'),
    ...areas.flatMap((area) => [`## ${capital(area)}`, ...operations.filter((one) => one.area === area).map(described)]),
    '## The caller of a page',
    'The cookie of a page may be that of another person by now. A call with `Jit-Caller`, the id of the caller encoded as by `encodeURIComponent`, is answered with 412 `caller-changed` if `identify` returns another caller. Then nothing has happened: the handler has read no body and no key, and has not asked `limit`. It compares the ids as the engine reads them, after `canonicalId`. A header that is repeated, or that names no id, is 400. The client sends it with each `POST` if it has the option `caller`.',
    '## Names of people',
    [
      'With the option `people`, a read with `?people=true` has a member `people`: an object by id, each with `name` and perhaps `detail` and `avatarUrl`.',
      '- **No route takes an id.** The handler collects at most 100 ids from the answer, after it has removed what the caller may not see, and asks `describe` once. Ids in `metadata` do not count, because the requester has written them. A caller learns a name only with an id that the API shows to that caller.',
      '- **The ETag does not change with names.** It depends on the caller, so that the cache of a browser shows no names to its next person. A 304 asks for no names.',
      '- `describe` may take 3 seconds beyond the time of the read. If it fails, `people` is empty, the answer has no ETag, and `onError` receives the failure.',
      '- A name or a detail is one line of at most 200 characters, without controls and without marks that change the direction of the text. An `avatarUrl` is a path of the own origin, or a `data:` image of at most 8 KiB. Any other value is omitted.',
      '- `GET /people?search=` passes `limit`, and answers 403 to each caller that the option `agents` of the engine names. It has at most 20 people. If `search` fails, or takes more than 3 seconds, the answer is 503.',
    ].join('\n'),
    '## Who gets what',
    'The status of each route for each caller, about a request that a requester made for a subject. A test makes this table.',
    table(
      ['operation', ...CALLERS.map(([name]) => name)],
      rows.map(({ id, statuses }) => [`\`${id}\``, ...statuses.map(String)]),
    ),
    'A caller sees a request as its subject, as its requester, as one of its reviewers, or if `may` permits `viewRequest`. For every other caller it does not exist: the answer is that of an unknown id, byte for byte.',
    '## Grants that overlap a pattern',
    [
      '- `pattern` of `GET /holders` and `GET /history` selects the grants that allow a scope which the pattern reaches. `db-prod:*:write` finds grants of `db-prod:orders:write`, and of `db-prod:**`. Each item has the scope of its grant, which may be a part of the pattern, or more.',
      '- **It needs the right for everything**: `may` is asked without `scopes`, before anything is read. A hook that permits some scopes must refuse a target without them.',
      '- A page looks at 1,000 grants, so it may be empty and have a `next`: only the last page says that there is no holder.',
      '- With another matcher than `exactScopes` and `patternScopes`, the answer is 400: it may give wildcards another meaning.',
      '- Without `at`, a grant is missing if it allows none of its scopes: a lock on a part of them hides it only when it has ended it.',
    ].join('\n'),
    '## What the subjects of an inbox hold',
    'With `holdings=true`, the inbox also has `holdings`: for each subject of its rows, the grants that are active or scheduled, the first to expire first. `may` decides by `listGrants`, once for each subject, so a reviewer sees what `GET /grants` would show. A subject is missing without that right, and if `may` or the store fails about it: the rows do not depend on it.',
    '## Reviewers of a pending request',
    [
      '- The subject and the requester see `groups`, `reviewers` and `missing`, as the answer to the ask said. They never see `excluded`, also if `may` permits them everything.',
      '- Its reviewers, and callers that `may` permits `viewRequest`, also see `excluded`: who cannot approve, and why. The handler asks the approver about at most 100 people, and omits what it has not answered within 3 seconds.',
      '- A request that is decided, has expired or waits for its approver has empty lists.',
    ].join('\n'),
    '## Dry runs of revocations and locks',
    [
      '- **A dry run asks `may` what the call asks**, refuses what the call refuses, and writes nothing. It leaves an `Idempotency-Key` unused.',
      '- It counts at the instant `at`. The call ends what it finds when it runs, also access that was given since, and its answer lists it.',
      '- `atLeast` is true if a record cannot be read, or if the dry run reached its bound of 100,000 open records of a kind.',
    ].join('\n'),
    '## What a stranger can learn',
    [
      '- **Not which requests exist, nor which groups review them.** Before a 404 the handler asks the approver about the request, if there is one, and about stand-ins: copies of other requests under ids of their own. Together they name each known group once, so each 404 causes the same calls and the same questions to groups of code. [Each caller has places of its own](#limits) for these questions. No answer is kept for another call.',
      '- A process knows the groups of the newest 100 requests, which it reads again each minute, and those of each request that it has read since. Only the first answer about a request of another group may take longer.',
      '- **A failure of the approver counts as a no**, for a request as for a stand-in. The handler reports it to `onError`, and the caller gets the 404. So a reviewer gets 404 too until the approver answers again, unless they have reviewed the request before.',
      '- How long an approver or a group of code needs for one person, one subject or one group is not hidden. It should not depend on them.',
      '- **The id of a request that was made with an `Idempotency-Key` is no secret**: it is SHA-256 over namespace, verb, caller and key, and a caller that knows these can compute it. This reveals nothing, because the 404 is the same. If even a guess must be impossible, use keys that cannot be guessed, such as UUIDs.',
      '- **One exception, for reviewers**: an item of the inbox has the recent denials of the same ask, with their request id, requester, reviewer and reason. It has them also if the denied request is 404 for its reader, because other people review it: a reviewer must know that another one has denied the same access (L44).',
      '- An event stream that resumes by `Last-Event-ID` asks about the entry with that number, so the time until `reset` may say whether there is one. It names no request.',
      '- A text that can be no id is 404 before any hook is asked. `may` receives only ids and scopes that the engine accepts.',
    ].join('\n'),
    '## Limits',
    'No limit is shared by two engines of a process, so no tenant uses up what another one has.',
    table(
      ['what', 'for each caller', 'for each engine', 'beyond it'],
      [
        ['calls', 'your option `limit`', '', '429 `too-many-requests`'],
        [
          'calls that ask the approver: 404s, the inbox, reviewers; searches for people; patterns',
          '10 at a time; 1 in the 10 seconds after a 404',
          '32 of callers after two 404s',
          'wait for 5 seconds, then 429 `too-many-requests`',
        ],
        ['404s about requests and grants', '10 each second', '', 'wait for 5 seconds, then 429 `too-many-requests`'],
        ['callers remembered after a 404', '', '10,000', 'the oldest are forgotten'],
        ['open streams of events', '10', '1,000', '429 `too-many-streams`'],
        ['calls that wait by `Prefer`', '10', '1,000', 'answered at once, without `Preference-Applied`'],
        [
          'reads of a request for which calls wait',
          '',
          '1 each 15 seconds; each second from a store without `watch`',
          'the calls share them',
        ],
        ['questions to the approver about who sees an event', '', '32 at a time', 'the events wait'],
        ['people kept who may see an event', '', '10,000, each for 30 seconds', 'asked again, the oldest requests first'],
        ['entries that wait until it is known who sees them', '', '1,000', '`reset` for callers that do not see every event'],
        ['reads of the store for `health`', '', '1 each second', 'the calls share it'],
      ],
    ),
    table(
      ['what', 'for each call or stream', 'beyond it'],
      [
        ['body', '64 KiB, 32 levels, 10 seconds', '413 `too-large`, 400 `invalid-body`, 408 `slow-body`'],
        ['time', 'a read 10 seconds, a write 20, a read with `Prefer` 45', '503 `timeout`'],
        ['items of a page', '1,000', '400 `invalid-argument`'],
        ['`holdings` of an inbox', '100 subjects, 20 grants of each', 'no holdings; `more: true`'],
        ['entries of a page of the journal', '1 MiB of JSON, or one entry', 'the next page'],
        ['ids with names', '100', 'ids without names'],
        ['time of `describe` and `search`', '3 seconds', 'ids without names; 503 `unavailable`'],
        ['entries of the journal for an access report', '100,000', '422 `too-many-entries`'],
        ['entries between `Last-Event-ID` and the head', '1,000', '`reset`'],
        ['time until it is known who sees an event', '15 seconds', '`reset`'],
        ['entries that wait to be judged or sent', '1,000, and 512 KiB', '`reset`, or the stream is closed'],
      ],
    ),
    '## Who sees an event',
    [
      'The audience of an event about a request is its subject, its requester, its reviewers, and each caller that `may` permits `viewEvents`. The handler reads it once for a request, and keeps it for at most 30 seconds.',
      '- **A right that ends is noticed within 30 seconds**, also `viewEvents` and a sign-out; within 40 while `may` or `identify` gives no answer. Until then, a person whom the approver no longer names may receive the names of events. The contents need a call, which asks again.',
      '- **The events of a lock** (`lock.set`, `lock.completed`, `lock.lifted`) go to the person whom it names, or to every caller if it is on a scope. They name no lock and no person. They receive no event when a lock expires: `changesAt` of `GET /me` names that instant.',
      '- **A client receives no event of which it is not known whether it may see it**: the approver or the store failed, or gave no answer in time. It receives `reset` instead, once for all events that wait.',
      '- An entry that changes the reviewers drops the audience: `request.assigned`, `request.stepped` and `request.escalated`. The subject and the requester of a request never change.',
      '- If the approver lists the reviewers by `membersOf`, the handler looks up the streams of these people, and asks `groupsOf` only about them. The list gives no right.',
      '- Otherwise it asks about each caller with an open stream. It also asks each of them if a list is longer than 1,000 or names a group of code as `group:<name>`, and if other groups review before or after the listed ones: steps, escalations and break-glass.',
      '- A list that fails, or takes longer than a second, delays the events by at most that second. For the next 30 seconds the handler asks for no list.',
      '- A stream receives its events in the order of the journal. An answer about one caller delays no stream of another caller. The handler serves 64 streams in one turn of the event loop.',
    ].join('\n'),
    '## Problems',
    'The `type` of a problem is `urn:jit-access:problem:` and the name. If the engine has thrown, the member `code` is its [error code](errors.md). `unauthenticated` (401) and `access-required` (403) are those of the [guards](../guides/guards.md).',
    table(
      ['name', 'status', 'title', 'more members'],
      PROBLEMS.map(({ name, status, title, members }) => [
        `\`${name}\``,
        String(status),
        title,
        members.map((one) => `\`${one}\``).join(', '),
      ]),
    ),
    'The handler finds these by itself:',
    table(
      ['name', 'status', 'meaning'],
      Object.entries(OWN_PROBLEMS).map(([name, { status, detail }]) => [`\`${name}\``, String(status), detail]),
    ),
  ].join('\n\n');
  const path = join(root, PATH);
  return { path: PATH, text: await format(text, { ...(await resolveConfig(path)), filepath: path }) };
}

function described({ id, method, path, summary, access, query, body, keyed, status, answer }: Operation): string {
  const { name } = answer;
  const answers = `Answers ${status}${name === undefined ? '' : ` with \`${name}\``}.`;
  const key = keyed ? ' Takes a key.' : '';
  return [
    `### \`${id}\``,
    `\`${method} ${path}\``,
    `${summary} ${WHO[access]} ${answers}${key}`,
    ...fieldsOf('query', query),
    ...fieldsOf('body', body),
  ].join('\n\n');
}

function fieldsOf(place: string, schema: Operation['body']): readonly string[] {
  if (schema === undefined) return [];
  const { properties, required = [] } = z.toJSONSchema(schema(), { metadata: documents, io: 'input', unrepresentable: 'any' }) as {
    readonly properties: Readonly<Record<string, Json>>;
    readonly required?: readonly string[];
  };
  const rows = Object.entries(properties).map(([name, field]) => [
    `\`${name}\``,
    required.includes(name) ? 'yes' : 'no',
    typeOf(field),
    typeof field.description === 'string' ? field.description : '',
  ]);
  return rows.length === 0 ? [] : [table([place, 'required', 'type', 'meaning'], rows)];
}

function typeOf({ type, enum: values, anyOf, items }: Json): string {
  if (Array.isArray(values)) return values.map((value) => `\`${String(value)}\``).join(', ');
  if (Array.isArray(anyOf)) return [...new Set((anyOf as readonly Json[]).map(typeOf))].join(' or ');
  if (type === 'array') return `list of ${typeOf(items as Json)}`;
  return typeof type === 'string' ? type : 'any';
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const cell = (text: string): string => text.replaceAll('|', '\\|');

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

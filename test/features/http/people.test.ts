import { describe, expect, it } from 'vitest';
import type { HttpOptions, HttpPeople } from '../../../src/http.js';
import { createHttpHandler } from '../../../src/http.js';
import { operations } from '../../../src/features/http/operations/index.js';
import { PERSON_FIELDS } from '../../../src/features/http/people.js';
import type { AnyAnswer } from '../../../src/features/http/schemas/json-schema.js';
import { runSubject } from '../../../src/index.js';
import { anyText, text as textField } from '../../../src/records/fields.js';
import { aClient, caught } from '../client/client-world.js';
import { exampleOf } from './examples.js';
import { aService, BASE, EVE, identify, MAYA, NAMES, RAJ, read, SAM, SCOPE, SEC, turns, withExamples, type TestCaller } from './world.js';

/** The texts of answers that name no person. A new field of an answer is either here or in `PERSON_FIELDS`. */
const OTHER_TEXTS = new Set(
  'acr approver as cause comment correlation description detail digest extends field form grantId grantIds group groups hash id justification keyId missingInWords name namespace next prevHash problem quorumInWords reason replacedBy replaces requestId rule skippedGroups text ticket title twins type values verdict avatarUrl'.split(
    ' ',
  ),
);

const ASK = { scope: SCOPE, ttl: '30m', justification: 'INC-204' } as const;
const AGENT = 'agent:scout';

/** A service whose directory notes what it is asked. */
function aDirectory(
  given: Partial<Record<keyof HttpPeople, (...args: readonly never[]) => unknown>> = {},
  more: Parameters<typeof aService>[0] = {},
) {
  const asked: { readonly ids: readonly string[]; readonly by: string }[] = [];
  const searched: string[] = [];
  const people = {
    describe: (ids: readonly string[], { caller }: { readonly caller: TestCaller }) => {
      asked.push({ ids, by: caller.subject });
      return Object.fromEntries(ids.map((id) => [id, { name: `Name of ${id}` }]));
    },
    search: (text: string, { caller }: { readonly caller: TestCaller }) => {
      searched.push(`${caller.subject} for ${text}`);
      return [{ id: MAYA, name: 'Maya Ito' }];
    },
    ...given,
  } as unknown as HttpOptions<TestCaller>['people'];
  return { ...aService({ ...more, http: { people, ...more.http } }), asked, searched };
}

const named = (id: string) => ({ [id]: { name: `Name of ${id}` } });

describe('the names of people in a read', () => {
  const reads = operations.filter(({ method, access, id }) => method === 'GET' && access !== 'open' && id !== 'events');

  it.each(reads.map((operation) => [operation.id, operation] as const))(
    'are beside the answer of %s, which stays the same',
    async (_, operation) => {
      const { send, service, url } = await exampleOf(operation);
      const as = operation.access === 'may' ? SEC : ['inbox', 'listBreakGlassReviews'].includes(operation.id) ? SAM : MAYA;
      const plain = await send({ as });
      const withNames = await read(
        await service.handler(new Request(`${BASE}/v1${url}${url.includes('?') ? '&' : '?'}people=true`, { headers: { 'x-user': as } })),
      );
      const { people, ...rest } = withNames.body;
      expect([withNames.status, rest]).toEqual([plain.status, plain.body]);
      // Each person in the answer whom the service knows, and no other one.
      const known = operation.id === 'searchPeople' ? [] : Object.keys(NAMES).filter((id) => plain.text.includes(JSON.stringify(id)));
      expect(people).toEqual(Object.fromEntries(known.map((id) => [id, { name: NAMES[id] }])));
      expect(plain.body).not.toHaveProperty('people');
    },
  );

  it.each(
    operations
      .filter((operation) => !reads.includes(operation) && operation.id !== 'events')
      .map(({ id, method, path }) => [id, method, path]),
  )('are no part of the answer of %s', async (_, method, path) => {
    const { send, asked } = aDirectory();
    const { body } = await send(method, `${path.replace(/\{\w+\}/, 'x')}?people=true`, {
      as: MAYA,
      ...(method === 'POST' && { body: {} }),
    });
    expect([body.argument ?? body.people, asked]).toEqual([path === '/health' || path === '/openapi.json' ? undefined : 'people', []]);
  });

  it.each(['', '1', 'TRUE', 'user:sam', 'true&people=true'])('are refused for people=%s', async (value) => {
    const { send, asked } = aDirectory();
    const { status } = await send('GET', `/me?people=${value}`, { as: MAYA });
    expect([status, asked]).toEqual([400, []]);
  });

  it('are those of the fields that name people, in each schema', () => {
    const unknown = new Set<string>();
    const walk = (field: AnyAnswer | undefined, name: string, seen: ReadonlySet<unknown>): void => {
      if (field === undefined || seen.has(field)) return;
      const inner = new Set([...seen, field]);
      if ((field.is === textField.is || field.is === anyText.is) && !PERSON_FIELDS.has(name) && !OTHER_TEXTS.has(name)) unknown.add(name);
      walk(field.list, name, inner);
      for (const variant of field.variants ?? []) walk(variant, name, inner);
      for (const [part, of] of Object.entries(field.fields ?? {})) walk(of, part, inner);
    };
    for (const { answer, id } of reads) walk(answer, id, new Set());
    // The names have this member of an answer for themselves.
    expect(reads.filter(({ answer }) => 'people' in (answer.fields ?? {}))).toEqual([]);
    expect([...unknown].sort()).toEqual([]);
  });

  it('are asked for once, about at most 100 ids', async () => {
    const { send, asked, engine } = aDirectory({}, { http: { may: () => true } });
    const people = Array.from({ length: 130 }, (_, i) => `user:${i}`);
    for (const subject of people) await engine.lock({ subject }, { by: SEC });
    const { body } = await send('GET', '/locks?people=true', { as: MAYA });
    expect(body.items).toHaveLength(130);
    expect(asked.map(({ ids, by }) => [ids.length, by])).toEqual([[100, MAYA]]);
    expect(Object.keys(body.people ?? {})).toHaveLength(100);
  });

  it('are not asked for where the answer has no id', async () => {
    const { send, asked } = aDirectory();
    expect((await send('GET', '/grants?people=true', { as: EVE })).body).toEqual({ items: [], people: {} });
    expect(asked).toEqual([]);
  });

  it('are missing without the option', async () => {
    const service = aService();
    const bare = createHttpHandler(service.engine, { identify });
    const answer = await read(await bare(new Request(`${BASE}/v1/me?people=true`, { headers: { 'x-user': MAYA } })));
    expect([answer.status, answer.body.subject, 'people' in answer.body]).toEqual([200, MAYA, false]);
    const found = await read(await bare(new Request(`${BASE}/v1/people?search=maya`, { headers: { 'x-user': MAYA } })));
    expect([found.status, found.body.type]).toEqual([501, 'urn:jit-access:problem:not-supported']);
  });

  it.each([
    [null, 'people'],
    [[], 'people'],
    [{}, 'people.describe'],
    [{ describe: 1 }, 'people.describe'],
    [{ describe: () => ({}), search: [] }, 'people.search'],
    [{ describe: () => ({}), find: () => [] }, 'people'],
  ])('refuse the option %j', (people, argument) => {
    const { engine } = aService();
    expect(() => createHttpHandler(engine, { identify, people: people as never })).toThrow(expect.objectContaining({ argument }));
  });
});

describe('a caller who looks for names', () => {
  it('learns none by an id in the query, in a path or in metadata', async () => {
    const { send, asked } = aDirectory();
    const victim = 'user:ceo';
    const metadata = {
      subject: victim,
      by: victim,
      reviewers: [victim],
      nested: [{ requestedBy: victim }],
      people: { [victim]: { name: 'x' } },
    };
    const { body } = await send('POST', '/requests', {
      as: MAYA,
      body: { ...ASK, justification: victim, ticket: victim, correlation: victim, metadata },
    });
    const id = body.request?.id as unknown as string;
    for (const path of [`/requests/${id}`, '/requests', `/requests/${id}/timeline`, `/requests?requestedBy=${MAYA}&ticket=${victim}`]) {
      const { status, body: answer } = await send('GET', `${path}${path.includes('?') ? '&' : '?'}people=true`, { as: MAYA });
      expect([path, status, victim in (answer.people ?? {})]).toEqual([path, 200, false]);
    }
    for (const path of [`/grants?subject=${victim}&`, `/history?subject=${victim}&from=0&to=1&`, `/requests?subject=${victim}&`])
      expect((await send('GET', `${path}people=true`, { as: SEC })).body.people).toEqual({});
    for (const path of [`/requests/${victim}?`, `/grants/${victim}?`])
      expect((await send('GET', `${path}people=true`, { as: EVE })).status).toBe(404);
    expect(asked.flatMap(({ ids }) => ids)).not.toContain(victim);
  });

  it('gets, as a stranger, the answers of before, and causes no question', async () => {
    const service = aDirectory();
    const { requestId, grantId } = await withExamples(service);
    for (const path of [
      `/requests/${requestId}`,
      `/requests/${requestId}/timeline`,
      `/requests/${requestId}/reviewers`,
      `/grants/${grantId}`,
    ]) {
      const [known, unknown] = await Promise.all(
        [path, path.replace(requestId, '0'.repeat(32)).replace(grantId, `${'0'.repeat(32)}.1`)].map((to) =>
          service.send('GET', `${to}?people=true`, { as: EVE }),
        ),
      );
      expect([path, known?.status, known?.text]).toEqual([path, 404, unknown?.text]);
    }
    for (const path of ['/requests', '/grants', '/inbox', '/break-glass/reviews'])
      expect((await service.send('GET', `${path}?people=true`, { as: EVE })).body).toEqual({ items: [], people: {} });
    expect(service.asked).toEqual([]);
  });

  it('gets no name for an id that the handler removed from the answer', async () => {
    const service = aDirectory();
    const { requestId } = await withExamples(service);
    await service.send('POST', `/requests/${requestId}/deny`, { as: SAM, body: { comment: `by: ${EVE}` } });
    const { body } = await service.send('GET', `/requests/${requestId}?people=true`, { as: MAYA });
    expect(body.people).toEqual({ ...named(MAYA), ...named(SAM) });
  });

  it('is named to the directory, which may answer less to an agent', async () => {
    const describe = (ids: readonly string[], { caller }: { readonly caller: TestCaller }) =>
      caller.subject === AGENT ? {} : Object.fromEntries(ids.map((id) => [id, { name: id }]));
    const service = aDirectory({ describe });
    expect((await service.send('GET', '/me?people=true', { as: AGENT })).body).toMatchObject({ subject: AGENT, people: {} });
  });
});

describe('the version of an answer with names', () => {
  it('does not change with the names, and a client that has it causes no question', async () => {
    let name = 'Maya Ito';
    let questions = 0;
    const { send, handler } = aDirectory({
      describe: () => {
        questions++;
        return { [MAYA]: { name } };
      },
    });
    const get = (tag = '"-"', path = '/me?people=true') => send('GET', path, { as: MAYA, headers: { 'if-none-match': tag } });
    const first = await get();
    const tag = first.headers.get('etag') ?? '';
    name = 'Maya Ito-Berg';
    const changed = await get();
    expect([changed.body.people?.[MAYA]?.name, changed.headers.get('etag')]).toEqual([name, tag]);
    questions = 0;
    const known = await get(tag);
    expect([known.status, known.text, questions]).toEqual([304, '', 0]);
    const head = await handler(new Request(`${BASE}/v1/me?people=true`, { method: 'HEAD', headers: { 'x-user': MAYA } }));
    expect([head.status, head.headers.get('etag'), await head.text(), questions]).toEqual([200, tag, '', 0]);
  });

  it('is that of one caller: the cache of a browser shows its names to no other one', async () => {
    const { send, engine } = aDirectory({}, { http: { may: () => true } });
    await engine.lock({ subject: EVE }, { by: SEC });
    const [forMaya, forSam, plain] = await Promise.all([
      send('GET', '/locks?people=true', { as: MAYA }),
      send('GET', '/locks?people=true', { as: SAM }),
      send('GET', '/locks', { as: MAYA }),
    ]);
    expect(forMaya?.text).toBe(forSam?.text);
    expect(new Set([forMaya, forSam, plain].map((answer) => answer?.headers.get('etag'))).size).toBe(3);
    const again = await send('GET', '/locks?people=true', { as: SAM, headers: { 'if-none-match': forMaya?.headers.get('etag') ?? '' } });
    expect(again.status).toBe(200);
  });
});

describe('a directory that fails', () => {
  const failures: readonly (readonly [string, () => unknown])[] = [
    ['throws', () => raise()],
    ['rejects', () => Promise.reject(new Error('down'))],
    ['answers nothing', () => undefined],
    ['answers null', () => null],
    ['answers a text', () => 'Maya'],
    [
      'answers with getters that throw',
      () => ({
        get [MAYA]() {
          return raise();
        },
      }),
    ],
    ['answers a proxy that throws', () => new Proxy({}, { getOwnPropertyDescriptor: raise })],
  ];

  it.each(failures)('%s: the answer has ids and no ETag, and onError receives the failure', async (_, describe) => {
    const { send, errors } = aDirectory({ describe });
    const { status, body, headers } = await send('GET', '/me?people=true', { as: MAYA });
    expect([status, body.subject, body.people, headers.get('etag'), headers.get('cache-control')]).toEqual([
      200,
      MAYA,
      {},
      null,
      'no-store',
    ]);
    expect(errors).toHaveLength(1);
    // The next answer has a version again.
    expect((await send('GET', '/me', { as: MAYA })).headers.get('etag')).not.toBeNull();
  });

  it('answers too late: the read ends after 3 seconds, with ids', async () => {
    const { send, clock, errors } = aDirectory({ describe: () => new Promise(() => undefined) });
    const reading = send('GET', '/me?people=true', { as: MAYA });
    await turns();
    await clock.advance(2_999);
    expect(await Promise.race([reading, turns().then(() => 'pending')])).toBe('pending');
    await clock.advance(1);
    const { status, body } = await reading;
    expect([status, body.subject, body.people]).toEqual([200, MAYA, {}]);
    expect(errors.map(String)).toEqual(['Error: people did not answer within 3000 ms']);
  });

  it('answers too late to a read that was slow itself: the read is answered', async () => {
    let release = (_: boolean) => {};
    const { send, clock } = aDirectory(
      { describe: () => new Promise(() => undefined) },
      { http: { may: () => new Promise((resolve) => (release = resolve)) } },
    );
    const reading = send('GET', '/locks?people=true', { as: SEC });
    await turns();
    await clock.advance(9_999);
    release(true);
    await turns();
    await clock.advance(3_000);
    const { status, body } = await reading;
    expect([status, body]).toEqual([200, { items: [], people: {} }]);
  });

  it('cannot delay a search: it is 503 after 3 seconds', async () => {
    const { send, clock } = aDirectory({ search: () => new Promise(() => undefined) });
    const searching = send('GET', '/people?search=maya', { as: MAYA });
    await turns();
    await clock.advance(3_000);
    expect((await searching).body.type).toBe('urn:jit-access:problem:unavailable');
  });

  it.each([...failures.slice(0, 5), ['answers an object', () => ({ [MAYA]: { name: 'x' } })] as const])(
    '%s: a search is 503',
    async (_, search) => {
      const { send, errors } = aDirectory({ search });
      const { status, text } = await send('GET', '/people?search=maya', { as: MAYA });
      expect([status, text.includes('down'), errors.length]).toEqual([503, false, 1]);
    },
  );
});

const raise = (): never => {
  throw new Error('the directory is down');
};

const PATH = '/avatars/7.png';

describe('a hostile person', () => {
  const wrong: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['null', null],
    ['a text', 'Maya'],
    ['no name', { detail: 'x' }],
    ['an empty name', { name: '' }],
    ['a blank name', { name: '  \u200b ' }],
    ['a number as its name', { name: 7 }],
    ['a text object as its name', { name: new String('Maya') }],
    ['a name of 201 characters', { name: 'x'.repeat(201) }],
    ['a name of two lines', { name: 'Maya\nadmin' }],
    ['a control in its name', { name: 'Maya\u0000' }],
    ['an escape in its name', { name: '\u001b[31mMaya' }],
    ['a name that turns the text around', { name: '\u202eayaM' }],
    ['a name that isolates the text', { name: '\u2067Maya' }],
    ['[A29] a pile of marks in its name', { name: `Maya${'\u0301'.repeat(5)}` }],
    ['[A29] only characters without a width', { name: '\u200d\u200f' }],
    ['[A29] only letters that show nothing', { name: '\u3164\u115f\u1160\uffa0' }],
    ['[A29] only a blank pattern', { name: '\u2800' }],
    ['[A29] a soft hyphen in its name', { name: 'Ma\u00adya' }],
    ['[A29] a tag character in its name', { name: 'Maya\u{e0041}' }],
    ...[
      '\u2061',
      '\u2064',
      '\u206a',
      '\u206f',
      '\u180e',
      '\ufe00',
      '\ufe0f',
      '\ufff9',
      '\u{e0100}',
      '\u{e01ef}',
      '\u2028',
      '\u{e0fff}',
    ].map(
      (hidden) =>
        [
          `${JSON.stringify(hidden)} U+${hidden.codePointAt(0)?.toString(16)} in its name, which shows nothing`,
          { name: `Ma${hidden}ya` },
        ] as const,
    ),
    ['half a surrogate pair in its name', { name: 'Maya \ud800' }],
  ];

  it('[A29] with characters at the edges of a line that direct the text beside it is named without them', async () => {
    const given = { name: '\u061cMaya\u200f', detail: '\u200dמאיה ỗ\u0323\u200e' };
    const { send } = aDirectory({ describe: () => ({ [MAYA]: given }) });
    expect((await send('GET', '/me?people=true', { as: MAYA })).body.people).toEqual({ [MAYA]: { name: 'Maya', detail: 'מאיה ỗ\u0323' } });
  });

  it.each(wrong)('with %s has no name', async (_, person) => {
    const { send } = aDirectory({ describe: () => ({ [MAYA]: person }), search: () => [{ id: MAYA, ...(person as object) }, person] });
    expect((await send('GET', '/me?people=true', { as: MAYA })).body.people).toEqual({});
    expect((await send('GET', '/people?search=maya', { as: MAYA })).body.items).toEqual([]);
  });

  it.each([
    ['Maya Ito', 'Platform', PATH],
    ['x'.repeat(200), 'مها', '/'],
    ['O’Neil & Søren 山田 👩‍💻', '<b>&"', '/a?b=c#d'],
    ['<script>', 'x', `data:image/png;base64,${'A'.repeat(8_192 - 22)}`],
    ['7', 'x', 'data:image/svg+xml,%3Csvg/%3E'],
  ])('with a plain name has it: %s', async (name, detail, avatarUrl) => {
    const person = { name, detail, avatarUrl };
    const { send } = aDirectory({ describe: () => ({ [MAYA]: { ...person, role: 'admin', id: SAM } }) });
    expect((await send('GET', '/me?people=true', { as: MAYA })).body.people).toEqual({ [MAYA]: person });
  });

  it.each([
    '',
    'avatar.png',
    'https://evil.example/a.png',
    '//evil.example/a.png',
    '/\\evil.example',
    '/\t/evil.example',
    '\t//evil.example',
    '/a b',
    '/ä.png',
    '/a\n',
    'javascript:alert(1)',
    'data:text/html,<script>',
    'data:image/png',
    'DATA:text/html;image/png,x',
    `data:image/png;base64,${'A'.repeat(8_192)}`,
    `/${'a'.repeat(8_192)}`,
    7,
    { toString: () => PATH },
  ])('has no avatar %j', async (avatarUrl) => {
    const { send } = aDirectory({ describe: () => ({ [MAYA]: { name: 'Maya', detail: 'a\nb', avatarUrl } }) });
    expect((await send('GET', '/me?people=true', { as: MAYA })).body.people).toEqual({ [MAYA]: { name: 'Maya' } });
  });

  it('is not found by the prototype of an answer, and sets none', async () => {
    const { send, engine } = aDirectory(
      { describe: (ids: readonly string[]) => Object.fromEntries([...ids, '__proto__', EVE].map((id) => [id, { name: `n ${id}` }])) },
      { http: { may: () => true } },
    );
    for (const subject of ['__proto__', 'constructor', 'toString']) await engine.lock({ subject }, { by: SEC });
    const { text, body } = await send('GET', '/locks?people=true', { as: MAYA });
    expect(Object.keys(body.people ?? {}).sort()).toEqual(['constructor', 'toString', SEC]);
    expect(text).not.toContain('"n __proto__"');
    const none = aDirectory({ describe: () => ({}) }, { http: { may: () => true } });
    for (const subject of ['constructor', 'toString']) await none.engine.lock({ subject }, { by: SEC });
    expect((await none.send('GET', '/locks?people=true', { as: MAYA })).body.people).toEqual({});
  });

  it('that answers for other ids than those that were asked adds none', async () => {
    const { send } = aDirectory({ describe: () => ({ ...named(MAYA), ...named(SAM), ...named('user:ceo') }) });
    expect((await send('GET', '/me?people=true', { as: MAYA })).body.people).toEqual(named(MAYA));
  });
});

describe('a search for people', () => {
  it('[C3] is full although the directory lists what is no person: another one of the same name may be missing', async () => {
    const rows = Array.from({ length: 24 }, (_, i) => ({ id: `user:p${i}`, name: i < 4 ? '' : 'Maya Ito' }));
    const { send } = aDirectory({ search: () => [...rows.slice(0, 5), rows[4], ...rows.slice(5)] });
    const { body } = await send('GET', '/people?search=maya', { as: MAYA });
    expect((body.items as unknown as readonly { readonly id: string }[]).map(({ id }) => id)).toEqual(rows.slice(4).map(({ id }) => id));
  });

  it('passes the text and the caller to the directory, and returns people', async () => {
    const { send, searched } = aDirectory();
    const { status, body } = await send('GET', '/people?search=%20ma%25%20', { as: MAYA });
    expect([status, body]).toEqual([200, { items: [{ id: MAYA, name: 'Maya Ito' }] }]);
    expect(searched).toEqual([`${MAYA} for  ma% `]);
  });

  it.each([AGENT, 'agent:', 'bot:1'])('is refused to the agent %s, and asks no directory', async (as) => {
    const { send, searched, errors } = aDirectory({}, { engine: { agents: (id) => id.startsWith('agent:') || id.startsWith('bot:') } });
    const { status, body } = await send('GET', '/people?search=maya', { as });
    expect([status, body.type, searched, errors]).toEqual([403, 'urn:jit-access:problem:forbidden', [], []]);
    expect((await send('GET', '/people?search=maya&people=true', { as })).status).toBe(403);
  });

  it('is refused to a run, to an agent by its canonical id, and to every caller while `agents` fails', async () => {
    const run = aDirectory({}, { engine: { agents: (id) => id === 'bot:1' } });
    expect((await run.send('GET', '/people?search=maya', { as: runSubject({ agent: 'bot:1', operator: MAYA, job: 'j' }) })).status).toBe(
      403,
    );
    const canonical = aDirectory({}, { engine: { canonicalId: (id) => id.toLowerCase() } });
    expect((await canonical.send('GET', '/people?search=maya', { as: 'AGENT:scout' })).status).toBe(403);
    const failing = aDirectory({}, { engine: { agents: raise } });
    expect((await failing.send('GET', '/people?search=maya', { as: MAYA })).status).toBe(403);
    expect([...run.searched, ...canonical.searched, ...failing.searched]).toEqual([]);
  });

  it.each(['', 'search=', 'search=m', `search=${'m'.repeat(65)}`, 'search=maya&search=sam', 'search=maya&id=user:sam', 'ids=user:sam'])(
    'is refused with the query %s',
    async (query) => {
      const { send, searched } = aDirectory();
      expect([(await send('GET', `/people?${query}`, { as: MAYA })).status, searched]).toEqual([400, []]);
    },
  );

  const hostile = ['\0', '\n', '\u2028', '\u001b[31m', '\u202e', '\u2066', '\u0301'.repeat(5), '\u0085'];
  it.each(hostile)('[A29] is refused with %j in its text, and asks no directory', async (part) => {
    const { send, searched } = aDirectory();
    const { status, body } = await send('GET', `/people?search=${encodeURIComponent(`ma${part}ya`)}`, { as: MAYA });
    expect([status, body.argument, searched]).toEqual([400, 'search', []]);
  });

  it.each(['\u200d', '\u200f', '\u061c', '\u200b', '\ufeff'])('[A29] passes its text without %j at its edges', async (edge) => {
    const { send, searched } = aDirectory();
    const search = encodeURIComponent(`${edge}maya${edge}${edge}`);
    expect((await send('GET', `/people?search=${search}`, { as: MAYA })).status).toBe(200);
    expect(searched).toEqual([`${MAYA} for maya`]);
    expect((await send('GET', `/people?search=${encodeURIComponent(`${edge}m${edge}`)}`, { as: MAYA })).status).toBe(400);
  });

  it('passes the limit of calls', async () => {
    const { send, searched } = aDirectory({}, { http: { limit: (_, route) => (route === 'searchPeople' ? 7 : 0) } });
    const { status, headers } = await send('GET', '/people?search=maya', { as: MAYA });
    expect([status, headers.get('retry-after'), searched]).toEqual([429, '7', []]);
  });

  it('returns at most 20 people, each once, with the ids of the engine, and drops what is no person', async () => {
    const found = [
      null,
      'user:sam',
      { id: 'user:sam ', name: 'Sam' },
      { id: 7, name: 'Sam' },
      { name: 'Sam' },
      { id: '__proto__', name: 'Proto' },
      { id: 'USER:RAJ', name: 'Raj' },
      { id: RAJ, name: 'Raj Rao', avatarUrl: PATH, roles: ['manager'] },
      ...Array.from({ length: 50 }, (_, i) => ({ id: `user:${i}`, name: `n ${i}` })),
    ];
    const { send } = aDirectory({ search: () => found }, { engine: { canonicalId: (id) => id.toLowerCase() } });
    const { body } = await send('GET', '/people?search=ra', { as: MAYA });
    expect(body.items?.[0]).toEqual({ id: '__proto__', name: 'Proto' });
    expect(body.items?.[1]).toEqual({ id: RAJ, name: 'Raj Rao', avatarUrl: PATH });
    expect(body.items).toHaveLength(20);
  });
});

describe('the client', () => {
  it('reads names with its option, in one answer, in a page and in a whole list', async () => {
    const service = aService();
    await withExamples(service);
    const { client, sent } = aClient(service, SEC);
    const maya = { [MAYA]: { name: 'Maya Ito' } };
    expect((await client.listRequests({ all: true, limit: 1 }, { people: true })).people).toMatchObject(maya);
    expect((await client.canAsk(SCOPE, { people: true })).people).toEqual({});
    const locks = await client.listLocks({ people: true });
    expect([locks.length, locks.people]).toEqual([1, {}]);
    expect([(await client.listLocks()).people, (await client.listLocks({ people: false })).people]).toEqual([undefined, undefined]);
    const yielded: string[] = [];
    for await (const { id } of client.listRequests({ all: true, limit: 1 }, { people: true })) yielded.push(id);
    expect(yielded).toHaveLength(4);
    expect(sent.filter(({ url }) => url.includes('people=true'))).toHaveLength(3 + 4);
  });

  it('keeps no answer whose names failed', async () => {
    let isDown = true;
    const service = aDirectory({ describe: () => (isDown ? raise() : named(EVE)) });
    await service.engine.lock({ subject: EVE }, { by: SEC });
    const { client } = aClient(service, SEC);
    expect((await client.listLocks({ people: true })).people).toEqual({});
    isDown = false;
    expect((await client.listLocks({ people: true })).people).toEqual(named(EVE));
  });

  it('searches people, and refuses a text that would be another path', async () => {
    const service = aService();
    const { client } = aClient(service);
    expect(await client.people.search('sol')).toEqual([{ id: SAM, name: 'Sam Sol' }]);
    expect(await caught(aClient(service, AGENT).client.people.search('sol'))).toMatchObject({ status: 403 });
    expect(await caught(client.people.search('..'))).toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT' });
  });
});

describe('the views of a caller', () => {
  it('are what `may` permits for no target, asked once for each action', async () => {
    const targets: unknown[] = [];
    const { send } = aService({
      http: {
        may: ({ action, target }) => {
          targets.push([action, target]);
          return action === 'history' || action === 'listLocks' ? true : action === 'listGrants' ? ('yes' as never) : undefined;
        },
      },
    });
    const { status, body } = await send('GET', '/me/views', { as: MAYA });
    expect([status, body]).toEqual([200, { actions: ['listLocks', 'history'], patterns: true, breakGlass: true }]);
    expect(new Set(targets.map((asked) => JSON.stringify(asked))).size).toBe(targets.length);
    expect(targets.every((asked) => JSON.stringify(asked).endsWith(',{}]'))).toBe(true);
  });

  it('give no right, and leave GET /me as it was', async () => {
    const { send } = aService({ http: { may: ({ action, target }) => action === 'listGrants' && target.subject === undefined } });
    expect((await send('GET', '/me/views', { as: EVE })).body.actions).toEqual(['listGrants']);
    expect((await send('GET', `/grants?subject=${MAYA}`, { as: EVE })).status).toBe(403);
    expect(Object.keys((await send('GET', '/me', { as: EVE })).body)).not.toContain('actions');
  });

  it('are 503 while `may` fails, and not an empty menu', async () => {
    const { send, errors } = aService({ http: { may: raise } });
    expect((await send('GET', '/me/views', { as: SEC })).status).toBe(503);
    expect(errors.length).toBeGreaterThan(0);
  });
});

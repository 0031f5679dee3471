import { describe, expect, it } from 'vitest';
import { createAuthzenHandler, type AuthzenDirectory } from 'jit-access/authzen';
import { patternScopes } from '../../../src/index.js';
import { toBase64Url } from '../../../src/core/base64.js';
import { anAuthzen, clientOf, DB, EVALUATION, grant, MAYA, OPTIONS, OTHER, SCOPE, SUBJECT, TOKEN_KEYS, WRITE } from './authzen-of.js';

const FOR_SUBJECTS = { subject: { type: 'user' }, resource: DB, action: WRITE };
const FOR_RESOURCES = { subject: MAYA, resource: { type: 'db' }, action: WRITE };
const FOR_ACTIONS = { subject: MAYA, resource: DB };

interface Found {
  readonly page: { readonly next_token: string; readonly count: number };
  readonly results: readonly { readonly type?: string; readonly id?: string; readonly name?: string }[];
}

const search = async ({ send }: Pick<ReturnType<typeof anAuthzen>, 'send'>, kind: string, body: object, as?: string): Promise<Found> => {
  const answer = await send(`/search/${kind}`, body, as === undefined ? {} : { as });
  expect(answer.status).toBe(200);
  return answer.body as unknown as Found;
};

/** maya holds write on 5 databases and read on one, sam holds write on one. */
async function held(...given: Parameters<typeof anAuthzen>) {
  const made = anAuthzen(...given);
  for (const id of ['a', 'b', 'c', 'd', 'prod']) await grant(made.engine, SUBJECT, `db:${id}:write`);
  await grant(made.engine, SUBJECT, 'db:prod:read');
  await grant(made.engine, SUBJECT, 'file:prod:write');
  await grant(made.engine, 'user:lee', SCOPE);
  await grant(made.engine, 'service:job', SCOPE);
  return made;
}

const dbs = (...ids: readonly string[]) => ids.map((id) => ({ type: 'db', id }));

describe('A.3 searches', () => {
  it('A.3 finds the holders of a scope, of the searched type only, and ignores the id of the searched entity', async () => {
    const made = await held();
    const expected = [
      { type: 'user', id: 'lee' },
      { type: 'user', id: 'maya' },
    ];
    for (const subject of [{ type: 'user' }, { type: 'user', id: 'sam' }, { type: 'user', id: 7 }])
      expect(await search(made, 'subject', { ...FOR_SUBJECTS, subject })).toEqual({
        page: { next_token: '', count: 2 },
        results: expected,
      });
    expect((await search(made, 'subject', { ...FOR_SUBJECTS, subject: { type: 'service' } })).results).toEqual([
      { type: 'service', id: 'job' },
    ]);
  });

  it('A.3 finds the resources and the actions of a subject', async () => {
    const made = await held();
    expect((await search(made, 'resource', FOR_RESOURCES)).results).toEqual(dbs('a', 'b', 'c', 'd', 'prod'));
    expect((await search(made, 'resource', { ...FOR_RESOURCES, resource: { type: 'file', id: 'x' } })).results).toEqual([
      { type: 'file', id: 'prod' },
    ]);
    expect((await search(made, 'action', FOR_ACTIONS)).results).toEqual([{ name: 'read' }, { name: 'write' }]);
    expect((await search(made, 'action', { ...FOR_ACTIONS, action: { name: 'ignored' } })).results).toHaveLength(2);
  });

  it('A.3 every result evaluates to true, and each entity that evaluates to true by a grant is a result', async () => {
    const made = await held({ condition: ({ resource }) => resource.id !== 'c' });
    await made.engine.lock({ scope: 'db:b:write' }, { by: 'user:sam' });
    const { results } = await search(made, 'resource', FOR_RESOURCES);
    expect(results).toEqual(dbs('a', 'd', 'prod'));
    for (const resource of dbs('a', 'b', 'c', 'd', 'e', 'prod')) {
      const { body } = await made.send('/evaluation', { ...EVALUATION, resource });
      expect([resource.id, body['decision']]).toEqual([resource.id, results.some(({ id }) => id === resource.id)]);
    }
  });

  it('A.3 ended access is no result, before any sweep', async () => {
    const made = await held();
    await made.clock.advance('15m');
    for (const [kind, body] of [
      ['subject', FOR_SUBJECTS],
      ['resource', FOR_RESOURCES],
      ['action', FOR_ACTIONS],
    ] as const)
      expect(await search(made, kind, body)).toEqual({ page: { next_token: '', count: 0 }, results: [] });
  });

  it.each([
    ['subject', { ...FOR_SUBJECTS, resource: { type: 'db', id: 'unknown' } }],
    ['subject', { ...FOR_SUBJECTS, subject: { type: 'unknown' } }],
    ['subject', { ...FOR_SUBJECTS, resource: { type: 'db', id: 'x'.repeat(65) } }],
    ['resource', { ...FOR_RESOURCES, subject: { type: 'user', id: 'unknown' } }],
    ['resource', { ...FOR_RESOURCES, subject: { type: 'user', id: '' } }],
    ['resource', { ...FOR_RESOURCES, resource: { type: 'unknown' } }],
    ['action', { ...FOR_ACTIONS, subject: { type: 'user', id: 'unknown' } }],
    ['action', { ...FOR_ACTIONS, resource: { type: 'unknown', id: 'x' } }],
  ])('A.3 CERT an unknown entity gives no results and 200 (%s)', async (kind, body) => {
    expect(await search(await held(), kind, body)).toEqual({ page: { next_token: '', count: 0 }, results: [] });
  });

  it.each([
    ['subject', { ...FOR_SUBJECTS, subject: {} }],
    ['subject', { resource: DB, action: WRITE }],
    ['subject', { ...FOR_SUBJECTS, resource: { type: 'db' } }],
    ['subject', { ...FOR_SUBJECTS, action: {} }],
    ['resource', { ...FOR_RESOURCES, subject: { type: 'user' } }],
    ['resource', { ...FOR_RESOURCES, resource: { id: 'x' } }],
    ['resource', { subject: MAYA, resource: { type: 'db' } }],
    ['action', { ...FOR_ACTIONS, resource: { type: 'db' } }],
    ['action', { resource: DB }],
    ['action', { ...FOR_ACTIONS, page: [] }],
    ['action', { ...FOR_ACTIONS, page: { limit: -1 } }],
    ['action', { ...FOR_ACTIONS, page: { limit: 1.5 } }],
    ['action', { ...FOR_ACTIONS, page: { limit: '1' } }],
    ['action', { ...FOR_ACTIONS, page: { token: 7 } }],
  ])('A.3 refuses an incomplete or malformed search with 400 (%s %j)', async (kind, body) => {
    const { send } = await held();
    const { status, text } = await send(`/search/${kind}`, body);
    expect(status).toBe(400);
    expect(text).not.toContain('results');
  });

  it('A.3 a directory also finds standing access, patterns and mapped scopes, each judged as an evaluation', async () => {
    const directory: AuthzenDirectory = {
      subjects: () => ['root', 'lee', 'nobody', 'root', ''],
      resources: async () => ['a', 'z', '*'],
      async *actions() {
        yield* ['admin', 'write'];
      },
    };
    const made = await held({ directory }, { standing: { 'user:root': ['db:**'] }, scopes: patternScopes });
    expect((await search(made, 'subject', FOR_SUBJECTS)).results.map(({ id }) => id)).toEqual(['lee', 'maya', 'root']);
    const root = { type: 'user', id: 'root' };
    expect((await search(made, 'resource', { ...FOR_RESOURCES, subject: root })).results).toEqual(dbs('*', 'a', 'z'));
    expect((await search(made, 'action', { ...FOR_ACTIONS, subject: root })).results).toEqual([{ name: 'admin' }, { name: 'write' }]);
    expect((await search(made, 'action', FOR_ACTIONS)).results).toEqual([{ name: 'read' }, { name: 'write' }]);
  });

  it('A.5 with a directory and a map: the owner of a thing may use it', async () => {
    const made = anAuthzen(
      {
        directory: { subjects: () => ['maya', 'lee'] },
        map: ({ subject, resource }) => (resource.properties?.['owner'] === subject.id ? `own:${resource.type}` : null),
      },
      { standing: () => ['own:todo'] },
    );
    const resource = { type: 'todo', id: '7', properties: { owner: 'lee' } };
    expect((await search(made, 'subject', { ...FOR_SUBJECTS, resource })).results).toEqual([{ type: 'user', id: 'lee' }]);
  });

  it('A.3 a directory that fails is 503, never an empty result', async () => {
    for (const list of [
      () => {
        throw new Error('down');
      },
      () => Promise.reject(new Error('down')),
      () => [7],
      () => undefined,
    ]) {
      const { send } = await held({ directory: { resources: list as never } });
      expect((await send('/search/resource', FOR_RESOURCES)).status).toBe(503);
    }
  });

  it('A.3 a caller that may not search gets 403, and `may` sees no searched entity', async () => {
    const seen: unknown[] = [];
    const { send } = anAuthzen({ may: (question) => (seen.push([question.operation, question.subject]), false) });
    expect((await send('/search/subject', FOR_SUBJECTS)).status).toBe(403);
    expect(seen).toEqual([['search', undefined]]);
  });
});

describe('A.3 pages', () => {
  it.each([1, 2, 3, 4, 5, 6])('A.3 pages of %i contain each result once, and the last one has an empty token', async (limit) => {
    const made = await held();
    const ids: (string | undefined)[] = [];
    let page: object = { limit };
    for (let pages = 1; pages < 20; pages++) {
      const found = await search(made, 'resource', { ...FOR_RESOURCES, page });
      expect(Object.keys(found)[0]).toBe('page');
      ids.push(...found.results.map(({ id }) => id));
      if (found.page.next_token === '') break;
      expect(found.results).toHaveLength(limit);
      // The limit may be missing beside the token.
      page = pages % 2 === 0 ? { token: found.page.next_token } : { token: found.page.next_token, limit };
    }
    expect(ids).toEqual(['a', 'b', 'c', 'd', 'prod']);
  });

  it('A.3 limit 0 gives no result and a token for the next page', async () => {
    const made = await held();
    const { page, results } = await search(made, 'resource', { ...FOR_RESOURCES, page: { limit: 0 } });
    expect(results).toEqual([]);
    expect(page.next_token).not.toBe('');
    expect((await search(made, 'resource', { ...FOR_RESOURCES, page: { token: page.next_token } })).results).toHaveLength(5);
  });

  it('A.3 results that appear or end between two pages neither repeat nor hide others', async () => {
    const made = await held();
    const first = await search(made, 'resource', { ...FOR_RESOURCES, page: { limit: 2 } });
    await grant(made.engine, SUBJECT, 'db:aa:write');
    await grant(made.engine, SUBJECT, 'db:bb:write');
    await made.engine.revokeAll({ scope: 'db:b:write' }, { by: 'user:sam' });
    const rest = await search(made, 'resource', { ...FOR_RESOURCES, page: { token: first.page.next_token, limit: 2 } });
    expect(rest.results).toEqual(dbs('bb', 'c'));
  });

  it('A.3 refuses a token with other entities, another limit, another search or another caller', async () => {
    const made = await held();
    const { page } = await search(made, 'resource', { ...FOR_RESOURCES, page: { limit: 2 } });
    const token = page.next_token;
    const refused = async (kind: string, body: object, as?: string) =>
      (
        await made.send(
          `/search/${kind}`,
          { ...body, page: { token, ...((body as { page?: object }).page ?? {}) } },
          as === undefined ? {} : { as },
        )
      ).status;
    expect(await refused('resource', { ...FOR_RESOURCES, subject: { type: 'user', id: 'lee' } })).toBe(400);
    expect(await refused('resource', { ...FOR_RESOURCES, action: { name: 'read' } })).toBe(400);
    expect(await refused('resource', { ...FOR_RESOURCES, resource: { type: 'file' } })).toBe(400);
    expect(await refused('resource', { ...FOR_RESOURCES, resource: { type: 'db', properties: { a: 1 } } })).toBe(400);
    expect(await refused('resource', { ...FOR_RESOURCES, context: { a: 1 } })).toBe(400);
    expect(await refused('resource', { ...FOR_RESOURCES, page: { limit: 3 } })).toBe(400);
    expect(await refused('action', FOR_ACTIONS)).toBe(400);
    expect(await refused('resource', FOR_RESOURCES, OTHER)).toBe(400);
    // The searched id is ignored, and so is the order of members.
    expect(await refused('resource', { action: WRITE, resource: { id: 'other', type: 'db' }, subject: { id: 'maya', type: 'user' } })).toBe(
      200,
    );
  });

  it('A.3 refuses each changed token: one character less, more or another', async () => {
    const made = await held();
    const token = (await search(made, 'resource', { ...FOR_RESOURCES, page: { limit: 2 } })).page.next_token;
    const changed = new Set<string>([token.slice(1), token.slice(0, -1), `${token}A`, `${token}.A`, `k2${token.slice(2)}`]);
    for (let i = 0; i < token.length; i++) changed.add(`${token.slice(0, i)}${token[i] === 'A' ? 'B' : 'A'}${token.slice(i + 1)}`);
    const content = toBase64Url(new TextEncoder().encode(JSON.stringify(['x', 2, 'd'])));
    changed.add(`k1.${content}.${token.split('.')[2] ?? ''}`);
    changed.add(`k1.${token.split('.')[1] ?? ''}.`);
    changed.add('x'.repeat(10_000));
    changed.add('..');
    changed.delete(token);
    for (const forged of changed) {
      const { status } = await made.send('/search/resource', { ...FOR_RESOURCES, page: { token: forged } });
      expect([forged, status]).toEqual([forged, 400]);
    }
    expect(changed.size).toBeGreaterThan(150);
  });

  it('A.3 accepts the tokens of an older key, and not those of a foreign one', async () => {
    const made = await held();
    const token = (await search(made, 'resource', { ...FOR_RESOURCES, page: { limit: 2 } })).page.next_token;
    const next = { id: 'k2', secret: 'n'.repeat(32) };
    const with_ = (tokenKeys: typeof TOKEN_KEYS) => clientOf(createAuthzenHandler(made.engine, { ...OPTIONS, tokenKeys }));
    const body = { ...FOR_RESOURCES, page: { token } };
    expect((await with_([next, ...TOKEN_KEYS]).send('/search/resource', body)).status).toBe(200);
    expect((await with_([next]).send('/search/resource', body)).status).toBe(400);
    expect((await with_([{ id: 'k1', secret: 'z'.repeat(32) }]).send('/search/resource', body)).status).toBe(400);
  });
});

import { describe, expect, it } from 'vitest';
import { badgeOf } from '../../../src/features/http/badge.js';
import { journalHead } from '../../../src/journal.js';
import { aService, EVE, MAYA, SAM, SCOPE, SEC } from './world.js';

/* The tag of an answer is a digest of the body that this caller sees, without the reading of the clock. */

const ASK = { scope: SCOPE, ttl: '30m', justification: 'INC-204: backfill' } as const;

/** A service in which maya holds access, and a way to read a path, also with the tag of an earlier answer. */
async function withAccess(http: Parameters<typeof aService>[0] = {}) {
  const service = aService(http);
  const { engine, send } = service;
  const { request } = await engine.requestAccess({ ...ASK, subject: MAYA });
  await engine.approve(request.id, { by: SAM, comment: 'only for the reviewers' });
  const get = (as: string, path: string, tag?: string) =>
    send('GET', path, { as, headers: tag === undefined ? {} : { 'if-none-match': tag } });
  const tagOf = async (as: string, path: string) => (await get(as, path)).headers.get('etag') ?? '';
  return { ...service, request, get, tagOf };
}

describe('the tag of an answer', () => {
  it('is the same at a later reading of the clock, and `at` is that reading', async () => {
    const { engine, clock, get, tagOf } = await withAccess();
    const tag = await tagOf(MAYA, '/me');
    await clock.advance('1m');
    const { status, text, headers } = await get(MAYA, '/me');
    const held = await engine.status(MAYA);
    expect([status, text]).toEqual([200, JSON.stringify({ ...held, badge: badgeOf(held) })]);
    expect(headers.get('etag')).toBe(tag);
    expect(held.at).toBe(clock.now());
    expect(await get(MAYA, '/me', tag)).toMatchObject({ status: 304, text: '' });
  });

  it('reads no `at` in a subject that contains the text of one', async () => {
    const subject = 'user:"at":1';
    const { engine, send } = aService({ http: { identify: () => ({ subject, roles: [] }) } });
    const { text } = await send('GET', '/me');
    const held = await engine.status(subject);
    expect(text).toBe(JSON.stringify({ ...held, badge: badgeOf(held) }));
  });

  it('L1 does not outlive an expiry, which writes no entry', async () => {
    const { engine, clock, get, tagOf } = await withAccess();
    const tag = await tagOf(MAYA, '/me');
    const before = await journalHead(engine);
    await clock.advance('30m');
    expect(await journalHead(engine)).toEqual(before);
    const answer = await get(MAYA, '/me', tag);
    expect([answer.status, answer.body.badge]).toMatchObject([200, { state: 'read-only' }]);
  });

  it('does not change with what happens to others', async () => {
    const { engine, get, tagOf } = await withAccess();
    const [me, list] = [await tagOf(EVE, '/me'), await tagOf(EVE, '/requests')];
    const before = await journalHead(engine);
    await engine.requestAccess({ ...ASK, scope: 'db-prod:read', subject: MAYA });
    expect(await journalHead(engine)).not.toEqual(before);
    expect([(await get(EVE, '/me', me)).status, (await get(EVE, '/requests', list)).status]).toEqual([304, 304]);
  });

  it('is that of the own view: the tag of a reviewer gives a subject no 304', async () => {
    const { request, get, tagOf } = await withAccess();
    const path = `/requests/${request.id}`;
    const tag = await tagOf(SAM, path);
    expect((await get(SAM, path)).text).toContain('only for the reviewers');
    const own = await get(MAYA, path, tag);
    expect(own.status).toBe(200);
    expect(own.text).not.toContain('only for the reviewers');
    expect((await get(MAYA, path, await tagOf(MAYA, path))).status).toBe(304);
  });

  it('gives no answer to a caller whose right has ended', async () => {
    let permits = true;
    const { get, tagOf } = await withAccess({ http: { may: () => permits } });
    const tag = await tagOf(SEC, '/requests?all=true');
    permits = false;
    expect((await get(SEC, '/requests?all=true', tag)).status).toBe(403);
  });
});

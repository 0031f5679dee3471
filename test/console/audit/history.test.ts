import { describe, expect, it } from 'vitest';
import type { AccessClient } from '../../../src/features/client/access-client.js';
import { aGrant } from '../../../src/testing.js';
import { addMessages } from '../../../src/console/app/frame/messages.js';
import { history } from '../../../src/console/app/views/history.messages.js';
import { grantRows } from '../../../src/console/app/views/history/grant-rows.js';
import { addressOf, questionIn, readHeld, widestTopic } from '../../../src/console/app/views/history/question.js';
import { DAY } from '../../../src/console/app/views/history/span.js';

addMessages(history);

const NOW = Date.UTC(2026, 0, 31, 12);
const ask = (text: string) => questionIn(new URLSearchParams(text), { person: 'user:me' }, NOW);

describe('a question by its address', () => {
  it('is about the caller without a topic, and about the month up to now', () => {
    expect(ask('')).toEqual({ topic: { person: 'user:me' }, span: { from: NOW - 31 * DAY, to: NOW }, at: NOW - 1 });
    expect(ask('person=%20&scope=').topic).toEqual({ person: 'user:me' });
  });

  it.each([
    ['scope=db-prod:write', { scope: 'db-prod:write' }],
    ['person=user:maya', { person: 'user:maya' }],
    ['all=true', { all: true }],
    ['all=1', { person: 'user:me' }],
    ['scope=db-prod:write&person=user:maya', { scope: 'db-prod:write' }],
  ])('%s', (text, topic) => {
    expect(ask(text).topic).toEqual(topic);
  });

  it('has an instant within its span', () => {
    const span = 'from=2026-01-10T00:00:00Z&to=2026-01-11T00:00:00Z';
    const [from, to] = [Date.UTC(2026, 0, 10), Date.UTC(2026, 0, 11)];
    expect(ask(`scope=a&${span}&at=2026-01-10T02:00:00Z`).at).toBe(from + 7_200_000);
    expect(ask(`scope=a&${span}&at=2026-01-09T02:00:00Z`).at).toBe(from);
    // Half-open: its end is no instant of the span.
    expect(ask(`scope=a&${span}&at=2026-01-11T00:00:00Z`).at).toBe(to - 1);
  });

  it.each(['scope=a%26b%3Dc&at=2026-01-20T00:00:00Z', 'person=user:%E2%80%AEevil', 'all=true'])('is read as it is written: %s', (text) => {
    const question = ask(text);
    const written = new URLSearchParams(addressOf(question) as Record<string, string>);
    expect(questionIn(written, { person: 'user:other' }, NOW + DAY)).toEqual({
      ...question,
      at: 'scope' in question.topic ? question.at : NOW - 1,
    });
  });
});

describe('the widest question of a caller', () => {
  it('is about all access only with the right to read it', () => {
    const permits = (isPermitted: boolean) => ({ permits: () => isPermitted, caller: 'user:me' });
    expect(widestTopic(permits(true))).toEqual({ all: true });
    expect(widestTopic(permits(false))).toEqual({ person: 'user:me' });
  });

  it.each([
    ['person=user:maya', 'listGrants', { subject: 'user:maya', during: { from: NOW - 31 * DAY, to: NOW } }],
    ['scope=db-prod:write', 'history', { scope: 'db-prod:write', from: NOW - 31 * DAY, to: NOW }],
    ['all=true', 'history', { from: NOW - 31 * DAY, to: NOW }],
  ])('asks the API for no more than it is about: %s', (text, method, asked) => {
    const calls: unknown[] = [];
    const keep = (name: string) => (query: object) => calls.push({ name, query });
    const client = { listGrants: keep('listGrants'), history: keep('history') } as unknown as AccessClient;
    void readHeld(client, ask(text), 'later', new AbortController().signal);
    expect(calls).toEqual([{ name: method, query: { ...asked, after: 'later', limit: 500 } }]);
  });
});

describe('the lines of a CSV', () => {
  it('have ids, names, instants in UTC, and how each grant ended', () => {
    const grant = { ...aGrant({ startsAt: NOW, issuedAt: NOW, expiresAt: NOW + DAY }), status: 'revoked' as const };
    const end = { status: 'revoked', cause: 'revoked', at: NOW + 1_000, by: 'user:sam', reason: '=1+1' } as const;
    const [head, line, ...rest] = grantRows([{ ...grant, end }], new Map([[grant.subject, { name: 'Maya' }]]));
    expect(rest).toEqual([]);
    expect(head).toHaveLength(line?.length ?? 0);
    expect(line).toEqual([
      ...[grant.subject, 'Maya', grant.scope, '2026-01-31T12:00:00.000Z', '2026-01-31T12:00:01.000Z'],
      ...['revoked', 'revoked', 'user:sam', '=1+1', 'false', grant.requestId, grant.id],
    ]);
  });

  it('have no start for a grant that never began', () => {
    const grant = { ...aGrant(), asksAtStart: true, activatedAt: undefined, status: 'scheduled' as const };
    expect(grantRows([grant], new Map())[1]?.slice(1, 4)).toEqual(['', grant.scope, '']);
  });
});

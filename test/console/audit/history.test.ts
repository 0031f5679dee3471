import { describe, expect, it } from 'vitest';
import { patternScopes } from '../../../src/index.js';
import type { AccessClient } from '../../../src/features/client/access-client.js';
import { aGrant } from '../../../src/testing.js';
import { addMessages } from '../../../src/console/app/frame/messages.js';
import { history } from '../../../src/console/app/views/history.messages.js';
import { grantCsv } from '../../../src/console/app/views/history/grant-rows.js';
import { allPages, MOST_GRANTS } from '../../../src/console/app/views/history/all-pages.js';
import {
  addressOf,
  isPart,
  patternsOf,
  questionIn,
  questionText,
  readHeld,
  readHolders,
  widestTopic,
} from '../../../src/console/app/views/history/question.js';
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
    ['pattern=db-prod&person=user:maya', { pattern: 'db-prod' }],
    ['scope=db-prod:write&pattern=db-prod', { scope: 'db-prod:write' }],
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

  it.each([
    'scope=a%26b%3Dc&at=2026-01-20T00:00:00Z',
    'pattern=db-prod:*&at=2026-01-20T00:00:00Z',
    'person=user:%E2%80%AEevil',
    'all=true',
  ])('is read as it is written: %s', (text) => {
    const question = ask(text);
    const written = new URLSearchParams(addressOf(question) as Record<string, string>);
    expect(questionIn(written, { person: 'user:other' }, NOW + DAY)).toEqual({
      ...question,
      at: 'scope' in question.topic || 'pattern' in question.topic ? question.at : NOW - 1,
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
    ['pattern=db-prod', 'history', { pattern: ['db-prod', 'db-prod:**'], from: NOW - 31 * DAY, to: NOW }],
    // What is no pattern is refused by the API. Without it, the question would be about everything.
    ['pattern=a::b', 'history', { pattern: 'a::b', from: NOW - 31 * DAY, to: NOW }],
  ])('asks the API for no more than it is about: %s', (text, method, asked) => {
    const calls: unknown[] = [];
    const keep = (name: string) => (query: object) => calls.push({ name, query });
    const client = { listGrants: keep('listGrants'), history: keep('history') } as unknown as AccessClient;
    void readHeld(client, ask(text), 'later', new AbortController().signal);
    expect(calls).toEqual([{ name: method, query: { ...asked, after: 'later', limit: 500 } }]);
  });
});

describe('a text as a pattern', () => {
  it.each([
    ['db-prod', ['db-prod', 'db-prod:**']],
    ['db-prod:*:write', ['db-prod:*:write']],
    ['**', ['**']],
    ['a::b', []],
    ['<img src=x>', []],
    [Array(16).fill('a').join(':'), [Array(16).fill('a').join(':')]],
    ['x'.repeat(256), ['x'.repeat(256)]],
    ['x'.repeat(257), []],
    ['x'.repeat(100_000), []],
  ])('%.20s', (text, patterns) => {
    expect(patternsOf(text)).toEqual(patterns);
  });

  it('calls a grant a part unless it gives the scope itself, or all that is below it', () => {
    const parts = (pattern: string) => ['db', 'db:a', 'db:**', '**', 'db:*:write'].filter((scope) => isPart({ pattern }, scope));
    expect(parts('db')).toEqual(['db:a', 'db:*:write']);
    expect(parts('db:a')).toEqual(['db', 'db:*:write']);
    expect(parts('db:*')).toEqual(['db', 'db:a', 'db:*:write']);
    expect(isPart({ scope: 'db' }, 'db:a')).toBe(false);
  });

  it('finds no fewer than the question about the exact scope', () => {
    for (const scope of ['db', 'db:a', 'db:a:write'])
      for (const granted of ['db', 'db:a', 'db:**', '**', '*:a', 'db:*:write', '*', 'logs:**'])
        if (patternScopes.covers(granted, scope))
          expect(patternsOf(scope).some((pattern) => patternScopes.overlaps(pattern, granted))).toBe(true);
  });

  it('is asked of the holders at an instant, too', () => {
    const calls: unknown[] = [];
    const client = { whoHadAccess: (query: object) => calls.push(query) } as unknown as AccessClient;
    void readHolders(client, { pattern: 'db' }, NOW, undefined, new AbortController().signal);
    void readHolders(client, { scope: 'db' }, NOW, 'later', new AbortController().signal);
    expect(calls).toEqual([
      { pattern: ['db', 'db:**'], at: NOW, after: undefined, limit: 1_000 },
      { scope: 'db', at: NOW, after: 'later', limit: 1_000 },
    ]);
  });
});

describe('all pages of an answer', () => {
  const pageOf = (count: number, next?: string) => Promise.resolve({ items: Array.from({ length: count }, (_, i) => i), next });
  const counts = async (pages: AsyncGenerator<{ readonly items: readonly unknown[] }>) => {
    const read: number[] = [];
    for await (const { items } of pages) read.push(items.length);
    return read;
  };

  it('are read from place to place, also through empty ones, up to 100,000 grants', async () => {
    const places: unknown[] = [];
    const read = (after?: string) => (
      places.push(after),
      pageOf(after === 'b' ? 0 : 2, { a: 'b', b: 'c' }[after ?? ''] ?? (after === 'c' ? undefined : 'a'))
    );
    expect(await counts(allPages(read, new AbortController().signal))).toEqual([2, 2, 0, 2]);
    expect(places).toEqual([undefined, 'a', 'b', 'c']);
    const endless = (await counts(allPages(() => pageOf(1_000, 'more'), new AbortController().signal))).length;
    expect(endless).toBe(MOST_GRANTS / 1_000);
    expect(await counts(allPages(() => pageOf(1_000, 'more'), new AbortController().signal, 'x', MOST_GRANTS - 1))).toEqual([1_000]);
  });

  it('end with their signal: no page after it is asked for or taken', async () => {
    const end = new AbortController();
    let asked = 0;
    const read = () => {
      if (++asked === 2) end.abort();
      return pageOf(1, 'more');
    };
    expect(await counts(allPages(read, end.signal))).toEqual([1]);
    expect(asked).toBe(2);
  });
});

describe('a CSV file', () => {
  const asked = { question: 'Who', readAt: '2026-01-31T12:00:00.000Z', journalHead: '7.abc' };
  const lineOf = (grants: Parameters<typeof grantCsv>[0], part = { isFirst: false, isLast: false }) =>
    grantCsv(grants, (id) => (id === 'user:alice' ? '@Alice' : undefined), asked, part);

  it('has ids, names, instants in UTC, how each grant ended, and its question in each row', () => {
    const grant = { ...aGrant({ startsAt: NOW, issuedAt: NOW, expiresAt: NOW + DAY }), status: 'revoked' as const, subject: 'user:alice' };
    const end = { status: 'revoked', cause: 'revoked', at: NOW + 1_000, by: 'user:sam', reason: '=1+1' } as const;
    const cells = ['user:alice', "'@Alice", grant.scope, '2026-01-31T12:00:00.000Z', '2026-01-31T12:00:01.000Z'];
    const ended = ['revoked', 'revoked', 'user:sam', "'=1+1", 'false', grant.requestId, grant.id];
    const row = [...cells, ...ended, 'Who', asked.readAt, '7.abc'].map((cell) => `"${cell}"`).join(',');
    expect(lineOf([{ ...grant, end }])).toBe(`${row}\r\n`);
    const [head, first] = lineOf([{ ...grant, end }], { isFirst: true, isLast: false }).split('\r\n');
    expect(head?.startsWith('\uFEFF"Person","Name"')).toBe(true);
    expect(head?.split(',')).toHaveLength(15);
    expect(first).toBe(row);
  });

  it('has no start for a grant that never began, and one row with the question for an answer without a grant', () => {
    const grant = { ...aGrant(), asksAtStart: true, activatedAt: undefined, status: 'scheduled' as const };
    expect(lineOf([grant]).split(',')[3]).toBe('""');
    expect(lineOf([], { isFirst: false, isLast: true })).toBe(`${'"",'.repeat(12)}"Who","${asked.readAt}","7.abc"\r\n`);
  });

  it('asks a question in which hostile text stays text', () => {
    const span = { from: NOW - DAY, to: NOW };
    expect(questionText({ topic: { person: '=1+1' }, span, at: NOW }, false)).toMatch(/^Grants of =1\+1 held from 2026-01-30T/);
    const question = questionText({ topic: { pattern: 'db:*' }, span, at: NOW - 1 }, true);
    expect(question).toBe('Who could use every scope of db:* at 2026-01-31T11:59:59.999Z');
    expect(grantCsv([], () => undefined, { ...asked, question: '=1+1' }, { isFirst: false, isLast: true })).toContain(`"'=1+1"`);
  });
});

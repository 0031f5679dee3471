import { describe, expect, it } from 'vitest';
import type { Requestable } from '../../src/features/explain/requestable-types.js';
import {
  askable,
  askedBefore,
  choiceOf,
  exampleOf,
  found,
  grouped,
  isOpen,
  itemOf,
  lengthsOf,
} from '../../src/console/app/views/ask/choices.js';
import { refusalOf, refusedPreview } from '../../src/console/app/views/ask/problems.js';
import { addressed, askOf, byField, changed, emptyFields, newDraft, retyped } from '../../src/console/app/views/ask/draft.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const item = (scope: string, more: Partial<Requestable> = {}): Requestable => ({
  scope,
  title: undefined,
  description: undefined,
  risk: undefined,
  outcome: 'review',
  approver: 'policy',
  rule: undefined,
  except: [],
  locked: false,
  patterns: false,
  minTtlMs: 1_000,
  maxTtlMs: 8 * HOUR,
  maxStartAheadMs: 0,
  needs: { justification: false, ticket: undefined, fields: [] },
  quorum: undefined,
  quorumInWords: undefined,
  afterReview: undefined,
  reviewers: undefined,
  breakGlass: false,
  usualWaitMs: undefined,
  ...more,
});

describe('the list before a search', () => {
  const items = [item('db-prod:*:read', { title: 'Read' }), item('logs:**'), item('**'), item('db-prod:a:write')];

  it('is by system, in the order of the list', () => {
    const groups = grouped([...items, item('__proto__:x')]).map(({ name, items: of }) => [name, of.map(({ scope }) => scope)]);
    expect(groups).toEqual([
      ['db-prod', ['db-prod:*:read', 'db-prod:a:write']],
      ['logs', ['logs:**']],
      [undefined, ['**']],
      ['__proto__', ['__proto__:x']],
    ]);
  });

  it('begins with what the viewer asks for often and last, if it may be asked for again', () => {
    const day = 24 * HOUR;
    const asked = (scope: string, daysAgo: number) => ({ scopes: [scope], createdAt: 100 * day - daysAgo * day });
    const some = [item('db-prod:*:read', { title: 'Read' }), item('logs:**', { except: ['logs:secret'] })];
    const requests = [
      asked('logs:a', 1),
      ...[30, 31, 32, 33].map((ago) => asked('db-prod:old:read', ago)),
      asked('db-prod:b:read', 2),
      asked('db-prod:b:read', 3),
      asked('logs:secret', 0),
      asked('vault:key', 0),
    ];
    expect(askedBefore(some, requests).map(({ scope, title }) => [scope, title])).toEqual([
      ['db-prod:b:read', 'Read'],
      ['logs:a', undefined],
      ['db-prod:old:read', 'Read'],
    ]);
    expect(askedBefore(some, [])).toEqual([]);
  });

  it.each([
    ['INC-####', 'INC-4711'],
    ['INC-*', 'INC-4711'],
    ['CHG-######/#', 'CHG-471147/1'],
    ['a*b', 'a*b'],
  ])('shows an example of the form %s', (form, example) => expect(exampleOf(form)).toBe(example));
});

describe('the scopes to choose from', () => {
  const items = [
    item('db-prod:write', { title: 'Write to the production database', risk: 'high', quorumInWords: '1 of dba' }),
    item('deploy:*', { title: 'Deploy a service' }),
    item('db-prod:write', { outcome: 'break_glass' }),
  ];

  it('finds by words of the title, the risk, the approvers and the scope, in any order', () => {
    const scopesOf = (search: string) => found(askable(items), search).map(({ scope }) => scope);
    expect(scopesOf('production WRITE')).toEqual(['db-prod:write']);
    expect(scopesOf('dba high')).toEqual(['db-prod:write']);
    expect(scopesOf('deploy')).toEqual(['deploy:*']);
    expect(scopesOf('deploy:api')).toEqual(['deploy:*']);
    expect(scopesOf('deploy dba')).toEqual([]);
    expect(scopesOf(' ')).toEqual(['db-prod:write', 'deploy:*']);
  });

  it('finds by text that is no expression', () => {
    for (const hostile of ['.*', '(', '[a-', '\\', '{by}', '**']) expect(found(items, hostile)).toEqual([]);
  });

  it('applies the first item that covers a scope', () => {
    expect(itemOf(items, 'deploy:api')).toBe(items[1]);
    expect(itemOf(items, 'db-prod:write')).toBe(items[0]);
    expect(itemOf(items, 'db-prod:read')).toBeUndefined();
    expect(itemOf(items, '<img src=x>')).toBeUndefined();
  });

  it('leaves a scope that the item excludes to canAsk, which says why', () => {
    const some = [item('db:*', { except: ['db:payroll'] }), item('db:payroll', { outcome: 'approve' })];
    expect(itemOf(some, 'db:payroll')).toBeUndefined();
    expect(itemOf(some, 'db:orders')).toBe(some[0]);
    expect(itemOf(some, 'db:*')).toBe(some[0]);
  });

  it('asks for the name of a scope within a pattern, unless the pattern itself may be asked for', () => {
    expect(isOpen(item('deploy:*'))).toBe(true);
    expect(isOpen(item('deploy:*', { patterns: true }))).toBe(false);
    expect(isOpen(item('deploy:api'))).toBe(false);
  });

  it('takes the required fields of a scope that is not listed from the problems of canAsk', () => {
    const choice = choiceOf({
      scope: 'db-prod:read',
      outcome: 'requirements',
      rule: 'db',
      problems: [
        { field: 'justification', code: 'missing' },
        { field: 'ticket', code: 'missing', limit: 'INC-####' },
        { field: 'metadata.region', code: 'missing' },
        { field: 'ttl', code: 'too_long', limit: 10 * MINUTE, got: 15 * MINUTE },
      ],
    });
    expect(choice).toMatchObject({
      outcome: 'review',
      maxTtlMs: 10 * MINUTE,
      needs: { justification: true, ticket: 'INC-####', fields: [{ field: 'metadata.region' }] },
    });
    expect(lengthsOf(choice)).toEqual(['10m']);
  });
});

describe('the lengths of a window', () => {
  it('begin with the shortest useful one and end with the longest that the rule allows', () => {
    expect(lengthsOf({ minTtlMs: 1_000, maxTtlMs: 8 * HOUR })).toEqual(['15m', '30m', '1h', '2h', '8h']);
    expect(lengthsOf({ minTtlMs: 45 * MINUTE, maxTtlMs: 90 * MINUTE })).toEqual(['1h', '1h30m']);
    expect(lengthsOf({ minTtlMs: 1, maxTtlMs: 5 * MINUTE })).toEqual(['5m']);
    expect(lengthsOf({ minTtlMs: HOUR, maxTtlMs: HOUR })).toEqual(['1h']);
  });
});

describe('the form', () => {
  const choice = item('db-prod:write', {
    needs: { justification: true, ticket: 'INC-####', fields: [{ field: 'metadata.environment' }] },
  });

  it('takes only the scope and the window from an address', () => {
    const query = new URLSearchParams('scope=db-prod:write&ttl=30m&justification=trust+me&ticket=INC-1&subject=user:eve&reason=x&key=k');
    expect(addressed(query)).toEqual({ scope: 'db-prod:write', ttl: '30m' });
    const draft = newDraft(choice, addressed(query));
    expect(draft).toMatchObject({ scope: 'db-prod:write', ttl: '30m', justification: '', ticket: '', subject: '', start: '', fields: {} });
    expect(draft.key).not.toBe('k');
  });

  it.each(['soon', '30 m', '<b>30m</b>', '', '-1h', '1e9m', '{limit}'])('ignores the window %j of an address', (ttl) => {
    expect(addressed(new URLSearchParams({ ttl }))).toEqual({});
  });

  it('sends only what is given', () => {
    const draft = newDraft(choice);
    expect(askOf(draft)).toEqual({ scope: 'db-prod:write', ttl: '15m' });
    const filled = changed(draft, {
      justification: ' backfill ',
      ticket: 'INC-204',
      fields: { 'metadata.environment': 'eu', 'metadata.x': ' ' },
    });
    expect(askOf({ ...filled, subject: 'user:sam', start: '2026-01-01T00:00' })).toEqual({
      scope: 'db-prod:write',
      ttl: '15m',
      subject: 'user:sam',
      startsAt: new Date(2026, 0, 1).getTime(),
      justification: 'backfill',
      ticket: 'INC-204',
      metadata: { environment: 'eu' },
    });
  });

  it('keeps the key while the values stay, and takes another one with other values', () => {
    const draft = newDraft(choice);
    const other = changed(draft, { ticket: 'INC-2' });
    expect(draft.key).toMatch(/^\d+(-\d+){3}$/);
    expect(other.key).not.toBe(draft.key);
  });

  it('names each required field that is empty', () => {
    const fieldsOf = (...args: Parameters<typeof emptyFields>) => emptyFields(...args).map(({ field, code }) => `${field} ${code}`);
    const draft = newDraft(choice);
    expect(fieldsOf(choice, draft)).toEqual(['justification missing', 'ticket missing', 'metadata.environment missing']);
    const full = changed(draft, { justification: 'x', ticket: 'y', fields: { 'metadata.environment': 'eu' } });
    expect(fieldsOf(choice, full)).toEqual([]);
    expect(fieldsOf(item('deploy:*'), newDraft(item('deploy:*')))).toEqual(['scope missing']);
  });

  it('begins with what all scopes of a pattern have, unless the address names one of them', () => {
    expect(newDraft(item('deploy:*'), { scope: 'deploy:*' }).scope).toBe('deploy:');
    expect(newDraft(item('deploy:*'), { scope: 'deploy:api' }).scope).toBe('deploy:api');
    expect(newDraft(item('deploy:*', { patterns: true }), { scope: 'deploy:*' }).scope).toBe('deploy:*');
  });

  it('sends a number or a boolean once a problem says that the field is one', () => {
    const draft = changed(newDraft(choice), { fields: { 'metadata.pods': '3', 'metadata.dry': 'true', 'metadata.name': '7' } });
    const problems = [
      { field: 'metadata.pods', code: 'malformed', limit: 'number' },
      { field: 'metadata.dry', code: 'malformed', limit: 'boolean' },
      { field: 'ticket', code: 'malformed', limit: 'INC-####' },
    ] as const;
    const next = retyped(draft, problems);
    expect(next && askOf(next).metadata).toEqual({ pods: 3, dry: true, name: '7' });
    expect(next && retyped(next, problems)).toBeUndefined();
    expect(next && askOf({ ...next, fields: { 'metadata.pods': 'three', 'metadata.dry': 'yes' } }).metadata).toEqual({
      pods: 'three',
      dry: 'yes',
    });
  });

  it('gives every problem to one field, or to the form if no field shows it', () => {
    const problems = [
      { field: 'ttl', code: 'too_long' },
      { field: 'until', code: 'outside_hours' },
      { field: 'scopes[0]', code: 'not_allowed' },
      { field: 'metadata.other', code: 'missing' },
    ] as const;
    const fields = byField(problems, ['ttl', 'scope', 'metadata.environment']);
    expect(fields.get('ttl')).toEqual([problems[0], problems[1]]);
    expect(fields.get('scope')).toEqual([problems[2]]);
    expect(fields.get('')).toEqual([problems[3]]);
    expect([...fields.values()].flat()).toHaveLength(problems.length);
  });
});

describe('a refused ask', () => {
  const limit = { field: 'ttl', code: 'too_long', limit: HOUR } as const;
  const refused = (problem: object, status = 400) => Object.assign(new Error('a call'), { cause: { status, problem } });

  it('says its problems, and in the words of the approver only what no problem says', () => {
    const preview = { outcome: 'refused', code: 'ERR_JIT_NOT_ALLOWED', reason: 'ids and fields' } as const;
    const said = (problems: readonly (typeof limit)[]) => {
      const { name, reason, problems: shown } = refusedPreview({ ...preview, problems } as unknown as Parameters<typeof refusedPreview>[0]);
      return { name, reason, shown };
    };
    expect(said([limit])).toEqual({ name: 'not-allowed', reason: undefined, shown: [limit] });
    expect(said([])).toEqual({ name: 'not-allowed', reason: 'ids and fields', shown: [] });
    const sent = (problems: readonly object[]) => refusalOf(refused({ problems, reason: 'no' }), false).reason;
    expect([sent([limit]), sent([])]).toEqual([undefined, 'no']);
  });

  it('names the input that the API could not read, and the person for whom the viewer may not ask', () => {
    const unread = refused({ type: 'urn:jit-access:problem:validation', argument: 'metadata.pods', rule: 'a number' });
    expect(refusalOf(unread, false).problems).toEqual([{ field: 'metadata.pods', code: 'invalid', limit: 'a number' }]);
    const forbidden = refused({ type: 'urn:jit-access:problem:forbidden' }, 403);
    expect(refusalOf(forbidden, true).problems).toEqual([{ field: 'subject', code: 'forbidden' }]);
    expect(refusalOf(forbidden, false)).toMatchObject({ name: 'forbidden', problems: [] });
  });

  it('says which limit refuses it, how much it allows, and until when', () => {
    expect(refusalOf(refused({ limit: 'requests', max: 20, retryAt: 7 }, 429), false)).toMatchObject({
      limit: 'requests',
      max: 20,
      retryAt: 7,
    });
  });

  it('may have been made where no answer arrived, or the service failed', () => {
    const unknown = [refused({}), refused({}, 500), new TypeError('the network')].map((error) => refusalOf(error, false).isUnknown);
    expect(unknown).toEqual([false, true, true]);
  });
});

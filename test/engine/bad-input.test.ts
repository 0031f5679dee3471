import * as explaining from 'jit-access/explain';
import * as links from 'jit-access/links';
import * as provisioning from 'jit-access/provisioning';
import * as retention from 'jit-access/retention';
import * as work from 'jit-access/work';
import { journalHead } from 'jit-access/journal';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  type AccessAsk,
  autoApprove,
  isPattern,
  JitEngine,
  type JitEngineOptions,
  MemoryGrantStore,
  patternScopes,
  runSubject,
} from '../../src/index.js';
import { RecordingSink, ScriptedApprover, START_AT } from '../../src/testing.js';
import { aGranted, anEngine, ask, at, MAYA, refusal, SAM, SCOPE } from './an-engine.js';
import { linksOf } from '../features/links/links-of.js';

const { canAsk, explain, preview, requestable, stats } = explaining;
const { approvalLinks } = links;
const { acceptClock, acceptRollback, purge, removeSink, startRetention } = retention;
const { dismissChange, failedChanges, provision } = provisioning;
const { waitFor, watchAccess, withAccess } = work;

const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;
let deep: unknown = 1;
for (let i = 0; i < 10_000; i++) deep = [deep];
const revoked = Proxy.revocable({}, {});
revoked.revoke();
const throwing = new Proxy([], {
  get(target, key) {
    if (key === '0') throw new Error('a getter that throws');
    return key === 'length' ? 1 : (Reflect.get(target, key) as unknown);
  },
});

const DURATIONS = [
  ...[0, -1, -0, NaN, Infinity, -Infinity, 1.5, 1e-7, 2 ** 53, 8.64e15 + 1, 10n],
  ...['3600', '', ' 60 ', '0x10', '1e3', '0m', '1.5h', '-1m', 'P1M', '1h 30m', '30m1h', '1M', '30m\n', '\u0663m', 'm', '1'.repeat(1e6)],
  ...[
    null,
    undefined,
    [60],
    ['30m'],
    { valueOf: () => 60 },
    new Number(60),
    new String('30m'),
    true,
    Symbol('30m'),
    () => 60,
    revoked.proxy,
  ],
];
const SCOPES = [
  ...[
    '',
    '   ',
    'a:',
    ':a',
    'a::b',
    '*',
    'a:*',
    '**',
    'a*',
    'a:*:',
    'a:b\u0000:c',
    'a:b\n',
    'a b',
    '\u202ea',
    'a\u200b',
    '\u0430',
    'e\u0301',
    '\ud800',
    '{tag}',
    'a:b%',
  ],
  ...['x'.repeat(257), 'x'.repeat(1 << 20), Array(17).fill('a').join(':'), Array(100_000).fill('a').join(':'), 'a*'.repeat(8) + 'b'],
  ...[null, ['a:b'], new String('a:b'), 7, {}, true, Symbol('a'), revoked.proxy],
];
const IDS = [
  ...[
    '',
    ' ',
    'alice ',
    ' alice',
    'a\u0000b',
    'a\nb',
    '\u001b[31m',
    'a\u200bb',
    '\u202ea',
    'a\u00a0b',
    'e\u0301',
    '\ud800',
    'x'.repeat(257),
    'x'.repeat(1 << 20),
  ],
  ...[null, undefined, 7, {}, [], ['alice'], new String('alice'), true, Symbol('a'), { toString: () => 'alice' }],
];
const ORDERS = ['', 'first', 'NEWEST', 'toString', null, 7, ['due'], {}];
const ACTORS = [...IDS, 'system', 'system:', 'system:sweeper', 'system:approver'];
const TEXTS = [
  'x'.repeat(4097),
  '\u{1f600}'.repeat(1025),
  'x'.repeat(1 << 20),
  '\u001b[2J',
  'a\u0000',
  '\ud800',
  'a\u007f',
  7,
  null,
  {},
  ['x'],
  new String('x'),
  Symbol('x'),
];
const METADATA = [
  ...[null, 'x', 7, [], [1], new Date(0), new Map(), Symbol('x'), () => 1, revoked.proxy],
  ...[
    cyclic,
    { a: deep },
    { a: undefined },
    { a: NaN },
    { a: Infinity },
    { a: 10n },
    { a: Symbol('x') },
    { a: () => 1 },
    { a: new Date(0) },
    { a: '\ud800' },
    { a: '\0' },
  ],
  ...[JSON.parse('{"__proto__": {"allowed": true}}') as unknown, { big: 'x'.repeat(8192) }, { ['k'.repeat(8192)]: 1 }],
  ...[
    {
      get a(): never {
        throw new Error('no');
      },
    },
    { toJSON: () => ({}) },
    Object.create({ allowed: true }) as unknown,
    { a: { b: { c: { d: { e: { f: { g: { h: { i: 1 } } } } } } } } },
  ],
];
const OPTIONS = [null, undefined, 7, 'x', [], true, () => 1, revoked.proxy];

/** Bad instants: values that are not an instant, and what JSON and other units make of one. */
const INSTANTS = [
  ...[-1, 1.5, NaN, Infinity, 2 ** 53, 8.64e15 + 1, 10n, '2026-01-01', String(START_AT), null, true],
  ...[new Date(NaN), [START_AT], new Number(START_AT), { valueOf: () => START_AT }, revoked.proxy],
];
const BURNING = { subject: MAYA, scope: SCOPE, ttl: 1, justification: 'it burns' };
/** For an optional argument: bad only if it is present. */
const given = (values: readonly unknown[]) => values.filter((value) => value !== undefined);

type Case = readonly [argument: string | RegExp, values: readonly unknown[], call: (engine: JitEngine, value: never) => unknown];

const by = (value: unknown) => ({ by: value }) as { by: string };
const over = (argument: keyof AccessAsk) => (engine: JitEngine, value: never) => ask(engine, { [argument]: value });

const SPAN = { from: 0, to: START_AT };

const CASES: Readonly<Record<string, readonly Case[]>> = {
  requestAccess: [
    ['ask', OPTIONS, (engine, value) => engine.requestAccess(value)],
    ['subject', ACTORS, over('subject')],
    ['scope', SCOPES, over('scope')],
    [
      /^scopes/,
      [
        [],
        null,
        'a',
        {},
        new Set(['a']),
        ['a', 'a'],
        Array.from({ length: 51 }, (_, i) => `s${i}`),
        [undefined],
        Array(1),
        ['a', '*'],
        throwing,
      ],
      (engine, value) => engine.requestAccess({ subject: MAYA, scopes: value, ttl: 1 }),
    ],
    ['scopes', [['b']], (engine, value) => engine.requestAccess({ subject: MAYA, scope: 'a', scopes: value, ttl: 1 })],
    ['ttl', DURATIONS, over('ttl')],
    ['justification', TEXTS, over('justification')],
    ['ticket', TEXTS, over('ticket')],
    ['requestedBy', ACTORS.filter((value) => value !== undefined), over('requestedBy')],
    ['by', given(ACTORS), over('by')],
    ['idempotencyKey', IDS.filter((value) => value !== undefined), over('idempotencyKey')],
    [/^(metadata|a)/, METADATA, over('metadata')],
    [
      'ask',
      ['TTL', 'subjects', 'reviewer', 'dryRun', '__proto__x'],
      (engine, value) => engine.requestAccess({ subject: MAYA, scope: 'a', ttl: 1, [value]: 1 }),
    ],
  ],
  'requestAccess with more': [['startsAt', INSTANTS, over('startsAt')]],
  extend: [
    [/^(grantId|target|requestId)$/, IDS, (engine, value) => engine.extend(value, { requestedBy: MAYA, ttl: 1 })],
    ['requestId', IDS, (engine, value) => engine.extend({ requestId: value }, { requestedBy: MAYA, ttl: 1 })],
    ['target', ['grantId', 'scope'], (engine, value) => engine.extend({ requestId: 'r1', [value]: 'x' }, { requestedBy: MAYA, ttl: 1 })],
    ['ask', OPTIONS, (engine, value) => engine.extend('g', value)],
    ['ask', ['subject', 'scope', 'startsAt', 'dryRun'], (engine, value) => engine.extend('g', { requestedBy: MAYA, ttl: 1, [value]: 1 })],
    ['ttl', DURATIONS, (engine, value) => engine.extend('g', { requestedBy: MAYA, ttl: value })],
    ['justification', TEXTS, (engine, value) => engine.extend('g', { requestedBy: MAYA, ttl: 1, justification: value })],
    ['requestedBy', ACTORS, (engine, value) => engine.extend('g', { ttl: 1, requestedBy: value })],
    ['by', given(ACTORS), (engine, value) => engine.extend('g', { requestedBy: MAYA, ttl: 1, by: value })],
    ['idempotencyKey', given(IDS), (engine, value) => engine.extend('g', { requestedBy: MAYA, ttl: 1, idempotencyKey: value })],
    [/^(metadata|a)/, METADATA, (engine, value) => engine.extend('g', { requestedBy: MAYA, ttl: 1, metadata: value })],
  ],
  breakGlass: [
    ['ask', OPTIONS, (engine, value) => engine.breakGlass(value)],
    ['ask', ['startsAt', 'dryRun'], (engine, value) => engine.breakGlass({ ...BURNING, [value]: 1 })],
    ['subject', ACTORS, (engine, value) => engine.breakGlass({ ...BURNING, subject: value })],
    ['scope', SCOPES, (engine, value) => engine.breakGlass({ ...BURNING, scope: value })],
    ['ttl', DURATIONS, (engine, value) => engine.breakGlass({ ...BURNING, ttl: value })],
    [
      'justification',
      [...TEXTS, undefined, '', ' ', '\n', '\u2800', '\u200b'],
      (engine, value) => engine.breakGlass({ ...BURNING, justification: value }),
    ],
    ['requestedBy', given(ACTORS), (engine, value) => engine.breakGlass({ ...BURNING, requestedBy: value })],
    ['by', given(ACTORS), (engine, value) => engine.breakGlass({ ...BURNING, by: value })],
    ['idempotencyKey', given(IDS), (engine, value) => engine.breakGlass({ ...BURNING, idempotencyKey: value })],
  ],
  reviewBreakGlass: [
    ['requestId', IDS, (engine, value) => engine.reviewBreakGlass(value, { by: SAM, verdict: 'justified' })],
    ['options', OPTIONS, (engine, value) => engine.reviewBreakGlass('r', value)],
    ['by', ACTORS, (engine, value) => engine.reviewBreakGlass('r', { by: value, verdict: 'justified' })],
    ['reason', TEXTS, (engine, value) => engine.reviewBreakGlass('r', { by: SAM, verdict: 'justified', reason: value })],
    [
      'verdict',
      [undefined, null, '', 'approve', 'Justified', true, 1, ['justified'], new String('justified')],
      (engine, value) => engine.reviewBreakGlass('r', { by: SAM, verdict: value }),
    ],
  ],
  'listRequests after review': [
    ['afterReview', [null, 'missed', true, 1, {}], (engine, value) => engine.listRequests({ afterReview: value })],
    [
      'query',
      ['reviewer', 'status', 'order'],
      (engine, value) => engine.listRequests({ afterReview: 'pending', [value as string]: 'x' } as never),
    ],
    ['subject', given(ACTORS), (engine, value) => engine.listRequests({ afterReview: 'pending', subject: value })],
    ['limit', [0, -1, 1001, 1.5, NaN, '1', [1]], (engine, value) => engine.listRequests({ afterReview: 'pending', limit: value })],
    ['after', given(IDS), (engine, value) => engine.listRequests({ afterReview: 'pending', after: value })],
  ],
  'inbox of break-glass': [
    ['query', given(OPTIONS), (engine, value) => engine.inbox(SAM, value)],
    ['of', [null, 'requests', true, 1, {}], (engine, value) => engine.inbox(SAM, { of: value })],
    ['reviewer', ACTORS, (engine, value) => engine.inbox(value, { of: 'breakGlass' })],
    ['limit', [0, -1, 1001, 1.5, NaN, '1', [1]], (engine, value) => engine.inbox(SAM, { of: 'breakGlass', limit: value })],
    ['after', given(IDS), (engine, value) => engine.inbox(SAM, { of: 'breakGlass', after: value })],
  ],
  approvalLinks: [
    ['options', OPTIONS, (engine, value) => approvalLinks(engine, value)],
    ['keys', [undefined, null, 'k', 7, {}, []], (engine, value) => approvalLinks(engine, { keys: value })],
    ['keys[0]', [null, 'k', []], (engine, value) => approvalLinks(engine, { keys: [value] as never })],
    ['keys[0].id', [undefined, '', 'a.b', 7], (engine, value) => approvalLinks(engine, { keys: [{ id: value, secret: 's'.repeat(32) }] })],
    [
      'keys[0].secret',
      [undefined, '', 's'.repeat(31), 7],
      (engine, value) => approvalLinks(engine, { keys: [{ id: 'k', secret: value }] }),
    ],
  ],
  'approvalLinks create': [
    ['requestId', IDS, (engine, value) => linksOf(engine).create(value, { reviewer: SAM, decision: 'approve' })],
    ['options', OPTIONS, (engine, value) => linksOf(engine).create('r', value)],
    ['reviewer', ACTORS, (engine, value) => linksOf(engine).create('r', { reviewer: value, decision: 'approve' })],
    [
      'decision',
      [undefined, null, '', 'granted', 'APPROVE', true, ['approve']],
      (engine, value) => linksOf(engine).create('r', { reviewer: SAM, decision: value }),
    ],
    ['ttl', given(DURATIONS), (engine, value) => linksOf(engine).create('r', { reviewer: SAM, decision: 'approve', ttl: value })],
  ],
  'approvalLinks open': [
    ['options', given(OPTIONS), (engine, value) => linksOf(engine).open('t', value)],
    ['by', given(ACTORS), (engine, value) => linksOf(engine).open('t', { by: value })],
  ],
  'approvalLinks redeem': [
    ['options', OPTIONS, (engine, value) => linksOf(engine).redeem('t', value)],
    ['by', ACTORS, (engine, value) => linksOf(engine).redeem('t', by(value))],
    ['reason', TEXTS, (engine, value) => linksOf(engine).redeem('t', { by: SAM, reason: value })],
    ['comment', TEXTS, (engine, value) => linksOf(engine).redeem('t', { by: SAM, comment: value })],
    ['as', given(IDS), (engine, value) => linksOf(engine).redeem('t', { by: SAM, as: value })],
  ],
  consume: [
    ['subject', ACTORS, (engine, value) => engine.consume(value, SCOPE)],
    ['scope', [...SCOPES, undefined], (engine, value) => engine.consume(MAYA, value)],
    ['scope', SCOPES, (engine, value) => engine.consume(MAYA, { scope: value })],
  ],
  explain: [
    ['subject', ACTORS, (engine, value) => explain(engine, value, SCOPE)],
    ['scope', [...SCOPES, undefined], (engine, value) => explain(engine, MAYA, value)],
    ['scope', SCOPES, (engine, value) => explain(engine, MAYA, { scope: value })],
  ],
  'check with more': [
    ['options', given(OPTIONS), (engine, value) => engine.check(MAYA, SCOPE, value)],
    ['touch', [0, 1, 'true', 'WAIT', '', null, {}], (engine, value) => engine.check(MAYA, SCOPE, { touch: value })],
  ],
  'consume with more': [
    ['options', given(OPTIONS), (engine, value) => engine.consume(MAYA, SCOPE, value)],
    ['idempotencyKey', given(IDS), (engine, value) => engine.consume(MAYA, SCOPE, { idempotencyKey: value })],
  ],
  requestable: [
    ['subject', ACTORS, (engine, value) => requestable(engine, value)],
    ['options', given(OPTIONS), (engine, value) => requestable(engine, MAYA, value)],
    ['requestedBy', given(ACTORS), (engine, value) => requestable(engine, MAYA, { requestedBy: value })],
    [
      'operator',
      given(ACTORS),
      (engine, value) => requestable(engine, runSubject({ agent: 'agent:7', job: 'j' }, engine), { operator: value }),
    ],
  ],
  preview: [
    ['ask', OPTIONS, (engine, value) => preview(engine, value)],
    ['ask', ['TTL', 'dryRun'], (engine, value) => preview(engine, { subject: MAYA, scope: 'a', ttl: 1, [value]: 1 })],
    ['subject', ACTORS, (engine, value) => preview(engine, { subject: value, scope: 'a', ttl: 1 })],
    ['scope', SCOPES, (engine, value) => preview(engine, { subject: MAYA, scope: value, ttl: 1 })],
    ['startsAt', INSTANTS, (engine, value) => preview(engine, { subject: MAYA, scope: 'a', ttl: 1, startsAt: value })],
  ],
  canAsk: [
    ['subject', ACTORS, (engine, value) => canAsk(engine, value, SCOPE)],
    ['scope', [...SCOPES, undefined], (engine, value) => canAsk(engine, MAYA, value)],
    ['scope', SCOPES, (engine, value) => canAsk(engine, MAYA, { scope: value })],
    ['options', given(OPTIONS), (engine, value) => canAsk(engine, MAYA, SCOPE, value)],
  ],
  'explain with more': [['options', given(OPTIONS), (engine, value) => explain(engine, MAYA, SCOPE, value)]],
  watchAccess: [
    ['subject', ACTORS, (engine, value) => watchAccess(engine, value, SCOPE)],
    ['scope', [...SCOPES, undefined], (engine, value) => watchAccess(engine, MAYA, value)],
    ['scope', SCOPES, (engine, value) => watchAccess(engine, MAYA, { scope: value })],
  ],
  'watchAccess with more': [['options', given(OPTIONS), (engine, value) => watchAccess(engine, MAYA, SCOPE, value)]],
  withAccess: [
    ['subject', ACTORS, (engine, value) => withAccess(engine, value, SCOPE, () => 1)],
    ['scope', [...SCOPES, undefined], (engine, value) => withAccess(engine, MAYA, value, () => 1)],
    ['work', [undefined, null, 7, 'x', {}, Promise.resolve()], (engine, value) => withAccess(engine, MAYA, SCOPE, value)],
    ['options', given(OPTIONS), (engine, value) => withAccess(engine, MAYA, SCOPE, () => 1, value)],
  ],
  waitFor: [
    ['requestId', IDS, (engine, value) => waitFor(engine, value)],
    ['options', given(OPTIONS), (engine, value) => waitFor(engine, 'r', value)],
  ],
  provision: [
    ['target', OPTIONS, (engine, value) => provision(engine, value)],
    ['target.name', IDS, (engine, value) => provision(engine, { name: value, scopes: [SCOPE], apply: () => undefined })],
    [
      /^target.scopes/,
      [undefined, null, [], 'a', new Set(['a']), ['a', 'a'], ['a:**:b'], [7], Array(1), throwing],
      (engine, value) => provision(engine, { name: 'x', scopes: value, apply: () => undefined }),
    ],
    ['target.apply', [undefined, null, 7, 'x', {}], (engine, value) => provision(engine, { name: 'x', scopes: [SCOPE], apply: value })],
    [
      'target.timeout',
      given(DURATIONS),
      (engine, value) => provision(engine, { name: 'x', scopes: [SCOPE], apply: () => undefined, timeout: value }),
    ],
  ],
  failedChanges: [
    ['query', given(OPTIONS), (engine, value) => failedChanges(engine, value)],
    ['name', given(IDS), (engine, value) => failedChanges(engine, { name: value })],
    ['subject', given(ACTORS), (engine, value) => failedChanges(engine, { subject: value })],
  ],
  dismissChange: [
    ['id', IDS, (engine, value) => dismissChange(engine, value, by(SAM))],
    ['options', OPTIONS, (engine, value) => dismissChange(engine, 'e', value)],
    ['by', ACTORS, (engine, value) => dismissChange(engine, 'e', by(value))],
    ['reason', TEXTS, (engine, value) => dismissChange(engine, 'e', { by: SAM, reason: value })],
  ],
  comment: [
    ['requestId', IDS, (engine, value) => engine.comment(value, { by: MAYA, text: 'why?' })],
    ['options', OPTIONS, (engine, value) => engine.comment('r1', value)],
    ['options', ['reason', 'comment', 'as'], (engine, value) => engine.comment('r1', { by: MAYA, text: 'why?', [value]: 'x' })],
    ['by', ACTORS, (engine, value) => engine.comment('r1', { by: value, text: 'why?' })],
    ['text', [undefined, '', ' ', '\u200b', ...TEXTS], (engine, value) => engine.comment('r1', { by: MAYA, text: value })],
    ['idempotencyKey', given(IDS), (engine, value) => engine.comment('r1', { by: MAYA, text: 'why?', idempotencyKey: value })],
  ],
  amend: [
    ['requestId', IDS, (engine, value) => engine.amend(value, { by: MAYA, ttl: 1 })],
    ['options', OPTIONS, (engine, value) => engine.amend('r1', value)],
    ['until', given(INSTANTS), (engine, value) => engine.amend('r1', { by: MAYA, until: value })],
    ['until', [1], (engine, value) => engine.amend('r1', { by: MAYA, ttl: 1, until: value })],
    ['correlation', given(IDS), (engine, value) => engine.amend('r1', { by: MAYA, ttl: 1, correlation: value })],
    ['options', ['x'], (engine, value) => engine.amend('r1', { by: MAYA, correlation: value })],
    ['options', ['scope', 'subject', 'startsAt', 'reason'], (engine, value) => engine.amend('r1', { by: MAYA, ttl: 1, [value]: 'x' })],
    ['options', [undefined], (engine, value) => engine.amend('r1', { by: MAYA, ttl: value })],
    ['by', ACTORS, (engine, value) => engine.amend('r1', { by: value, ttl: 1 })],
    ['ttl', given(DURATIONS), (engine, value) => engine.amend('r1', { by: MAYA, ttl: value })],
    ['justification', TEXTS, (engine, value) => engine.amend('r1', { by: MAYA, justification: value })],
    ['ticket', TEXTS, (engine, value) => engine.amend('r1', { by: MAYA, ticket: value })],
    [/^(metadata|a)/, METADATA, (engine, value) => engine.amend('r1', { by: MAYA, metadata: value })],
    ['idempotencyKey', given(IDS), (engine, value) => engine.amend('r1', { by: MAYA, ttl: 1, idempotencyKey: value })],
  ],
  getRequest: [
    [/^request/, IDS, (engine, value) => engine.getRequest(value)],
    ['requestedBy', ACTORS, (engine, value) => engine.getRequest({ requestedBy: value, idempotencyKey: 'k' })],
    ['idempotencyKey', IDS, (engine, value) => engine.getRequest({ requestedBy: MAYA, idempotencyKey: value })],
    [
      'verb',
      [null, 'approve', 'comment', 7],
      (engine, value) => engine.getRequest({ requestedBy: MAYA, idempotencyKey: 'k', verb: value }),
    ],
    ['request', ['scope'], (engine, value) => engine.getRequest({ requestedBy: MAYA, idempotencyKey: 'k', [value]: 'x' })],
  ],
  getGrant: [['grantId', IDS, (engine, value) => engine.getGrant(value)]],
  ...Object.fromEntries(
    (['approve', 'deny', 'cancel', 'revoke', 'release'] as const).map((verb): [string, readonly Case[]] => {
      const id = verb === 'revoke' || verb === 'release' ? 'grantId' : 'requestId';
      return [
        verb,
        [
          [verb === 'release' ? /^(grantId|target|requestId)$/ : id, IDS, (engine, value) => engine[verb](value, by(SAM))],
          ['options', OPTIONS, (engine, value) => engine[verb]('r1', value)],
          ['options', ['reasons', 'reviewer'], (engine, value) => engine[verb]('r1', { by: SAM, [value]: 'x' })],
          ['by', ACTORS, (engine, value) => engine[verb]('r1', by(value))],
          ['reason', TEXTS, (engine, value) => engine[verb]('r1', { by: SAM, reason: value })],
        ],
      ];
    }),
  ),
  'release of a request': [
    ['requestId', IDS, (engine, value) => engine.release({ requestId: value }, by(MAYA))],
    ['target', ['grantId', 'scope'], (engine, value) => engine.release({ requestId: 'r1', [value]: 'x' } as never, by(MAYA))],
    ['options', OPTIONS, (engine, value) => engine.release({ requestId: 'r1' }, value)],
    ['by', ACTORS, (engine, value) => engine.release({ requestId: 'r1' }, by(value))],
    ['reason', TEXTS, (engine, value) => engine.release({ requestId: 'r1' }, { by: MAYA, reason: value })],
  ],
  runSubject: [
    ['run', OPTIONS, async (engine, value) => runSubject(value, engine)],
    ['run.agent', ACTORS, async (engine, value) => runSubject({ agent: value, operator: SAM }, engine)],
    [
      'run.operator',
      ACTORS.filter((value) => value !== undefined),
      async (engine, value) => runSubject({ agent: 'agent:7', operator: value }, engine),
    ],
  ],
  revokeAll: [
    ['options', OPTIONS, (engine, value) => engine.revokeAll({ subject: MAYA }, value)],
    ['by', ACTORS, (engine, value) => engine.revokeAll({ subject: MAYA }, by(value))],
    ['target', OPTIONS, (engine, value) => engine.revokeAll(value, by(SAM))],
    ['target.subject', ACTORS.filter((value) => value !== undefined), (engine, value) => engine.revokeAll({ subject: value }, by(SAM))],
    ['target.scope', SCOPES.filter((value) => !isPattern(value)), (engine, value) => engine.revokeAll({ scope: value }, by(SAM))],
    ['target.requestId', IDS.filter((value) => value !== undefined), (engine, value) => engine.revokeAll({ requestId: value }, by(SAM))],
    [
      'target.ticket',
      [...TEXTS.filter((value) => value !== undefined), '', '  ', '\u200b'],
      (engine, value) => engine.revokeAll({ ticket: value }, by(SAM)),
    ],
  ],
  ...Object.fromEntries(
    (['isAllowed', 'check', 'assertAllowed'] as const).map((verb): [string, readonly Case[]] => [
      verb,
      [
        ['subject', ACTORS, (engine, value) => engine[verb](value, SCOPE)],
        [
          'scope',
          [
            ...SCOPES,
            undefined,
            {
              get scope(): never {
                throw new Error('no');
              },
            },
          ],
          (engine, value) => engine[verb](MAYA, value),
        ],
        ['scope', SCOPES, (engine, value) => engine[verb](MAYA, { scope: value })],
      ],
    ]),
  ),
  filterAllowed: [
    ['subject', ACTORS, (engine, value) => engine.filterAllowed(value, [SCOPE])],
    [
      /^actions/,
      [
        null,
        undefined,
        'a',
        {},
        7,
        new Set(),
        Array(1),
        [undefined],
        throwing,
        [
          {
            get scope(): never {
              throw new Error('no');
            },
          },
        ],
        revoked.proxy,
      ],
      (engine, value) => engine.filterAllowed(MAYA, value),
    ],
    ['actions[0]', SCOPES, (engine, value) => engine.filterAllowed(MAYA, [value])],
  ],
  status: [['subject', ACTORS, (engine, value) => engine.status(value)]],
  inbox: [['reviewer', ACTORS, (engine, value) => engine.inbox(value)]],
  listGrants: [
    ['query', [null, 7, 'x', [], true], (engine, value) => engine.listGrants(value)],
    ['query', ['stati', 'Limit'], (engine, value) => engine.listGrants({ [value]: 1 })],
    ['subject', ACTORS.filter((value) => value !== undefined), (engine, value) => engine.listGrants({ subject: value })],
    ['scope', ['', 'a b', 'a::b', '**:x', 7, null, {}], (engine, value) => engine.listGrants({ scope: value })],
    ['status', ['pending', 'ACTIVE', '', null, 7, ['active']], (engine, value) => engine.listGrants({ status: value })],
    ['at', INSTANTS, (engine, value) => engine.listGrants({ at: value })],
    ['order', ORDERS, (engine, value) => engine.listGrants({ order: value })],
    ['limit', [0, -1, 1001, 1.5, NaN, '1', [1]], (engine, value) => engine.listGrants({ limit: value })],
    ['after', IDS.filter((value) => value !== undefined), (engine, value) => engine.listGrants({ after: value })],
  ],
  listRequests: [
    ['query', [null, 7, 'x', [], true], (engine, value) => engine.listRequests(value)],
    ['query', ['stati', 'Limit'], (engine, value) => engine.listRequests({ [value]: 1 })],
    ['subject', ACTORS.filter((value) => value !== undefined), (engine, value) => engine.listRequests({ subject: value })],
    ['status', ['open', 'PENDING', '', null, 7, ['pending']], (engine, value) => engine.listRequests({ status: value })],
    ['requestedBy', ACTORS.filter((value) => value !== undefined), (engine, value) => engine.listRequests({ requestedBy: value })],
    ['scope', ['', 'a b', 'a::b', '**:x', 7, null, {}], (engine, value) => engine.listRequests({ scope: value })],
    ['ticket', TEXTS, (engine, value) => engine.listRequests({ ticket: value })],
    ['from', INSTANTS, (engine, value) => engine.listRequests({ from: value })],
    ['to', [...INSTANTS, 5, 4], (engine, value) => engine.listRequests({ from: 5, to: value })],
    ['order', ORDERS, (engine, value) => engine.listRequests({ order: value })],
    ['limit', [0, -1, 1001, 1.5, NaN, '1', [1]], (engine, value) => engine.listRequests({ limit: value })],
    ['after', IDS.filter((value) => value !== undefined), (engine, value) => engine.listRequests({ after: value })],
  ],
  whoHadAccess: [
    ['query', OPTIONS, (engine, value) => engine.whoHadAccess(value)],
    ['query', ['subject'], (engine, value) => engine.whoHadAccess({ scope: SCOPE, at: START_AT, [value]: 1 })],
    ['scope', [...SCOPES, undefined], (engine, value) => engine.whoHadAccess({ scope: value, at: START_AT })],
    [
      'at',
      [-1, 1.5, NaN, Infinity, '1', null, new Date(NaN), START_AT + 1, 8.64e15 + 1],
      (engine, value) => engine.whoHadAccess({ scope: SCOPE, at: value }),
    ],
    ['limit', [0, 1001], (engine, value) => engine.whoHadAccess({ scope: SCOPE, at: START_AT, limit: value })],
  ],
  'listGrants during': [
    ['during', given(OPTIONS), (engine, value) => engine.listGrants({ during: value })],
    ['during', ['at', 'From'], (engine, value) => engine.listGrants({ during: { from: 0, to: 1, [value as string]: 1 } })],
    [
      'during.from',
      [-1, NaN, '1', null, undefined, START_AT + 1],
      (engine, value) => engine.listGrants({ during: { from: value, to: 8e15 } }),
    ],
    [
      'during.to',
      [START_AT - 1, START_AT, NaN, '1', null, undefined],
      (engine, value) => engine.listGrants({ during: { from: START_AT, to: value } }),
    ],
    ['covering', SCOPES, (engine, value) => engine.listGrants({ covering: value, during: SPAN })],
    ['subject', ACTORS.filter((value) => value !== undefined), (engine, value) => engine.listGrants({ subject: value, during: SPAN })],
    ['at', [START_AT], (engine, value) => engine.listGrants({ at: value, during: SPAN })],
    ['status', ['active'], (engine, value) => engine.listGrants({ status: value, during: SPAN })],
    ['scope', [SCOPE], (engine, value) => engine.listGrants({ scope: value, during: SPAN })],
    ['order', ['due'], (engine, value) => engine.listGrants({ order: value, during: SPAN })],
  ],
  purge: [
    ['options', OPTIONS, (engine, value) => purge(engine, value)],
    ['options', ['after'], (engine, value) => purge(engine, { before: START_AT, by: SAM, [value]: 1 })],
    ['before', [-1, NaN, '1', null, undefined, START_AT + 1, new Date(NaN)], (engine, value) => purge(engine, { before: value, by: SAM })],
    ['by', ACTORS, (engine, value) => purge(engine, { before: START_AT, by: value })],
    ['force', [0, 1, 'true', null, {}], (engine, value) => purge(engine, { before: START_AT, by: SAM, force: value })],
  ],
  startRetention: [
    ['options', OPTIONS, (engine, value) => startRetention(engine, value)],
    ['options', ['before', 'force', 'by'], (engine, value) => startRetention(engine, { keep: '1d', [value]: 1 })],
    ['keep', [...DURATIONS, '23h', 86_399_999], (engine, value) => startRetention(engine, { keep: value })],
    ['every', DURATIONS.filter((value) => value !== undefined), (engine, value) => startRetention(engine, { keep: '1d', every: value })],
  ],
  acceptClock: [
    ['options', OPTIONS, (engine, value) => acceptClock(engine, value)],
    ['by', ACTORS, (engine, value) => acceptClock(engine, { by: value })],
    ['reason', TEXTS, (engine, value) => acceptClock(engine, { by: SAM, reason: value })],
  ],
  lock: [
    ['options', OPTIONS, (engine, value) => engine.lock({ subject: MAYA }, value)],
    ['by', ACTORS, (engine, value) => engine.lock({ subject: MAYA }, by(value))],
    ['reason', TEXTS, (engine, value) => engine.lock({ subject: MAYA }, { by: SAM, reason: value })],
    [
      'until',
      INSTANTS.filter((value) => value !== undefined),
      (engine, value) => engine.lock({ subject: MAYA }, { by: SAM, until: value }),
    ],
    [
      'idempotencyKey',
      IDS.filter((value) => value !== undefined),
      (engine, value) => engine.lock({ subject: MAYA }, { by: SAM, idempotencyKey: value }),
    ],
    ['target', OPTIONS, (engine, value) => engine.lock(value, by(SAM))],
    ['target.subject', ACTORS.filter((value) => value !== undefined), (engine, value) => engine.lock({ subject: value }, by(SAM))],
    ['target.scope', SCOPES.filter((value) => !isPattern(value)), (engine, value) => engine.lock({ scope: value }, by(SAM))],
  ],
  unlock: [
    ['lockId', IDS, (engine, value) => engine.unlock(value, by(SAM))],
    ['options', OPTIONS, (engine, value) => engine.unlock('l', value)],
    ['by', ACTORS, (engine, value) => engine.unlock('l', by(value))],
    ['reason', TEXTS, (engine, value) => engine.unlock('l', { by: SAM, reason: value })],
  ],
  acceptRollback: [
    ['options', OPTIONS, (engine, value) => acceptRollback(engine, value)],
    ['by', ACTORS, (engine, value) => acceptRollback(engine, { by: value })],
    ['reason', TEXTS, (engine, value) => acceptRollback(engine, { by: SAM, reason: value })],
  ],
  removeSink: [['name', IDS, (engine, value) => removeSink(engine, value)]],
};

/** The verbs and functions that a table names, including methods of their results. */
const verbsOf = (table: object) => [...new Set(Object.keys(table).map((name) => name.split(' ')[0]))].sort();

/** The functions that take an engine as their first argument. */
const FUNCTIONS = Object.keys({ ...explaining, ...links, ...provisioning, ...retention, ...work, journalHead, runSubject });

const shorten = (text: string) => (text.length > 40 ? `${text.slice(0, 40)}... (${text.length})` : text);

describe('JitEngine', () => {
  describe('bad input', () => {
    it('is tested for every verb that takes arguments', () => {
      const none = ['constructor', 'sweep', 'listLocks', 'flushAudit', 'journalHead', 'idle', 'close', 'stats'];
      const own = Object.getOwnPropertyNames(JitEngine.prototype)
        .concat(FUNCTIONS)
        .filter((name) => !none.includes(name));
      expect(verbsOf(CASES)).toEqual(own.sort());
    });

    for (const [verb, cases] of Object.entries(CASES)) {
      for (const [argument, values, call] of cases) {
        it(`L23 ${verb}() refuses a bad ${String(argument)}, names it, and stores nothing: ${shorten(inspect(values[0]))}, ... (${values.length})`, async () => {
          const { engine, store } = anEngine({ audit: new RecordingSink() });
          await aGranted(engine);
          await engine.flushAudit();
          const [head, commits, live] = [await journalHead(engine), store.called('commit'), store.called('live')];
          for (const value of values) {
            let error;
            try {
              error = await refusal(async () => call(engine, value as never), 'ERR_JIT_INVALID_ARGUMENT');
            } catch (cause) {
              throw new Error(`${verb}(${shorten(inspect(value))})`, { cause });
            }
            if (typeof argument === 'string') expect(error.argument).toBe(argument);
            else expect(error.argument).toMatch(argument);
            expect(error.message.length).toBeLessThan(600);
            expect(error.message).not.toMatch(/[\p{Cc}\p{Cs}]/u);
          }
          await engine.flushAudit();
          expect(await journalHead(engine)).toEqual(head);
          expect(store.called('commit')).toBe(commits);
          expect(store.called('live')).toBe(live);
          expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
        });
      }
    }

    it('L23 accepts values just inside the limits', async () => {
      const { engine } = anEngine();
      const long = Array(16).fill('a'.repeat(15)).join(':');
      for (const given of [
        { subject: 'x'.repeat(256) },
        { subject: 'J\u00fcrgen M\u00fcller \u674e' },
        { subject: '__proto__' },
        { subject: 'systematic' },
        { scope: 'x'.repeat(256) },
        { scope: long },
        { scope: '__proto__' },
        { scope: 'constructor:toString' },
        { scope: 'A.b~c@d/e+f=g-h_0' },
        { justification: 'x'.repeat(4096) },
        { justification: 'line\n\ttab\r\n' },
        { ticket: '' },
        { metadata: { a: { b: { c: { d: { e: { f: { g: 1 } } } } } }, toString: 'x', n: null, list: [1, 'x', true] } },
        { metadata: {} },
        { ttl: '7h59m59s999ms' as const },
      ]) {
        expect((await ask(engine, given)).outcome).toBe('pending');
      }
    });

    it('L18 copies its arguments: later changes by the caller have no effect', async () => {
      const { engine } = anEngine();
      const metadata = { list: [1], nested: { a: 1 } };
      const { request } = await ask(engine, { metadata });
      metadata.nested.a = 2;
      metadata.list.push(2);
      expect((await engine.getRequest(request.id))?.request.metadata).toEqual({ list: [1], nested: { a: 1 } });
      expect(Object.isFrozen(request)).toBe(true);
    });

    it('runs no getter, which could change its answer', async () => {
      let reads = 0;
      const { engine } = anEngine();
      const given = {
        subject: MAYA,
        scope: SCOPE,
        get ttl() {
          return ++reads === 1 ? 1000 : 1_000_000;
        },
      };
      expect((await refusal(engine.requestAccess(given), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('ttl');
      expect(reads).toBe(0);
    });
  });

  describe('construction', () => {
    const good = { decide: () => ({ outcome: 'abstain' }) as const, name: 'x' };
    const store = new MemoryGrantStore();
    const sink = new RecordingSink();
    for (const [argument, values, make] of [
      ['options', OPTIONS, (value) => value],
      ['options', ['approvers', 'Store', 'maxTtl'], (value) => ({ store, approver: good, [value as string]: 1 })],
      ['approver', [undefined, null, 7, {}, () => 1, { name: 'x', decide: 1 }], (value) => ({ approver: value })],
      ['approver.name', ['', undefined, 7, 'x\n'], (value) => ({ approver: { ...good, name: value } })],
      [
        'store',
        [undefined, null, 7, {}, { ...store }, Object.assign(Object.create(store), { live: 1 })],
        (value) => ({ approver: good, store: value }),
      ],
      ['clock', [null, 7, {}, { now: 1 }, () => 1], (value) => ({ store, approver: good, clock: value })],
      [
        /^audit/,
        [7, [null], {}, { name: 'x' }, { write: () => 1 }, { name: '', write: () => 1 }, [sink, sink]],
        (value) => ({ store, approver: good, audit: value }),
      ],
      ['scopes', [null, 7, {}, 'exact', { covers: () => true }], (value) => ({ store, approver: good, scopes: value })],
      [
        /^standing/,
        [null, 7, [], 'x', { a: 'x' }, { a: ['x', ''] }, { '': ['x'] }, { a: { length: 1, 0: 'x' } }],
        (value) => ({ store, approver: good, standing: value }),
      ],
      ['limits', [7, 'x', [], { maxTTL: 1 }], (value) => ({ store, approver: good, limits: value })],
      [
        'limits.maxTtl',
        DURATIONS.filter((value) => value !== undefined && value !== null),
        (value) => ({ store, approver: good, limits: { maxTtl: value } }),
      ],
      [
        'limits.reviewWithin',
        DURATIONS.filter((value) => value !== undefined && value !== null),
        (value) => ({ store, approver: good, limits: { reviewWithin: value } }),
      ],
      ['leewayMs', [-1, 1.5, NaN, Infinity, '1', 3_600_001, [1]], (value) => ({ store, approver: good, leewayMs: value })],
      ['canonicalId', [null, 7, 'lower', {}], (value) => ({ store, approver: good, canonicalId: value })],
      ['agents', [null, 7, 'agent:', {}, /^agent:/, ['agent:7']], (value) => ({ store, approver: good, agents: value })],
      ['onError', [null, 7, {}], (value) => ({ store, approver: good, onError: value })],
    ] as readonly (readonly [string | RegExp, readonly unknown[], (value: unknown) => unknown])[]) {
      it(`refuses a bad ${String(argument)}: ${shorten(inspect(values[0]))}, ... (${values.length})`, async () => {
        for (const value of values) {
          const error = await refusal(() => new JitEngine(make(value) as JitEngineOptions), 'ERR_JIT_INVALID_ARGUMENT');
          if (typeof argument === 'string') expect(error.argument).toBe(argument);
          else expect(error.argument).toMatch(argument);
        }
      });
    }

    it('names both choices where the store is missing', async () => {
      const { message } = await refusal(() => new JitEngine({ approver: good } as never), 'ERR_JIT_INVALID_ARGUMENT');
      expect(message).toBe(
        'store must be an object with get, live, find, due, commit, journal, for example new MemoryGrantStore(), which forgets ' +
          'everything when the process ends, or a durable store: sqlGrantStore of jit-access/sql or redisGrantStore of ' +
          'jit-access/redis; got undefined',
      );
    });

    it('reads options as own properties: a polluted prototype grants nothing', async () => {
      const polluted: readonly (readonly [string, unknown])[] = [
        ['allowed', true],
        ['standing', { [MAYA]: ['**'] }],
        ['outcome', 'approve'],
        ['open', true],
        ['scope', SCOPE],
        ['requestedBy', 'user:eve'],
        ['approvals', 1],
        ['subject', MAYA],
        ['ttl', 1],
        ['leewayMs', 0],
        ['end', { status: 'approved' }],
      ];
      const proto = Object.prototype as unknown as Record<string, unknown>;
      for (const [key, value] of polluted) {
        proto[key] = value;
        try {
          const { engine } = anEngine({ approver: new ScriptedApprover({ decide: () => Object.create(null) as never }) });
          expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
          await refusal(ask(engine));
          expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
        } finally {
          delete proto[key];
        }
      }
    });

    it('works with an approver as its only option', async () => {
      const engine = new JitEngine({ store: new MemoryGrantStore(), approver: good });
      expect((await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '1m' })).outcome).toBe('denied');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      await engine.close();
    });
  });

  describe('canonicalId', () => {
    it('is applied to the id of every subject, reviewer and actor', async () => {
      const { engine } = anEngine({ canonicalId: (id) => id.toLowerCase() });
      const { request } = await ask(engine, { subject: 'USER:Maya' });
      expect(request).toMatchObject({ subject: MAYA, requestedBy: MAYA });
      await refusal(engine.approve(request.id, { by: 'User:MAYA' }), 'ERR_JIT_SELF_REVIEW');
      expect((await engine.inbox('USER:SAM')).items.length).toBe(1);
      await engine.approve(request.id, { by: 'USER:SAM' });
      expect(await engine.isAllowed('User:Maya', SCOPE)).toBe(true);
      expect((await engine.status('User:Maya')).held).toHaveLength(1);
      expect((await engine.listRequests({ subject: 'User:Maya' })).items).toHaveLength(1);
      expect((await engine.revokeAll({ subject: 'User:Maya' }, { by: 'X' })).grants).toMatchObject([{ end: { by: 'x' } }]);
    });

    for (const [what, canonicalId] of [
      [
        'throws',
        () => {
          throw new Error('no');
        },
      ],
      ['answers undefined', () => undefined],
      ['answers an empty id', () => ''],
      ['answers a promise', async () => 'x'],
      ['answers a reserved id', () => 'system:sweeper'],
    ] as const) {
      it(`L30 refuses an id when the function ${what}`, async () => {
        const { engine } = anEngine({ approver: autoApprove(() => true), canonicalId: canonicalId as () => string });
        expect(await refusal(engine.isAllowed(MAYA, SCOPE), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument: 'subject' });
      });
    }
  });

  describe('scopes', () => {
    it('L21 refuses patterns if the engine uses exact scopes', async () => {
      const { engine } = anEngine();
      for (const scope of ['a:*', '*', '**']) await refusal(ask(engine, { scope }), 'ERR_JIT_INVALID_ARGUMENT');
    });

    it('L21 refuses a pattern as the scope of a check or a query, also with patternScopes', async () => {
      const { engine } = anEngine({ scopes: patternScopes });
      for (const scope of ['a:*', '*', '**', 'a:**']) {
        await refusal(engine.isAllowed(MAYA, scope), 'ERR_JIT_INVALID_ARGUMENT');
        await refusal(engine.whoHadAccess({ scope, at: at(0) }), 'ERR_JIT_INVALID_ARGUMENT');
      }
    });
  });

  describe('close()', () => {
    it('refuses every verb from then on', async () => {
      const { engine } = anEngine();
      await engine.close();
      await engine.close();
      const by = { by: SAM };
      const calls: Readonly<Record<string, () => unknown>> = {
        requestAccess: () => ask(engine),
        approve: () => engine.approve('r', by),
        deny: () => engine.deny('r', by),
        comment: () => engine.comment('r', { by: MAYA, text: 'why?' }),
        amend: () => engine.amend('r', { by: MAYA, ttl: 1 }),
        cancel: () => engine.cancel('r', by),
        revoke: () => engine.revoke('g', by),
        release: () => engine.release('g', by),
        revokeAll: () => engine.revokeAll({ subject: MAYA }, by),
        runSubject: () => runSubject({ agent: 'agent:7', operator: SAM }, engine),
        isAllowed: () => engine.isAllowed(MAYA, SCOPE),
        check: () => engine.check(MAYA, SCOPE),
        assertAllowed: () => engine.assertAllowed(MAYA, SCOPE),
        filterAllowed: () => engine.filterAllowed(MAYA, [SCOPE]),
        status: () => engine.status(MAYA),
        explain: () => explain(engine, MAYA, SCOPE),
        requestable: () => requestable(engine, MAYA),
        preview: () => preview(engine, { subject: MAYA, scope: SCOPE, ttl: 1 }),
        canAsk: () => canAsk(engine, MAYA, SCOPE),
        stats: () => stats(engine),
        getRequest: () => engine.getRequest('r'),
        listRequests: () => engine.listRequests(),
        getGrant: () => engine.getGrant('g'),
        listGrants: () => engine.listGrants(),
        inbox: () => engine.inbox(SAM),
        whoHadAccess: () => engine.whoHadAccess({ scope: SCOPE, at: at(0) }),
        sweep: () => engine.sweep(),
        flushAudit: () => engine.flushAudit(),
        removeSink: () => removeSink(engine, 'x'),
        purge: () => purge(engine, { before: 0, by: SAM }),
        startRetention: () => startRetention(engine, { keep: '1d' }),
        acceptClock: () => acceptClock(engine, { by: SAM }),
        lock: () => engine.lock({ subject: MAYA }, { by: SAM }),
        unlock: () => engine.unlock('l', { by: SAM }),
        listLocks: () => engine.listLocks(),
        acceptRollback: () => acceptRollback(engine, { by: SAM }),
        journalHead: () => journalHead(engine),
        extend: () => engine.extend('g', { requestedBy: MAYA, ttl: 1 }),
        breakGlass: () => engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: 1, justification: 'it burns' }),
        reviewBreakGlass: () => engine.reviewBreakGlass('r', { by: SAM, verdict: 'justified' }),
        'approvalLinks create': () => linksOf(engine).create('r', { reviewer: SAM, decision: 'approve' }),
        'approvalLinks open': () => linksOf(engine).open('token'),
        'approvalLinks redeem': () => linksOf(engine).redeem('token', by),
        consume: () => engine.consume(MAYA, SCOPE),
        withAccess: () => withAccess(engine, MAYA, SCOPE, () => undefined),
        watchAccess: () => watchAccess(engine, MAYA, SCOPE),
        waitFor: () => waitFor(engine, 'r'),
        provision: () => provision(engine, { name: 'roles', scopes: [SCOPE], apply: () => undefined }),
        failedChanges: () => failedChanges(engine),
        dismissChange: () => dismissChange(engine, 'e', by),
      };
      for (const [verb, call] of Object.entries(calls)) {
        expect(await refusal(call, 'ERR_JIT_CLOSED'), verb).toBeDefined();
      }
      const own = Object.getOwnPropertyNames(JitEngine.prototype)
        .filter((name) => !['constructor', 'idle', 'close'].includes(name))
        .concat(FUNCTIONS);
      expect(verbsOf(calls)).toEqual(own.sort());
    });
  });
});

import { purge } from 'jit-access/retention';
import { journalHead } from 'jit-access/journal';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { GrantStore } from '../../src/index.js';
import type { Row, StoreContext } from '../../src/store.js';
import { ScriptedApprover } from '../../src/testing.js';
import { aGranted, anEngine, aPending, ask, at, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE } from '../engine/an-engine.js';
import { decideAgain } from '../engine/decide-again.js';

const END = at(15 * MINUTE);
const TIMES = [undefined, null, NaN, Infinity, -1, 1.5, String(END), '9', 'soon', BigInt(END), true, {}, [END], new Date(END)];

/** Invalid rows of a grant. Each allows nothing, at any reading of the clock. */
const GRANTS: readonly (readonly [string, (row: Row) => unknown])[] = [
  ...TIMES.flatMap((time): (readonly [string, (row: Row) => unknown])[] => [
    [`until ${inspect(time)}`, (row) => ({ ...row, until: time })],
    [`from ${inspect(time)}`, (row) => ({ ...row, from: time })],
    [`expiresAt ${inspect(time)}`, (row) => ({ ...row, body: { ...row.body, expiresAt: time } })],
    [`until and expiresAt ${inspect(time)}`, (row) => ({ ...row, until: time, dueAt: time, body: { ...row.body, expiresAt: time } })],
    [`createdAt ${inspect(time)}`, (row) => ({ ...row, createdAt: time })],
    [`sortAt ${inspect(time)}`, (row) => ({ ...row, sortAt: time })],
  ]),
  ['until moved to the future', (row) => ({ ...row, until: at(HOUR * 24 * 365) })],
  ['until and dueAt moved to the future', (row) => ({ ...row, until: at(HOUR * 24), dueAt: at(HOUR * 24) })],
  ['dueAt removed', (row) => ({ ...row, dueAt: undefined })],
  ['issued after its start', (row) => ({ ...row, createdAt: (row.from ?? 0) + 1 })],
  ['a createdAt of a kind without an order', (row) => ({ ...row, createdAt: 0 })],
  ['sortAt moved to the future', (row) => ({ ...row, sortAt: at(HOUR * 24) })],
  ['from after until', (row) => ({ ...row, from: END + 1 })],
  [
    'open although it has ended',
    (row) => ({ ...row, body: { ...row.body, end: { status: 'revoked', cause: 'revoked', at: at(1), by: SAM } } }),
  ],
  ['open as text', (row) => ({ ...row, open: 'true' })],
  ['open as 1', (row) => ({ ...row, open: 1 })],
  ['an unknown status', (row) => ({ ...row, body: { ...row.body, end: { status: 'paused', cause: 'time', at: at(1), by: SAM } } })],
  [
    'an unknown cause',
    (row) => ({ ...row, open: false, body: { ...row.body, end: { status: 'revoked', cause: 'magic', at: at(1), by: SAM } } }),
  ],
  ['an end of null', (row) => ({ ...row, body: { ...row.body, end: null } })],
  ['an end of false', (row) => ({ ...row, body: { ...row.body, end: false } })],
  ['an empty end', (row) => ({ ...row, body: { ...row.body, end: {} } })],
  ['a field of a newer version', (row) => ({ ...row, body: { ...row.body, idleMs: 5 } })],
  ['0 uses', (row) => ({ ...row, body: { ...row.body, maxUses: 0 } })],
  ['uses without a usage row', (row) => ({ ...row, body: { ...row.body, maxUses: 5 } })],
  ['an idle time of text', (row) => ({ ...row, body: { ...row.body, idleTtlMs: '5' } })],
  ['an idle time without a usage row', (row) => ({ ...row, body: { ...row.body, idleTtlMs: HOUR } })],
  ['a start to be confirmed that is long past', (row) => ({ ...row, body: { ...row.body, asksAtStart: true } })],
  ['breakGlass false', (row) => ({ ...row, body: { ...row.body, breakGlass: false } })],
  ['no successors', (row) => ({ ...row, body: { ...row.body, successors: [] } })],
  ['an empty successor', (row) => ({ ...row, body: { ...row.body, successors: [{}] } })],
  ['a first start without extends', (row) => ({ ...row, body: { ...row.body, firstStartsAt: 1 } })],
  ['a recorded warning without a planned one', (row) => ({ ...row, body: { ...row.body, warned: [at(1)] } })],
  ['version 0', (row) => ({ ...row, version: 0 })],
  ['version as text', (row) => ({ ...row, version: '1' })],
  ['no body', (row) => ({ ...row, body: undefined })],
  ['a body of null', (row) => ({ ...row, body: null })],
  ['a body as text', (row) => ({ ...row, body: JSON.stringify(row.body) })],
  ['a truncated body', (row) => ({ ...row, body: { requestId: row.body['requestId'] } })],
  ['an empty body', (row) => ({ ...row, body: {} })],
  ['the id of another request', (row) => ({ ...row, body: { ...row.body, requestId: 'other' } })],
  ['an id without a number', (row) => ({ ...row, id: row.body['requestId'] })],
  ['an id that is not a text', (row) => ({ ...row, id: 7 })],
  ['an invalid scope', (row) => ({ ...row, scope: `${SCOPE}:` })],
  ['another kind', (row) => ({ ...row, kind: 'usage' })],
  ['null', () => null],
  ['undefined', () => undefined],
  ['a number', () => 7],
  ['text', () => 'grant'],
  ['an empty object', () => ({})],
];

/** Invalid rows of a request. */
const REQUESTS: readonly (readonly [string, (row: Row) => unknown])[] = [
  ...['reviewBy', 'askAgainAt', 'ttlMs', 'assignedAt'].flatMap((field) =>
    [null, NaN, -1, 1.5, '5', {}].map((value): readonly [string, (row: Row) => unknown] => [
      `${field} ${inspect(value)}`,
      (row) => ({ ...row, body: { ...row.body, [field]: value } }),
    ]),
  ),
  ...(['createdAt', 'sortAt'] as const).flatMap((column) =>
    [undefined, null, NaN, -1, 1.5, '5', {}].map((value): readonly [string, (row: Row) => unknown] => [
      `${column} ${inspect(value)}`,
      (row) => ({ ...row, [column]: value }),
    ]),
  ),
  ['sortAt moved to the future', (row) => ({ ...row, sortAt: at(HOUR * 1000) })],
  ['reviewBy moved to the future', (row) => ({ ...row, body: { ...row.body, reviewBy: at(HOUR * 1000) } })],
  ['ttlMs 0', (row) => ({ ...row, body: { ...row.body, ttlMs: 0 } })],
  ['no scopes', (row) => ({ ...row, body: { ...row.body, scopes: [] } })],
  ['scopes as text', (row) => ({ ...row, body: { ...row.body, scopes: SCOPE } })],
  ['an invalid scope', (row) => ({ ...row, body: { ...row.body, scopes: [''] } })],
  ['an empty subject', (row) => ({ ...row, subject: '' })],
  ['no requester', (row) => ({ ...row, body: { ...row.body, requestedBy: undefined } })],
  ['a justification that is not a text', (row) => ({ ...row, body: { ...row.body, justification: 7 } })],
  ['metadata of null', (row) => ({ ...row, body: { ...row.body, metadata: null } })],
  ['a quorum of null', (row) => ({ ...row, body: { ...row.body, quorum: null } })],
  ['an empty quorum', (row) => ({ ...row, body: { ...row.body, quorum: {} } })],
  ['a quorum without groups', (row) => ({ ...row, body: { ...row.body, quorum: { groups: [], denials: 1 } } })],
  ['a quorum of 0', (row) => ({ ...row, body: { ...row.body, quorum: { groups: [{ name: 'reviewers', approvals: 0 }], denials: 1 } } })],
  [
    'a quorum of text',
    (row) => ({ ...row, body: { ...row.body, quorum: { groups: [{ name: 'reviewers', approvals: '1' }], denials: 1 } } }),
  ],
  ['0 denials', (row) => ({ ...row, body: { ...row.body, quorum: { groups: [{ name: 'reviewers', approvals: 1 }], denials: 0 } } })],
  [
    'an unknown field in the quorum',
    (row) => ({ ...row, body: { ...row.body, quorum: { groups: [{ name: 'reviewers', approvals: 1, any: true }], denials: 1 } } }),
  ],
  [
    'an approval that goes stale after 0 ms',
    (row) => ({ ...row, body: { ...row.body, quorum: { groups: [{ name: 'reviewers', approvals: 1 }], denials: 1, approvalTtlMs: 0 } } }),
  ],
  ['reviews of null', (row) => ({ ...row, body: { ...row.body, reviews: null } })],
  ['a review of null', (row) => ({ ...row, body: { ...row.body, reviews: [null] } })],
  [
    'an unknown verdict',
    (row) => ({ ...row, body: { ...row.body, reviews: [{ reviewer: SAM, verdict: 'yes', groups: ['reviewers'], at: 1 }] } }),
  ],
  ['a review without groups', (row) => ({ ...row, body: { ...row.body, reviews: [{ reviewer: SAM, verdict: 'approve', at: 1 }] } })],
  [
    'a review in the group 7',
    (row) => ({ ...row, body: { ...row.body, reviews: [{ reviewer: SAM, verdict: 'approve', groups: [7], at: 1 }] } }),
  ],
  [
    'a review at NaN',
    (row) => ({ ...row, body: { ...row.body, reviews: [{ reviewer: SAM, verdict: 'approve', groups: ['reviewers'], at: NaN }] } }),
  ],
  ['an end of null', (row) => ({ ...row, body: { ...row.body, end: null } })],
  [
    'an unknown status',
    (row) => ({ ...row, open: false, body: { ...row.body, end: { status: 'paused', cause: 'time', at: 1, by: SAM } } }),
  ],
  [
    'a status of the prototype',
    (row) => ({ ...row, open: false, body: { ...row.body, end: { status: 'toString', cause: 'time', at: 1, by: SAM } } }),
  ],
  [
    'a cause of another status',
    (row) => ({ ...row, open: false, body: { ...row.body, end: { status: 'approved', cause: 'time', at: 1, by: SAM } } }),
  ],
  ['open although it has ended', (row) => ({ ...row, body: { ...row.body, end: { status: 'denied', cause: 'quorum', at: 1, by: SAM } } })],
  ['closed although it has not', (row) => ({ ...row, open: false })],
  ['a field of a newer version', (row) => ({ ...row, body: { ...row.body, shiny: 5 } })],
  ...[null, NaN, -1, 1.5, 'soon'].map((value): readonly [string, (row: Row) => unknown] => [
    `startsAt ${inspect(value)}`,
    (row) => ({ ...row, body: { ...row.body, startsAt: value } }),
  ]),
  ['an empty extension', (row) => ({ ...row, body: { ...row.body, extension: {} } })],
  ['0 uses', (row) => ({ ...row, body: { ...row.body, terms: { maxUses: 0 } } })],
  ['an unknown term', (row) => ({ ...row, body: { ...row.body, terms: { forEver: true } } })],
  [
    'an escalation after 0 ms',
    (row) => ({
      ...row,
      body: {
        ...row.body,
        quorum: { groups: [{ name: 'reviewers', approvals: 1 }], denials: 1, escalation: { group: 'reviewers', afterMs: 0 } },
      },
    }),
  ],
  ['a recorded escalation without an escalation in its quorum', (row) => ({ ...row, body: { ...row.body, escalatedAt: at(0) } })],
  [
    'a review that only break-glass has',
    (row) => ({ ...row, body: { ...row.body, afterReview: { reviewBy: at(HOUR), skippedGroups: [] } } }),
  ],
  ['an approver that is not a text', (row) => ({ ...row, body: { ...row.body, approver: 7 } })],
  ['no body', (row) => ({ ...row, body: undefined })],
  ['a body as text', (row) => ({ ...row, body: JSON.stringify(row.body) })],
  ['version as text', (row) => ({ ...row, version: '2' })],
  ['null', () => null],
  ['a number', () => 7],
  ['an empty object', () => ({})],
];

/** Invalid usage rows: the grant of such a row allows nothing, but can be ended. */
const USAGES: readonly (readonly [string, (row: Row) => unknown])[] = [
  ...[null, NaN, -1, 1.5, '1', {}, undefined].map((uses): readonly [string, (row: Row) => unknown] => [
    `uses ${inspect(uses)}`,
    (row) => ({ ...row, body: { ...row.body, uses } }),
  ]),
  ...TIMES.filter((time) => time !== undefined).map((usedAt): readonly [string, (row: Row) => unknown] => [
    `usedAt ${inspect(usedAt)}`,
    (row) => ({ ...row, body: { ...row.body, usedAt } }),
  ]),
  ['another idle time', (row) => ({ ...row, dueAt: at(HOUR), body: { ...row.body, idleTtlMs: HOUR } })],
  ['no idle time', (row) => ({ ...row, dueAt: undefined, body: { ...row.body, idleTtlMs: undefined } })],
  ['another end', (row) => ({ ...row, until: at(HOUR), body: { ...row.body, expiresAt: at(HOUR) } })],
  ['dueAt removed', (row) => ({ ...row, dueAt: undefined })],
  ['closed although its grant is live', (row) => ({ ...row, open: false })],
  ['a field of a newer version', (row) => ({ ...row, body: { ...row.body, shiny: 1 } })],
  ['version as text', (row) => ({ ...row, version: '1' })],
  ['no body', (row) => ({ ...row, body: undefined })],
  ['gone', () => undefined],
];

/** Invalid rows of a subject. */
const SUBJECTS: readonly (readonly [string, (row: Row) => unknown])[] = [
  ...[null, {}, 'r1', [7], [null], undefined].map((unreviewed): readonly [string, (row: Row) => unknown] => [
    `unreviewed ${inspect(unreviewed)}`,
    (row) => ({ ...row, body: { unreviewed } }),
  ]),
  ['open although no review is pending', (row) => ({ ...row, open: true })],
  ['a field of a newer version', (row) => ({ ...row, body: { ...row.body, shiny: 1 } })],
  ['version 0', (row) => ({ ...row, version: 0 })],
  ['no body', (row) => ({ ...row, body: undefined })],
];

/** Values that are not even a row. A store that returns one breaks its contract, and its whole answer may be refused. */
const NO_ROWS: ReadonlySet<string> = new Set(['null', 'undefined', 'a number', 'text', 'an empty object']);

/** In these cases the row of the grant itself is valid: a sweep ends it like any other, or never reads it. */
const CAN_BE_READ: ReadonlySet<string> = new Set(['another kind', 'uses without a usage row', 'an idle time without a usage row']);

/** The answer of `context` with rows that were changed from outside. */
const inContext =
  (swap: (row: Row | undefined) => Row | undefined) =>
  ({ rows, live, open }: StoreContext): unknown => ({
    rows: rows.map(swap),
    live: live.map(swap),
    open: { ...open, items: open.items.map(swap) },
  });

/** A store that was changed from outside, which returns a spoilt row in every read. */
async function spoilt(kind: 'grant' | 'request', spoil: (row: Row) => unknown) {
  const made = anEngine();
  const good = await aGranted(made.engine, { scope: 'good' });
  const grant = await aGranted(made.engine);
  const pending = await aPending(made.engine, { scope: 'asked' });
  const id = kind === 'grant' ? grant.id : pending.id;
  const swap = (row: Row | undefined) => (row?.kind === kind && row.id === id ? (spoil(row) as Row) : row);
  const { store } = made;
  store.inject('get', { fault: 'malformed', answer: (rows: readonly Row[]) => rows.map(swap) });
  store.inject('live', { fault: 'malformed', answer: (rows: readonly Row[]) => rows.map(swap) });
  store.inject('context', { fault: 'malformed', answer: inContext(swap) });
  for (const method of ['find', 'due'] as const) {
    store.inject(method, {
      fault: 'malformed',
      answer: (page: { items: readonly Row[]; next: string | undefined }) => ({ ...page, items: page.items.map(swap) }),
    });
  }
  return { ...made, good, grant, pending };
}

/** A typed error, which also denies, or an answer without the spoilt grant. */
async function unlessRefused<T>(work: Promise<T>): Promise<T | undefined> {
  let answer: T | undefined;
  const error = await work.then(
    (value) => void (answer = value),
    (thrown: unknown) => thrown,
  );
  if (error !== undefined) await refusal(Promise.reject(error as Error));
  return answer;
}

describe('JitEngine', () => {
  describe('over rows that were changed from outside', () => {
    for (const [what, spoil] of GRANTS) {
      it(`L30 a grant with ${what} allows nothing, hides no other grant, and is reported`, async () => {
        const { engine, clock, told, grant } = await spoilt('grant', spoil);
        for (const t of [at(0), END - 1, END, at(HOUR * 2), at(HOUR * 24 * 366)]) {
          await clock.set(t);
          expect(await unlessRefused(engine.isAllowed(MAYA, SCOPE))).not.toBe(true);
          expect((await unlessRefused(engine.check(MAYA, SCOPE)))?.allowed).not.toBe(true);
          expect(await unlessRefused(engine.filterAllowed(MAYA, [SCOPE]))).not.toEqual([SCOPE]);
          expect((await unlessRefused(engine.status(MAYA)))?.held.some((one) => one.id === grant.id)).not.toBe(true);
          // A value that is not a row may spoil the whole answer, which then denies; an invalid row spoils only itself.
          const good = await unlessRefused(engine.filterAllowed(MAYA, ['good']));
          if (!NO_ROWS.has(what) || good !== undefined) expect(good?.length).toBe(t < END ? 1 : 0);
        }
        expect(told.every(({ error }) => error instanceof Error)).toBe(true);
      });
    }

    for (const [what, spoil] of GRANTS.filter(([what]) => !NO_ROWS.has(what) && !CAN_BE_READ.has(what))) {
      it(`L30 a sweep skips a grant with ${what}, reports and counts it, and ends the other grants`, async () => {
        const { engine, clock, told } = await spoilt('grant', spoil);
        await clock.set(END);
        const report = await engine.sweep();
        expect(report).toMatchObject({ ended: 1, skipped: 1 });
        expect(told.map((one) => (one.error as { code?: string }).code)).toContain('ERR_JIT_CORRUPT');
      });
    }

    for (const [what, spoil] of REQUESTS) {
      it(`L16 L30 a request with ${what} can be neither approved nor changed by a sweep, and is reported`, async () => {
        const { engine, clock, told, pending, store } = await spoilt('request', spoil);
        const head = await journalHead(engine);
        for (const verb of ['approve', 'deny'] as const) await refusal(engine[verb](pending.id, { by: SAM }));
        await refusal(engine.cancel(pending.id, { by: MAYA }));
        await refusal(decideAgain(engine, pending.id));
        expect(await journalHead(engine)).toEqual(head);
        expect((await unlessRefused(engine.inbox(SAM)))?.items.some((item) => item.request.id === pending.id)).not.toBe(true);
        await clock.set(at(24 * HOUR));
        const report = await unlessRefused(engine.sweep());
        if (!NO_ROWS.has(what) || report !== undefined) {
          expect(report).toMatchObject({ ended: 2, expired: 0, skipped: 1 });
          expect(told.length).toBeGreaterThan(0);
        }
        store.clear();
        expect(await engine.isAllowed(MAYA, 'asked')).toBe(false);
      });
    }

    for (const [what, spoil] of USAGES) {
      it(`L30 a grant whose usage row has ${what} allows nothing and gives no use, hides no other grant, and can be ended`, async () => {
        const terms = { idleTtlMs: 10 * MINUTE, maxUses: 3 };
        const { engine, store, clock } = anEngine({ approver: new ScriptedApprover({ decide: { outcome: 'approve', terms } }) });
        const good = await aGranted(engine, { scope: 'good' });
        const grant = await aGranted(engine);
        await clock.set(at(2 * MINUTE));
        const swap = (row: Row | undefined) => (row?.kind === 'usage' && row.id === grant.id ? (spoil(row) as Row) : row);
        store.inject('get', { fault: 'malformed', answer: (rows: readonly Row[]) => rows.map(swap) });
        store.inject('live', { fault: 'malformed', answer: (rows: readonly Row[]) => rows.map(swap).filter((row) => row !== undefined) });
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
        expect((await engine.check(MAYA, SCOPE, { touch: 'wait' })).allowed).toBe(false);
        await refusal(engine.consume(MAYA, SCOPE), 'ERR_JIT_DENIED');
        expect((await engine.status(MAYA)).held.map(({ id }) => id)).toEqual([good.id]);
        expect(await engine.isAllowed(MAYA, 'good')).toBe(true);
        expect((await engine.revoke(grant.id, { by: SAM })).end?.status).toBe('revoked');
        store.clear();
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      });
    }

    for (const [what, spoil] of SUBJECTS) {
      it(`L30 a subject whose row has ${what} gets no further access, and its grants can be ended`, async () => {
        const { engine, store } = anEngine();
        const grant = await aGranted(engine);
        const pending = await aPending(engine, { scope: 'asked' });
        const swap = (row: Row | undefined) => (row?.kind === 'subject' ? (spoil(row) as Row) : row);
        store.inject('get', { fault: 'malformed', answer: (rows: readonly Row[]) => rows.map(swap) });
        store.inject('context', { fault: 'malformed', answer: inContext(swap) });
        await refusal(ask(engine, { scope: 'more' }), 'ERR_JIT_CORRUPT');
        await refusal(engine.approve(pending.id, { by: SAM }), 'ERR_JIT_CORRUPT');
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
        expect((await engine.revoke(grant.id, { by: SAM })).end?.cause).toBe('revoked');
        expect((await engine.deny(pending.id, { by: SAM })).outcome).toBe('denied');
        expect((await engine.status(MAYA)).held).toEqual([]);
      });
    }

    it('L30 a missing grant of an approved request is reported as corrupt, and not made up', async () => {
      const { engine, store } = anEngine();
      const grant = await aGranted(engine);
      const [row] = await store.get([{ kind: 'grant', id: grant.id }]);
      await (store as GrantStore).commit({
        id: 'outside',
        expect: [{ kind: 'grant', id: grant.id, version: row?.version ?? 0 }],
        put: [],
        append: [],
        remove: [{ kind: 'grant', id: grant.id }],
      });
      await refusal(engine.getRequest(grant.requestId), 'ERR_JIT_CORRUPT');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('L12 revokeAll ends what it can read and rejects with the rest [V7]', async () => {
      const { engine } = await spoilt('grant', (row) => ({ ...row, until: at(HOUR * 24) }));
      const { ended, failures } = await refusal(engine.revokeAll({ subject: MAYA }, { by: SAM }), 'ERR_JIT_PARTIAL');
      expect(ended.grants.map((grant) => grant.scope)).toEqual(['good']);
      expect(failures).toMatchObject([{ kind: 'grant', error: { code: 'ERR_JIT_CORRUPT' } }]);
    });

    it('L30 an answer about the past is refused if it needs a row that cannot be read', async () => {
      const { engine, clock } = await spoilt('grant', (row) => ({ ...row, version: 0 }));
      await clock.set(at(1));
      await refusal(engine.whoHadAccess({ scope: SCOPE, at: at(0) }), 'ERR_JIT_CORRUPT');
      await refusal(engine.listGrants({ during: { from: at(0), to: at(1) } }), 'ERR_JIT_CORRUPT');
    });

    it('L30 a horizon that cannot be read refuses every question about the past', async () => {
      const { engine, store, clock } = anEngine();
      await clock.set(at(1000));
      await purge(engine, { before: at(500), by: SAM, force: true });
      store.inject('get', {
        fault: 'malformed',
        answer: (rows: readonly (Row | undefined)[]) => rows.map((row) => row && { ...row, body: { before: 'soon' } }),
      });
      await refusal(engine.whoHadAccess({ scope: SCOPE, at: at(900) }), 'ERR_JIT_CORRUPT');
      await refusal(purge(engine, { before: at(600), by: SAM, force: true }), 'ERR_JIT_CORRUPT');
    });

    it('an empty store denies', async () => {
      const { engine } = anEngine();
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect((await ask(engine)).outcome).toBe('pending');
    });
  });
});

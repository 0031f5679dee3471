import { describe, expect, it } from 'vitest';
import type { Row } from '../../src/store.js';
import {
  decodeActivity,
  decodeComment,
  decodeProvisioningChange,
  decodeGrant,
  decodeHolders,
  decodeRequest,
  decodeReuse,
  decodeSubject,
  decodeUsage,
  decodeUse,
  encode,
  grantedOf,
  KINDS,
  type AccessRequest,
  type Activity,
  type ProvisioningChange,
  type Grant,
  type Holders,
  type RequestComment,
  type Reuse,
  type StoredRecord,
  type Subject,
  type Usage,
  type Use,
} from '../../src/records/index.js';
import { aGrant, aRequest, START_AT } from '../../src/testing.js';
import { aQuorum } from '../lifecycle/a-quorum.js';
import { Dice } from '../model/dice.js';

const MINUTE = 60_000;
const at = (ms: number): number => START_AT + ms;
const END = at(15 * MINUTE);

const decoders = {
  request: decodeRequest,
  grant: decodeGrant,
  usage: decodeUsage,
  use: decodeUse,
  reuse: decodeReuse,
  provisioning: decodeProvisioningChange,
  subject: decodeSubject,
  activity: decodeActivity,
  comment: decodeComment,
  holders: decodeHolders,
} as const;
const decode = (row: unknown): StoredRecord => decoders[(row as Row).kind as keyof typeof decoders](row as Row);

/** As a store returns it: its own copy, without undefined fields. */
const stored = (record: StoredRecord): Row => JSON.parse(JSON.stringify(encode(record))) as Row;

/** A scheduled grant of a chain, with every field set. */
const FULL_GRANT: Grant = aGrant({
  version: 7,
  startsAt: at(MINUTE),
  firstStartsAt: at(-MINUTE),
  extends: 'r0.1',
  successors: [
    { grantId: 'r2.1', at: at(2 * MINUTE) },
    { grantId: 'r3.1', at: at(3 * MINUTE) },
  ],
  breakGlass: true,
  asksAtStart: true,
  activatedAt: at(MINUTE + 5),
  warnAt: [at(10 * MINUTE), at(14 * MINUTE)],
  warnedAt: [at(10 * MINUTE)],
  idleTtlMs: 2 * MINUTE,
  maxUses: 3,
});

const FULL_REQUEST: AccessRequest = aRequest({
  version: 4,
  scopes: ['db-prod:write', 'db-prod:read'],
  requestedBy: 'user:ana',
  extension: {
    grantIds: ['r0.1', 'r0.2'],
    requestId: 'r0',
    from: at(5 * MINUTE),
    firstStartsAt: at(0),
    until: at(60 * MINUTE),
    breakGlass: false,
  },
  metadata: { pager: [1, { x: null }] },
  approver: 'policy',
  rule: 'db',
  terms: {
    warnBeforeMs: [9, 1],
    idleTtlMs: 2,
    maxUses: 3,
    maxTotalMs: 4,
    endBy: undefined,
    maxHolders: [{ rule: 'one', max: 2, scopes: ['a', 'b'] }],
  },
  assignedAt: at(1),
  quorum: aQuorum({
    groups: [{ name: 'ops', approvals: 2 }],
    approvalTtlMs: MINUTE,
    escalation: { group: 'ciso', afterMs: 5 },
    assurance: { acr: ['phr', 'phrh'], maxAgeMs: MINUTE },
    remindEveryMs: 300_000,
  }),
  escalatedAt: at(6),
  reminders: 2,
  remindedAt: at(600_001),
  reviews: [
    {
      ...({
        reviewer: 'user:sam',
        verdict: 'approve',
        groups: ['ops', 'ciso'],
        as: 'ops',
        steps: undefined,
        at: at(2),
        reason: 'fine',
        comment: 'really',
      } as const),
      ...{ ttlMs: MINUTE, scopes: ['db-prod:write'], auth: { acr: 'phr', authAt: at(0) } },
    },
    {
      ...({
        reviewer: 'user:lee',
        verdict: 'approve',
        groups: ['ciso'],
        as: undefined,
        steps: undefined,
        at: at(6),
        reason: undefined,
        comment: undefined,
      } as const),
      ...{ ttlMs: undefined, scopes: undefined, auth: { acr: undefined, authAt: at(5) } },
    },
  ],
});

const GRANTED = grantedOf(aRequest());

const OWED: AccessRequest = aRequest({
  approver: 'policy',
  end: { status: 'approved', cause: 'break_glass', at: at(0), by: 'user:maya', reason: undefined, granted: GRANTED },
  afterReview: {
    reviewBy: at(60 * MINUTE),
    reviewers: ['user:lee', 'user:noor'],
    skippedGroups: ['ops'],
    skippedPeople: ['user:sam'],
    missedAt: at(60 * MINUTE),
    breakGlassReview: { by: 'user:lee', verdict: 'unjustified', at: at(61 * MINUTE), reason: 'no' },
  },
});

const UNTIL: AccessRequest = aRequest({ ttlMs: 2 * MINUTE, until: at(2 * MINUTE), correlation: 'trace-1' });
const CANCELLED: AccessRequest = aRequest({
  end: { status: 'cancelled', cause: 'cancelled', at: at(0), by: 'user:maya', reason: undefined },
});
const AMENDED: AccessRequest = aRequest({
  replaces: 'r0',
  end: { status: 'cancelled', cause: 'amended', at: at(0), by: 'user:maya', reason: undefined },
  replacedBy: 'r2',
});

const USAGE: Usage = {
  kind: 'usage',
  id: 'r1.1',
  version: 3,
  subject: 'user:maya',
  scope: 'db-prod:write',
  startsAt: at(0),
  expiresAt: END,
  idleTtlMs: 2 * MINUTE,
  usedAt: at(MINUTE),
  uses: 2,
  endedAt: undefined,
};

const USE: Use = {
  kind: 'use',
  id: 'use-1',
  version: 1,
  subject: 'user:maya',
  scope: 'db-prod:write',
  grantId: 'r1.1',
  at: at(MINUTE),
  expiresAt: END,
  usesLeft: 1,
};

const REUSE: Reuse = { kind: 'reuse', id: 'reuse-1', version: 1, subject: 'user:maya', requestId: 'r1', askDigest: 'a1b2' };

const CHANGE: ProvisioningChange = {
  kind: 'provisioning',
  id: 'e1',
  version: 5,
  name: 'roles',
  subject: 'user:maya',
  scope: 'db-prod:write',
  held: true,
  seq: 12,
  intendedAt: at(0),
  failures: 2,
  problem: 'ETIMEDOUT',
  tryAt: at(4_000),
  changedAt: at(2_000),
  outcome: undefined,
};

const ACTIVITY: Activity = {
  ...{ kind: 'activity', id: 'r1.1', version: 2, subject: 'user:maya', scope: 'db-prod:write' },
  ...{ firstUsedAt: at(MINUTE), lastUsedAt: at(2 * MINUTE), count: 3 },
};

const COMMENT: RequestComment = {
  ...{ kind: 'comment', id: 'r1.2', version: 1, requestId: 'r1', subject: 'user:maya' },
  ...{ by: 'user:sam', text: 'why so long?', at: at(MINUTE), keyId: 'c0ffee' },
};

const HOLDERS: Holders = { kind: 'holders', id: 'h1', version: 2, approver: 'policy', rule: 'one', grantIds: ['r1.1', 'r2.1'] };

const SUBJECT: Subject = {
  ...{ kind: 'subject', id: 'user:maya', version: 9 },
  ...{ unreviewed: ['r1', 'r2'], openedForOthers: ['r3'], denied: ['r4', 'r5'] },
};

const RECORDS: Readonly<Record<string, StoredRecord>> = {
  'an ordinary grant': aGrant(),
  'a full grant': FULL_GRANT,
  'a grant that was used up': aGrant({
    maxUses: 1,
    end: { status: 'expired', cause: 'used_up', at: at(5), by: 'user:maya', reason: undefined },
  }),
  'a scheduled grant that was revoked before its start': aGrant({
    startsAt: at(MINUTE),
    firstStartsAt: at(MINUTE),
    activatedAt: undefined,
    end: { status: 'revoked', cause: 'origin_ended', at: at(5), by: 'user:sam', reason: 'gone' },
  }),
  'a pending request': aRequest(),
  'a request with an end': UNTIL,
  'a scheduled request': aRequest({ startsAt: at(60 * MINUTE) }),
  'a full request': FULL_REQUEST,
  'break-glass that was reviewed': OWED,
  amended: AMENDED,
  'usage of a grant with an idle end': USAGE,
  'usage of a grant without an idle end': { ...USAGE, idleTtlMs: undefined, usedAt: undefined, uses: 0 },
  'usage that is closed': { ...USAGE, endedAt: at(3 * MINUTE) },
  'usage that was closed before its start': { ...USAGE, startsAt: at(MINUTE), usedAt: undefined, uses: 0, endedAt: at(1) },
  'a use': USE,
  'the reuse of a key': REUSE,
  'the use of a grant by checks': ACTIVITY,
  'the holders of a rule': HOLDERS,
  'a comment under a key': COMMENT,
  'a comment': { ...COMMENT, keyId: undefined },
  'a change that is to be applied': CHANGE,
  'a change that was applied at the first call': {
    ...CHANGE,
    held: false,
    failures: 0,
    problem: undefined,
    outcome: { status: 'done', at: at(1), by: 'system:provisioning', reason: undefined },
  },
  'a change that is stuck': { ...CHANGE, outcome: { status: 'stuck', at: at(3), by: 'system:provisioning', reason: undefined } },
  'a change that was dismissed': { ...CHANGE, outcome: { status: 'dismissed', at: at(3), by: 'user:ana', reason: 'by hand' } },
  'a subject with pending reviews': SUBJECT,
  'a subject without pending reviews': { ...SUBJECT, unreviewed: [] },
  'a subject with empty lists': { ...SUBJECT, unreviewed: [], openedForOthers: [], denied: [] },
};

/** The first integer that is not an instant. */
const LARGE = 8_640_000_000_000_001;

/** Values that no field may have, of any type. */
const WRONG: readonly unknown[] = [null, {}, '', -1, 1.5, NaN, Infinity, 2 ** 53, [null], [[]], LARGE];

/** A count, or a number of milliseconds, may be any safe integer; an instant must be one that a `Date` can have. */
const isCount = (path: readonly string[]): boolean =>
  /^(ttlMs|warnBeforeMs|idleTtlMs|maxUses|maxTotalMs|max|approvals|denials|approvalTtlMs|afterMs|maxAgeMs|uses|usesLeft|count|seq|failures)$/.test(
    path.findLast((name) => !/^\d+$/.test(name)) ?? '',
  );

/** Every place in a body, as a path. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...path, key]));
  return path.length === 0 ? inner : [path, ...inner];
}

function withAt(body: object, [key = '', ...rest]: readonly string[], value: unknown): object {
  const copy = (Array.isArray(body) ? [...(body as unknown[])] : { ...body }) as Record<string, unknown>;
  if (rest.length === 0) copy[key] = value;
  else copy[key] = withAt(copy[key] as object, rest, value);
  return copy;
}

const corrupt = (row: unknown): void => {
  let decoded: unknown;
  try {
    decoded = decode(row);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_JIT_CORRUPT' });
    return;
  }
  throw new Error(`decoded: ${JSON.stringify(row)} as ${JSON.stringify(decoded)}`);
};

/** Texts may be any text, metadata any JSON; and terms may be empty. */
function isFree(path: readonly string[], wrong: unknown): boolean {
  if (path[0] === 'metadata') return path.length > 1 || (typeof wrong === 'object' && wrong !== null);
  if (path.join() === 'terms') return JSON.stringify(wrong) === '{}';
  if (isCount(path) && wrong === LARGE) return true;
  return wrong === '' && /^(justification|ticket|reason|comment)$/.test(path.at(-1) ?? '');
}

it('L30 refuses an activity whose first use is later than its last', () => {
  corrupt(stored({ ...ACTIVITY, firstUsedAt: ACTIVITY.lastUsedAt + 1 }));
});

it.each(['r1', 'r1.', 'r1.0', 'r1.01', 'r1.x', 'r2.1', 'r1.1.2'])('L30 refuses the id %s for a comment on r1', (id) => {
  corrupt({ ...(stored(COMMENT) as object), id });
});

describe('the codec', () => {
  for (const [what, record] of Object.entries(RECORDS)) {
    describe(`of ${what}`, () => {
      it('returns the encoded record', () => {
        expect(decode(stored(record))).toEqual(record);
        expect(encode(decode(stored(record)))).toEqual(encode(record));
      });

      it('L30 refuses each field of the body in turn when it is wrong', () => {
        const row = stored(record);
        for (const path of pathsOf(row.body)) {
          for (const wrong of WRONG) {
            if (isFree(path, wrong)) continue;
            corrupt({ ...row, body: withAt(row.body, path, wrong) });
          }
        }
      });

      it('L30 refuses an unknown field, in the body and in every object inside', () => {
        const row = stored(record);
        corrupt({ ...row, body: { ...row.body, forged: true } });
        for (const path of pathsOf(row.body)) {
          const value = path.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], row.body);
          if (typeof value !== 'object' || value === null || Array.isArray(value) || path[0] === 'metadata') continue;
          corrupt({ ...row, body: withAt(row.body, path, { ...value, forged: true }) });
        }
      });

      it('L30 ignores silent fields of a newer version in the body, and refuses them at any other depth', () => {
        const row = stored(record);
        const more = { label: 'x', deep: [{ y: null }] };
        expect(decode({ ...row, body: { ...row.body, more } })).toEqual(record);
        for (const wrong of ['text', 1, true, null]) corrupt({ ...row, body: { ...row.body, more: wrong } });
        for (const path of pathsOf(row.body)) {
          const value = path.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], row.body);
          if (typeof value !== 'object' || value === null || Array.isArray(value) || path[0] === 'metadata') continue;
          corrupt({ ...row, body: withAt(row.body, path, { ...value, more }) });
        }
      });

      it('L30 makes the record from the body that it has checked, and reads it once', () => {
        const row = stored(record);
        const bodies = [row.body];
        Object.defineProperty(row, 'body', { get: () => bodies.pop() ?? {} });
        expect(decode(row)).toEqual(record);
      });

      it('L30 refuses a column that does not match the record', () => {
        const row = stored(record);
        for (const column of ['subject', 'scope', 'open', 'createdAt', 'from', 'until', 'dueAt', 'sortAt', 'version', 'id'] as const) {
          for (const wrong of [...WRONG, 'x y', !row.open, 1, 0, Number(row[column]) + 1, undefined]) {
            if (wrong === row[column] || isOpenTo(record, column, wrong)) continue;
            corrupt({ ...row, [column]: wrong });
          }
        }
      });

      it('shares no object with the row', () => {
        const row = stored(record);
        const decoded = decode(row);
        const before = JSON.stringify(decoded);
        for (const path of pathsOf(row.body).reverse()) {
          const parent = path.slice(0, -1).reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], row.body);
          if (path[0] !== 'metadata') (parent as Record<string, unknown>)[path.at(-1) ?? ''] = 'changed';
        }
        expect(JSON.stringify(decoded)).toBe(before);
        expect(Object.isFrozen(decoded)).toBe(true);
      });
    });
  }

  /** If only the column holds a value, another valid value is another record. */
  function isOpenTo(record: StoredRecord, column: string, wrong: unknown): boolean {
    const isInstant = Number.isSafeInteger(wrong) && (wrong as number) >= 0 && (wrong as number) <= 8_640_000_000_000_000;
    const isText = typeof wrong === 'string' && wrong !== '';
    if (column === 'version') return Number.isSafeInteger(wrong) && (wrong as number) > 0;
    if (column === 'id') return isText && !['grant', 'subject', 'comment'].includes(record.kind);
    // Any start between the decision and the end could have been requested.
    if (column === 'from' && record.kind === 'grant') return isInstant && START_AT < (wrong as number) && (wrong as number) < END;
    // A request or a comment could have been made, and a grant issued, at another instant.
    if (column === 'createdAt')
      return (
        isInstant &&
        (record.kind === 'request' || record.kind === 'comment' || (record.kind === 'grant' && (wrong as number) <= record.startsAt))
      );
    if (column === 'subject') return isText && record.kind !== 'subject';
    return isInstant && ((record.kind === 'use' && column === 'until') || (record.kind === 'usage' && column === 'from'));
  }

  it.each<[string, Grant, (body: Record<string, unknown>) => object]>([
    ['extends without a first start: the cap would start again', FULL_GRANT, (body) => ({ ...body, firstStartsAt: undefined })],
    ['a first start without extends', FULL_GRANT, (body) => ({ ...body, extends: undefined })],
    ['a first start at its own start', FULL_GRANT, (body) => ({ ...body, firstStartsAt: at(MINUTE) })],
    ['a first start after its own start', FULL_GRANT, (body) => ({ ...body, firstStartsAt: at(2 * MINUTE) })],
    ['activated before its start', FULL_GRANT, (body) => ({ ...body, activatedAt: at(MINUTE - 1) })],
    ['activated, although it started with its decision', aGrant(), (body) => ({ ...body, activatedAt: at(0) })],
    ['asked about, although it started with its decision', aGrant(), (body) => ({ ...body, asksAtStart: true })],
    ['breakGlass 1', FULL_GRANT, (body) => ({ ...body, breakGlass: 1 })],
    ['breakGlass as text', FULL_GRANT, (body) => ({ ...body, breakGlass: 'true' })],
    ['asksAtStart 1', FULL_GRANT, (body) => ({ ...body, asksAtStart: 1 })],
    ['a warning at its end', FULL_GRANT, (body) => ({ ...body, warn: [END], warned: undefined })],
    ['a single number as its list of warnings', FULL_GRANT, (body) => ({ ...body, warn: at(10 * MINUTE) })],
    ['a recorded warning without a planned one', FULL_GRANT, (body) => ({ ...body, warn: undefined })],
    ['more recorded warnings than planned ones', FULL_GRANT, (body) => ({ ...body, warn: [at(10 * MINUTE)], warned: [at(1), at(2)] })],
    ['an empty list of successors', FULL_GRANT, (body) => ({ ...body, successors: [] })],
  ])('L30 refuses a grant with %s', (_, grant, spoil) => {
    const row = stored(grant);
    corrupt({ ...row, body: spoil(row.body) });
  });

  it.each<[string, AccessRequest, (body: Record<string, unknown>) => object]>([
    ['an extension that starts at its cap', FULL_REQUEST, (body) => withAt(body, ['extension', 'until'], at(5 * MINUTE))],
    ['an extension that starts after its cap', FULL_REQUEST, (body) => withAt(body, ['extension', 'from'], at(61 * MINUTE))],
    ['an extension of a grant that never started', FULL_REQUEST, (body) => withAt(body, ['extension', 'firstStartsAt'], at(5 * MINUTE))],
    ['an extension with a start of its own', FULL_REQUEST, (body) => ({ ...body, startsAt: at(MINUTE) })],
    [
      'a recorded escalation without an escalation in its quorum',
      FULL_REQUEST,
      (body) => withAt(body, ['quorum', 'escalation'], undefined),
    ],
    ['reminders without an interval in its quorum', FULL_REQUEST, (body) => withAt(body, ['quorum', 'remindEveryMs'], undefined)],
    ['reminders without the instant of the last one', FULL_REQUEST, (body) => ({ ...body, remindedAt: undefined })],
    ['the instant of a reminder without their number', FULL_REQUEST, (body) => ({ ...body, reminders: undefined })],
    ['more reminders than intervals', FULL_REQUEST, (body) => ({ ...body, remindedAt: at(600_000) })],
    ['more than 20 reminders', FULL_REQUEST, (body) => ({ ...body, reminders: 21, remindedAt: at(21 * 300_000 + 1) })],
    ['a quorum without an approver', FULL_REQUEST, (body) => ({ ...body, approver: undefined })],
    ['an end that does not fit its length', UNTIL, (body) => ({ ...body, until: at(MINUTE) })],
    ['the cause amended without the request that replaces it', AMENDED, (body) => ({ ...body, replacedBy: undefined })],
    ['a request that replaces a cancelled one', CANCELLED, (body) => ({ ...body, replacedBy: 'r2' })],
    ['a request that replaces a pending one', aRequest(), (body) => ({ ...body, replacedBy: 'r2' })],
    ['the end of break-glass without its review', OWED, (body) => ({ ...body, afterReview: undefined })],
    ['a break-glass review for an ordinary approval', OWED, (body) => withAt(body, ['end', 'cause'], 'quorum')],
    ['a cause of another status', OWED, (body) => withAt(body, ['end', 'cause'], 'time')],
    ['a review of all its time', FULL_REQUEST, (body) => withAt(body, ['reviews', '0', 'ttlMs'], 15 * MINUTE)],
    ['a review of more than its time', FULL_REQUEST, (body) => withAt(body, ['reviews', '0', 'ttlMs'], 16 * MINUTE)],
    ['a review of all its scopes', FULL_REQUEST, (body) => withAt(body, ['reviews', '0', 'scopes'], ['db-prod:write', 'db-prod:read'])],
    ['a review of a scope that was not requested', FULL_REQUEST, (body) => withAt(body, ['reviews', '0', 'scopes'], ['db-prod:drop'])],
    ['a review of one scope twice', FULL_REQUEST, (body) => withAt(body, ['reviews', '0', 'scopes'], ['db-prod:read', 'db-prod:read'])],
    ['a denial of a part of it', FULL_REQUEST, (body) => withAt(body, ['reviews', '0', 'verdict'], 'deny')],
    ['an approval without the access that it gave', OWED, (body) => withAt(body, ['end', 'granted'], undefined)],
    ['an approval of no scope', OWED, (body) => withAt(body, ['end', 'granted', 'scopes'], [])],
    ['an approval of more time than requested', OWED, (body) => withAt(body, ['end', 'granted', 'ttlMs'], 15 * MINUTE + 1)],
    ['an approval of a scope that was not requested', OWED, (body) => withAt(body, ['end', 'granted', 'scopes'], ['db-prod:read'])],
    [
      'an approval whose scopes have another order',
      { ...OWED, scopes: ['a', 'b'], end: { ...OWED.end, granted: { scopes: ['b', 'a'], ttlMs: 1 } } as AccessRequest['end'] },
      (body) => body,
    ],
    [
      'the granted access of an approval in a denial',
      FULL_REQUEST,
      (body) => ({ ...body, end: { status: 'denied', cause: 'quorum', at: at(9), by: 'x', granted: GRANTED } }),
    ],
  ])('L30 refuses a request with %s', (_, request, spoil) => {
    const row = stored(request);
    corrupt({ ...row, body: spoil(row.body) });
  });

  it.each([null, undefined, 7, 'row', [], {}, { kind: 'grant' }])('L30 refuses a value that is not a row: %j', (row) => {
    for (const decodeOne of Object.values(decoders)) expect(() => decodeOne(row as unknown as Row)).toThrow(/./);
    for (const decodeOne of Object.values(decoders)) {
      try {
        decodeOne(row as unknown as Row);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_JIT_CORRUPT' });
      }
    }
  });

  it.each<[string, string, unknown]>([
    ['request', 'terms', false],
    ['request', 'terms', ''],
    ['request', 'afterReview', 0],
    ['request', 'reviews', false],
    ['grant', 'breakGlass', []],
    ['grant', 'asksAtStart', []],
    ['grant', 'firstStartsAt', false],
    ['grant', 'firstStartsAt', []],
  ])('L26 a %s that replay has made with the wrong field %s is not written as a sound row: %j', (kind, field, wrong) => {
    const { make, decode } = KINDS[kind as 'grant'];
    const record = kind === 'grant' ? aGrant() : (aRequest() as never);
    expect(() => decode(encode(make({ ...record, [field]: wrong })))).toThrow();
  });

  it('L30 refuses a row of another kind', () => {
    for (const record of Object.values(RECORDS)) {
      for (const [kind, decodeOne] of Object.entries(decoders)) {
        if (kind !== record.kind) expect(() => decodeOne(stored(record))).toThrow(/is not a row that this version writes/);
      }
    }
  });

  it('L30 refuses each of 10,000 damaged rows, or returns a record that is written as that row', () => {
    const rows = Object.values(RECORDS).map(stored);
    const keys = ['toString', 'constructor', '__proto__', 'hasOwnProperty', 'subject', 'at', 'warnAt', 'status', 'end'];
    const values: readonly unknown[] = [
      null,
      {},
      '',
      'a',
      'r1',
      -1,
      0,
      1,
      2 ** 53,
      true,
      false,
      ['a'],
      [at(5)],
      at(3),
      'approved',
      'time',
      { constructor: 1 },
    ];
    const dice = new Dice(20_261_130);
    let refused = 0;
    for (let i = 0; i < 10_000; i++) {
      const row = structuredClone(dice.of(rows));
      const decodeOne = decoders[row.kind as keyof typeof decoders];
      const path = dice.of([[], ['body'], ...pathsOf(row.body).map((inner) => ['body', ...inner])]);
      const place = path.reduce<unknown>((value, key) => (value as Readonly<Record<string, unknown>>)[key], row);
      const target = (typeof place === 'object' && place !== null ? place : row.body) as Record<string, unknown>;
      const own = Object.keys(target);
      const isFurther = target !== (row as unknown) && !Array.isArray(target) && dice.once(3);
      const key = isFurther ? dice.of(keys) : dice.of(own.length === 0 ? ['0'] : own);
      Object.defineProperty(target, key, { value: dice.of<unknown>(values), enumerable: true, configurable: true, writable: true });
      try {
        expect(JSON.parse(JSON.stringify(encode(decodeOne(row))))).toEqual(row);
      } catch (error) {
        if ((error as { readonly code?: unknown }).code !== 'ERR_JIT_CORRUPT') throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(5_000);
  });
});

import { describe, expect, it } from 'vitest';
import { readKept, type HeldDecision } from '../../src/console/app/parts/decision-queue.js';
import { readDraft as readDecision } from '../../src/console/app/parts/decision-dialog.js';
import { readDraft as readAsk } from '../../src/console/app/views/ask/draft.js';

const refused: HeldDecision = {
  requestId: 'r1',
  version: 1,
  verdict: 'approve',
  subject: 'user:maya',
  scopes: ['db-prod:orders:write'],
  ttlMs: 3_600_000,
  isNarrowed: false,
  decidedAt: 1,
  reason: 'Agreed',
  comment: 'Seen',
  state: 'refused',
  refusal: { status: 409, name: 'decided', why: 'approved', stepUp: { acrValues: 'mfa', maxAge: 60 } },
};
const ask = {
  ...{ scope: 'db-prod:orders:write', subject: '', ttl: '1h', start: '', justification: 'Release', ticket: '', key: 'k' },
  fields: { 'metadata.region': 'eu' },
  types: { 'metadata.count': 'number' },
};
const decision = { ttlMs: 60_000, scopes: ['db-prod:orders:write'], reason: 'Agreed', comment: 'Seen' };

const WRONG = [null, 7, 'text', true, [], [7], {}];

/** A value, and each variant of it in which one place, however deep, has another type. */
function* variants(value: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, field] of Object.entries(value)) {
    const place = (other: unknown) => (Array.isArray(value) ? value.with(Number(name), other) : { ...value, [name]: other });
    for (const other of WRONG) if (shapeOf(other) !== shapeOf(field)) yield place(other);
    for (const other of variants(field)) yield place(other);
  }
}
const shapeOf = (value: unknown) => (Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value);

describe('what the browser has kept', () => {
  it.each([
    ['undecided decisions', (value: unknown) => readKept([value])[0], refused],
    ['a draft of an ask', readAsk, ask],
    [
      'a draft of a decision',
      (value: unknown) => (Object.keys(readDecision(value)).length > 0 ? readDecision(value) : undefined),
      decision,
    ],
  ] as const)('is %s of this version, or dropped', (_, read, value) => {
    expect(read(JSON.parse(JSON.stringify(value)))).toEqual(value);
    for (const other of [...WRONG, undefined]) expect([other, read(other)]).toEqual([other, undefined]);
    const all = [...variants(value)];
    expect(all.length).toBeGreaterThan(20);
    for (const variant of all) expect([JSON.stringify(variant), read(variant)]).toEqual([JSON.stringify(variant), undefined]);
  });

  it('leaves the other decisions', () => {
    expect(readKept([{ ...refused, scopes: undefined }, refused, null])).toEqual([refused]);
    expect(readKept({ length: 1, 0: refused })).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import type { Grant } from '../../src/index.js';
import { endGrant, endChain } from '../../src/lifecycle/extension-chain.js';
import { makeUsage } from '../../src/records/index.js';
import { aGrant, aRequest, START_AT } from '../../src/testing.js';

const at = (ms: number): number => START_AT + ms;
const END = at(15 * 60_000);
const moment = (now: number, over = {}) => ({
  now: at(now),
  highWater: at(now),
  forEnds: at(now),
  steppedBack: false,
  actor: 'user:sam',
  ...over,
});
const REVOKE = { cause: 'revoked', reason: 'no more' } as const;
const NOTHING = { successors: [], requests: [] };

const held = (over: Partial<Grant> = {}) => ({ grant: aGrant(over), usage: undefined });
const successor = (over: Partial<Grant> = {}) =>
  held({
    id: 'r2.1',
    requestId: 'r2',
    extends: 'r1.1',
    startsAt: END,
    firstStartsAt: at(0),
    activatedAt: undefined,
    expiresAt: END + 5_000,
    ...over,
  });

describe('endGrant()', () => {
  it('L12 ends the grant, its successors and the open requests in one step, each with its entry', () => {
    const line = { successors: [successor(), successor({ id: 'r4.1', requestId: 'r4' })], requests: [aRequest({ id: 'r3' })] };
    const { result, put, entries } = endGrant(held(), line, REVOKE, moment(5));
    expect(result.end).toEqual({ status: 'revoked', cause: 'revoked', at: at(5), by: 'user:sam', reason: 'no more' });
    expect(put.map(({ id, version }) => [id, version])).toEqual([
      ['r1.1', 2],
      ['r2.1', 2],
      ['r4.1', 2],
      ['r3', 2],
    ]);
    expect(entries.map(({ type, grantId, requestId }) => [type, grantId ?? requestId])).toEqual([
      ['grant.revoked', 'r1.1'],
      ['grant.revoked', 'r2.1'],
      ['grant.revoked', 'r4.1'],
      ['request.cancelled', 'r3'],
    ]);
    // The cause explains the other ends; the reason was given for the one grant.
    for (const record of put.slice(1)) expect(record).toMatchObject({ end: { cause: 'origin_ended', by: 'user:sam', reason: undefined } });
  });

  it('L12 succeeds when repeated and is recorded once; the rest of the chain still ends', () => {
    const end = { status: 'revoked', cause: 'revoked', at: at(1), by: 'user:ana', reason: undefined } as const;
    expect(endGrant(held({ end }), NOTHING, REVOKE, moment(5))).toMatchObject({ result: { end }, put: [], entries: [] });
    const again = endGrant(held({ end }), { successors: [successor({ end })], requests: [aRequest({ id: 'r3' })] }, REVOKE, moment(5));
    expect(again.put.map(({ id }) => id)).toEqual(['r3']);
  });

  it('L8 keeps the end of an expired grant, and still ends its chain', () => {
    const { result, put } = endGrant(held(), { successors: [successor()], requests: [] }, REVOKE, moment(15 * 60_000 + 7));
    expect(result.end).toMatchObject({ status: 'expired', cause: 'time', at: END });
    expect(put).toMatchObject([{ id: 'r1.1' }, { id: 'r2.1', end: { status: 'revoked', cause: 'origin_ended' } }]);
  });

  it('L8 L13 records an open extension request at its deadline as expired, not as cancelled', () => {
    const late = aRequest({ id: 'r3', reviewBy: at(5) });
    const { put, entries } = endGrant(held(), { successors: [], requests: [late] }, REVOKE, moment(5));
    expect(put[1]).toMatchObject({ id: 'r3', end: { status: 'expired', cause: 'time', at: at(5) } });
    expect(entries.map(({ type }) => type)).toEqual(['grant.revoked', 'request.expired']);
  });

  it('L12 L27 ends the grant at the highest reading while the clock is behind', () => {
    const back = moment(5, { highWater: at(9_000), forEnds: at(9_500), steppedBack: true });
    const { result, entries } = endGrant(held(), NOTHING, REVOKE, back);
    expect(result.end).toMatchObject({ status: 'revoked', at: at(9_000) });
    expect(entries.map((entry) => entry.at)).toEqual([at(5)]);
  });

  it('L1 L27 never records an expiry later than it was, for any highest reading', () => {
    const late = moment(5, { highWater: END + 9_000, forEnds: END + 9_000, steppedBack: true });
    expect(endGrant(held(), NOTHING, REVOKE, late).result.end).toMatchObject({ status: 'expired', cause: 'time', at: END });
    // By the leeway alone: it was held for slightly less than its window.
    const early = moment(0, { now: END - 10, highWater: END - 10, forEnds: END });
    expect(endGrant(held(), NOTHING, REVOKE, early).result.end).toMatchObject({ status: 'expired', cause: 'time', at: END - 10 });
  });

  it('L12 is released by its own subject only, and a refused release writes nothing', () => {
    const command = { cause: 'released', reason: undefined } as const;
    const line = { successors: [successor()], requests: [aRequest({ id: 'r3' })] };
    expect(() => endGrant(held(), line, command, moment(5))).toThrow(/only its subject may release grant r1.1/);
    expect(endGrant(held(), line, command, moment(5, { actor: 'user:maya' })).put).toHaveLength(3);
  });

  it('L12 leaves the usage rows to the sweep, so that no concurrent use makes the commit conflict', () => {
    const counted = (of: Grant) => {
      const { id, subject, scope, startsAt, expiresAt, idleTtlMs } = of;
      const usage = makeUsage({
        id,
        version: 3,
        subject,
        scope,
        startsAt,
        expiresAt,
        idleTtlMs,
        usedAt: undefined,
        uses: 1,
        endedAt: undefined,
      });
      return { grant: of, usage };
    };
    const { put, entries, dependsOn } = endGrant(
      counted(aGrant({ maxUses: 2 })),
      { successors: [counted(successor({ maxUses: 2 }).grant)], requests: [] },
      REVOKE,
      moment(5),
    );
    expect(put.map(({ kind, id, version }) => [kind, id, version])).toEqual([
      ['grant', 'r1.1', 2],
      ['grant', 'r2.1', 2],
    ]);
    expect(dependsOn ?? []).toEqual([]);
    for (const { data } of entries) expect(data).not.toHaveProperty('usageVersion');
  });
});

describe('endChain()', () => {
  it('L27 stamps each record at no instant before its last one', () => {
    const request = aRequest({ id: 'r3', createdAt: at(50) });
    const writes = endChain({ successors: [successor({ issuedAt: at(40) })], requests: [request] }, moment(5));
    expect(writes.flatMap(({ entries }) => entries.map((entry) => entry.at))).toEqual([at(40), at(50)]);
  });
});

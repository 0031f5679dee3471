import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccessRequest } from '../../src/index.js';
import { latestEnd, latestReview, windowOf } from '../../src/lifecycle/window.js';
import { aRequest, START_AT } from '../../src/testing.js';

const at = (ms: number): number => START_AT + ms;
const TTL = 1_000;
const plain = aRequest({ ttlMs: TTL });
const scheduled = aRequest({ ttlMs: TTL, startsAt: at(500) });
const terms = (maxTotalMs: number | undefined) => ({
  warnBeforeMs: undefined,
  idleTtlMs: undefined,
  maxUses: undefined,
  maxTotalMs,
  maxHolders: undefined,
  endBy: undefined,
});
const extension = (over: object = {}, ttlMs = TTL): AccessRequest =>
  aRequest({
    ttlMs,
    extension: {
      grantIds: ['r0.1'],
      requestId: undefined,
      from: at(1_000),
      firstStartsAt: at(0),
      until: at(5_000),
      breakGlass: false,
      ...over,
    },
  });

describe('windowOf()', () => {
  it.each([
    ['starts at the decision', plain, 0, 0, 1_000],
    ['starts at a later decision', plain, 777, 777, 1_777],
    ['starts at the requested start, decided before', scheduled, 0, 500, 1_500],
    ['starts at the requested start, decided 1 ms before', scheduled, 499, 500, 1_500],
    ['starts at the requested start, decided then', scheduled, 500, 500, 1_500],
    ['gives the remaining time, decided 1 ms later', scheduled, 501, 501, 1_500],
    ['gives the last millisecond', scheduled, 1_499, 1_499, 1_500],
    ['is empty, decided at its end', scheduled, 1_500, 1_500, 1_500],
    ['starts at the old end', extension(), 0, 1_000, 2_000],
    ['starts at the old end, decided then', extension(), 1_000, 1_000, 2_000],
    ['starts at a decision after the old end', extension(), 1_001, 1_001, 2_001],
    ['lasts the requested time, up to the cap', extension({}, 4_000), 0, 1_000, 5_000],
    ['is cut at the cap', extension({}, 4_001), 0, 1_000, 5_000],
    ['is cut at the cap, decided late', extension(), 4_500, 4_500, 5_000],
    ['gives the last millisecond before the cap', extension(), 4_999, 4_999, 5_000],
    ['is empty, decided at the cap', extension(), 5_000, 5_000, 5_000],
  ] as const)('L4 %s', (_, request, decided, startsAt, expiresAt) => {
    expect(windowOf(request, at(decided))).toEqual({ startsAt: at(startsAt), expiresAt: at(expiresAt) });
  });

  it('L4 is cut at the cap of the rule, counted from the first start, if that is lower', () => {
    const request = aRequest({ ...extension(), terms: terms(1_500) });
    expect(windowOf(request, at(0))).toEqual({ startsAt: at(1_000), expiresAt: at(1_500) });
    expect(windowOf({ ...request, terms: terms(9_000) }, at(4_500)).expiresAt).toBe(at(5_000));
    const none = windowOf({ ...request, terms: terms(1_000) }, at(0));
    expect(none.startsAt < none.expiresAt).toBe(false);
  });

  it.each([
    ['is whole, decided in time', plain, 500, 500, 1_500],
    ['gives the time up to endBy, decided late', plain, 1_200, 1_200, 1_500],
    ['is empty, decided at endBy', plain, 1_500, 1_500, 1_500],
    ['bounds a scheduled window', aRequest({ ttlMs: 2_000, startsAt: at(500) }), 0, 500, 1_500],
    ['bounds an extension', extension(), 700, 1_000, 1_500],
  ] as const)('A6 with an endBy, the window %s', (_, request, decided, startsAt, expiresAt) => {
    const bounded = aRequest({ ...request, terms: { ...terms(undefined), endBy: at(1_500) } });
    expect(windowOf(bounded, at(decided))).toEqual({ startsAt: at(startsAt), expiresAt: at(expiresAt) });
    expect(latestEnd(bounded)).toBe(at(1_500));
  });

  const until = { until: at(1_500) };
  it.each([
    ['ends then, decided at once', { ttlMs: 1_500 }, 0, 0, 1_500],
    ['gives the rest, decided late', { ttlMs: 1_500 }, 900, 900, 1_500],
    ['is empty, decided then', { ttlMs: 1_500 }, 1_500, 1_500, 1_500],
    ['ends then, with a start', { startsAt: at(500) }, 700, 700, 1_500],
    ['ends then, of an extension', { ...extension({}, 500) }, 1_200, 1_200, 1_500],
  ] as const)('L4 with a requested end, the window %s (feature 10)', (_, over, decided, startsAt, expiresAt) => {
    const request = aRequest({ ttlMs: TTL, ...over, ...until });
    expect(windowOf(request, at(decided))).toEqual({ startsAt: at(startsAt), expiresAt: at(expiresAt) });
    expect(latestEnd(request)).toBe(at(1_500));
    // A rule that ends earlier bounds it too, also where a decision comes late.
    const bounded = aRequest({ ...request, terms: { ...terms(undefined), endBy: at(1_400) } });
    expect(windowOf(bounded, at(decided)).expiresAt).toBe(at(1_400));
    expect(latestEnd(bounded)).toBe(at(1_400));
  });

  const granted = (ttlMs: number) =>
    ({ status: 'approved', cause: 'quorum', at: at(0), by: 'x', reason: undefined, granted: { scopes: ['a'], ttlMs } }) as const;
  it.each([
    ['the narrowed time after the decision', {}, 200, 200, 500],
    ['no later than the requested end', {}, 1_300, 1_300, 1_500],
    ['the narrowed time after the start', { startsAt: at(500) }, 0, 500, 800],
    ['the narrowed time after the old end', { ...extension() }, 0, 1_000, 1_300],
    ['no later than the requested end, of an extension', { ...extension() }, 1_300, 1_300, 1_500],
  ] as const)('L18 a narrowed window with a requested end has %s (feature 10)', (_, over, decided, startsAt, expiresAt) => {
    const request = aRequest({ scopes: ['a'], ttlMs: TTL, ...over, ...until, end: granted(300) });
    expect(windowOf(request, at(decided))).toEqual({ startsAt: at(startsAt), expiresAt: at(expiresAt) });
  });

  const requests = fc
    .record({
      ttlMs: fc.integer({ min: 1, max: 5_000 }),
      kind: fc.constantFrom('plain', 'scheduled', 'extension'),
      from: fc.integer({ min: 1, max: 5_000 }),
      room: fc.integer({ min: 1, max: 5_000 }),
      maxTotalMs: fc.option(fc.integer({ min: 1, max: 12_000 }), { nil: undefined }),
      hasEnd: fc.boolean(),
      endBy: fc.option(fc.integer({ min: 1, max: 12_000 }), { nil: undefined }),
    })
    .map(({ ttlMs, kind, from, room, maxTotalMs, hasEnd, endBy }) =>
      aRequest({
        ttlMs,
        until: hasEnd ? at((kind === 'plain' ? 0 : from) + ttlMs) : undefined,
        startsAt: kind === 'scheduled' ? at(from) : undefined,
        extension:
          kind === 'extension'
            ? { grantIds: ['r0.1'], requestId: undefined, from: at(from), firstStartsAt: at(0), until: at(from + room), breakGlass: false }
            : undefined,
        terms: { ...terms(maxTotalMs), endBy: endBy && at(endBy) },
      }),
    );

  it('L3 L4 is never longer than asked, never begins before the decision, and is empty exactly from the latest end on', () => {
    fc.assert(
      fc.property(requests, fc.integer({ min: 0, max: 20_000 }), (request, decided) => {
        const { startsAt, expiresAt } = windowOf(request, at(decided));
        expect(startsAt).toBeGreaterThanOrEqual(at(decided));
        expect(expiresAt - startsAt).toBeLessThanOrEqual(request.ttlMs);
        const from = request.extension?.from ?? request.startsAt ?? 0;
        expect(startsAt).toBeGreaterThanOrEqual(from);
        expect(startsAt).toBe(Math.max(at(decided), from));
        expect(expiresAt).toBeLessThanOrEqual(latestEnd(request));
        expect(expiresAt).toBeLessThanOrEqual(Math.min(request.until ?? Infinity, request.terms?.endBy ?? Infinity));
        // If the cap is before the start, no time is left, even for an early decision.
        expect(startsAt < expiresAt).toBe(Math.max(at(decided), from) < latestEnd(request));
      }),
      { numRuns: 500 },
    );
  });

  it('L4 a later decision never moves the end of a window with a start or an end', () => {
    fc.assert(
      fc.property(requests, fc.nat(20_000), fc.nat(20_000), (request, one, other) => {
        if (request.startsAt === undefined && request.until === undefined) return;
        const ends = [one, other].map((decided) => windowOf(request, at(decided)).expiresAt);
        expect(ends[0]).toBe(ends[1]);
      }),
    );
  });
});

describe('latestEnd()', () => {
  it('L4 is Infinity for a window that starts at its decision', () => {
    expect(latestEnd(plain)).toBe(Infinity);
    expect(latestEnd({ ...plain, terms: terms(5) })).toBe(Infinity);
  });

  it('L4 is the end of the requested window, or the lower cap of the chain', () => {
    expect(latestEnd(scheduled)).toBe(at(1_500));
    expect(latestEnd(extension())).toBe(at(5_000));
    expect(latestEnd({ ...extension(), terms: terms(undefined) })).toBe(at(5_000));
    expect(latestEnd({ ...extension(), terms: terms(4_999) })).toBe(at(4_999));
    expect(latestEnd({ ...extension(), terms: terms(5_001) })).toBe(at(5_000));
  });
});

describe('latestReview()', () => {
  it('L13 leaves at least the shortest window up to a requested end, and lies no later than the latest end (feature 10)', () => {
    expect(latestReview(plain, 10)).toBe(Infinity);
    expect(latestReview(scheduled, 10)).toBe(at(1_500));
    expect(latestReview(aRequest({ ttlMs: TTL, until: at(1_000) }), 10)).toBe(at(990));
    expect(latestReview(aRequest({ ttlMs: TTL, startsAt: at(500), until: at(1_500) }), 10)).toBe(at(1_490));
    expect(latestReview(aRequest({ ...extension({}, 500), until: at(1_500) }), 10)).toBe(at(1_490));
    const endBy = (ms: number) => aRequest({ ttlMs: TTL, until: at(1_000), terms: { ...terms(undefined), endBy: at(ms) } });
    expect([900, 995].map((ms) => latestReview(endBy(ms), 10))).toEqual([at(900), at(990)]);
  });
});

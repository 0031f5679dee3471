import { describe, expect, it } from 'vitest';
import { unbrokenCover } from '../../src/lifecycle/cover.js';
import type { AccessRequest, Grant } from '../../src/records/index.js';
import { aGrant } from '../../src/testing.js';

const NOW = 1_000_000;
const moment = { now: NOW, highWater: NOW, forEnds: NOW, steppedBack: false, actor: 'user:maya' } as never;
const GAP = 10;

/** An ask, or an open request, of a window that is `from` to `until` from now on. */
const request = (from: number, until: number, scopes = ['a']) =>
  ({
    kind: 'request',
    id: 'r',
    subject: 's',
    requestedBy: 's',
    scopes,
    startsAt: NOW + from,
    ttlMs: until - from,
    reviewBy: NOW + 1,
    end: undefined,
    extension: undefined,
  }) as unknown as AccessRequest;
const grant = (from: number, until: number, over: Partial<Grant> = {}) => ({
  grant: aGrant({ scope: 'a', startsAt: NOW + from, activatedAt: NOW + from, expiresAt: NOW + until, end: undefined, ...over }),
  usage: undefined,
});

const overlaps = (a: string, b: string) => a === b;
type Spans = readonly (readonly [from: number, until: number])[];
const cover = (own: readonly [number, number], open: readonly AccessRequest[], live: ReturnType<typeof grant>[] = []) =>
  unbrokenCover(request(...own), open, live, overlaps, GAP, moment);

describe('unbrokenCover()', () => {
  it.each<readonly [string, Spans, number]>([
    ['nothing', [], 100],
    ['a later one after a gap', [[210, 300]], 100],
    ['a later one after a gap too short to count', [[209, 300]], 200],
    ['one that adjoins its end', [[200, 300]], 200],
    ['one that overlaps its end', [[150, 300]], 200],
    ['an earlier one before a gap', [[20, 90]], 100],
    ['an earlier one before a gap too short to count', [[20, 91]], 180],
    ['one that adjoins its start', [[20, 100]], 180],
    ['one that overlaps its start', [[20, 150]], 180],
    ['one inside it', [[120, 150]], 100],
    ['one around it', [[50, 250]], 200],
    [
      'later ones joined through another, in any order',
      [
        [250, 300],
        [200, 250],
      ],
      200,
    ],
    [
      'earlier ones joined through another, in any order',
      [
        [40, 70],
        [20, 40],
        [70, 100],
      ],
      180,
    ],
    [
      'ones on both sides',
      [
        [200, 260],
        [30, 100],
      ],
      230,
    ],
    [
      'a short one within a long later one',
      [
        [190, 400],
        [195, 210],
      ],
      300,
    ],
    [
      'a short one within a long earlier one',
      [
        [10, 110],
        [90, 105],
      ],
      190,
    ],
  ])('L4 joins to the window %s: %j, %i ms', (_, spans, ms) => {
    expect(
      cover(
        [100, 200],
        spans.map(([from, until]) => request(from, until)),
      ),
    ).toBe(ms);
    expect(
      cover(
        [100, 200],
        [],
        spans.map(([from, until]) => grant(from, until)),
      ),
    ).toBe(ms);
  });

  it('L4 joins no window of which no time is left', () => {
    // Its empty window lies within the gap before the own window.
    expect(cover([5, 100], [request(-60, 0)])).toBe(95);
    expect(cover([5, 100], [request(-60, 1)])).toBe(100);
  });

  it('L4 counts only the remaining time of a grant', () => {
    expect(cover([0, 100], [], [grant(-500, 50)])).toBe(100);
    expect(cover([50, 100], [], [grant(-500, 50)])).toBe(100);
  });

  it('L4 counts no ended grant, no request that is decided or past its deadline, and no other scope', () => {
    expect(cover([0, 100], [], [grant(100, 200, { end: { status: 'revoked' } as never }), grant(100, 200, { scope: 'b' })])).toBe(100);
    const others = [
      { ...request(100, 200), end: { status: 'denied' } as never },
      { ...request(100, 200), reviewBy: NOW },
      request(100, 200, ['b']),
    ];
    expect(cover([0, 100], others)).toBe(100);
    expect(cover([0, 100], [request(100, 200, ['b', 'a'])])).toBe(200);
  });

  it('L4 is the longest cover of any single scope', () => {
    const asked = request(0, 100, ['a', 'b']);
    const open = [request(100, 200, ['a']), request(200, 300, ['b'])];
    expect(unbrokenCover(asked, open, [], overlaps, GAP, moment)).toBe(200);
  });
});

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
    ['what is behind it, with a gap', [[210, 300]], 100],
    ['what is behind it, with a gap that is none', [[209, 300]], 200],
    ['what adjoins its end', [[200, 300]], 200],
    ['what overlaps its end', [[150, 300]], 200],
    ['what is before it, with a gap', [[20, 90]], 100],
    ['what is before it, with a gap that is none', [[20, 91]], 180],
    ['what adjoins its start', [[20, 100]], 180],
    ['what overlaps its start', [[20, 150]], 180],
    ['what lies inside', [[120, 150]], 100],
    ['what lies around', [[50, 250]], 200],
    [
      'what joins through another behind it, in any order',
      [
        [250, 300],
        [200, 250],
      ],
      200,
    ],
    [
      'what joins through another before it, in any order',
      [
        [40, 70],
        [20, 40],
        [70, 100],
      ],
      180,
    ],
    [
      'what joins on both sides',
      [
        [200, 260],
        [30, 100],
      ],
      230,
    ],
    [
      'a short one within a long one behind it',
      [
        [190, 400],
        [195, 210],
      ],
      300,
    ],
    [
      'a short one within a long one before it',
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

  it('L4 counts of a grant only what is left of it', () => {
    expect(cover([0, 100], [], [grant(-500, 50)])).toBe(100);
    expect(cover([50, 100], [], [grant(-500, 50)])).toBe(100);
  });

  it('L4 counts no grant that has ended, no request that is decided or too late, and no other scope', () => {
    expect(cover([0, 100], [], [grant(100, 200, { end: { status: 'revoked' } as never }), grant(100, 200, { scope: 'b' })])).toBe(100);
    const others = [
      { ...request(100, 200), end: { status: 'denied' } as never },
      { ...request(100, 200), reviewBy: NOW },
      request(100, 200, ['b']),
    ];
    expect(cover([0, 100], others)).toBe(100);
    expect(cover([0, 100], [request(100, 200, ['b', 'a'])])).toBe(200);
  });

  it('L4 is the longest of those of the scopes, each for itself', () => {
    const asked = request(0, 100, ['a', 'b']);
    const open = [request(100, 200, ['a']), request(200, 300, ['b'])];
    expect(unbrokenCover(asked, open, [], overlaps, GAP, moment)).toBe(200);
  });
});

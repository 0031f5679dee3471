import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatEntry } from '../../src/sinks/format.js';
import { unlinked } from '../journal/sample.js';

const AT = Date.UTC(2026, 2, 14, 2, 16, 7);
const format = (overrides: Parameters<typeof unlinked>[1]) => formatEntry(unlinked(0, { at: AT, ...overrides }));

describe('formatEntry()', () => {
  it('shows the time, the type and the actor, then the other fields', () => {
    const data = {
      version: 1,
      subject: 'user:maya',
      requestedBy: 'user:maya',
      scopes: ['db-prod:write', 'db-prod:read'],
      ttlMs: 900_000,
      justification: 'disk full on db-prod-3',
      ticket: 'INC-4711',
      createdAt: AT,
      reviewBy: AT + 3_600_000,
      reviews: [],
    };
    expect(format({ type: 'request.created', actor: 'user:maya', grantId: undefined, data })).toBe(
      '2026-03-14T02:16:07.000Z request.created   user:maya request=r0 scopes=db-prod:write,db-prod:read ttl=15m ' +
        'justification="disk full on db-prod-3" ticket=INC-4711 reviewBy=2026-03-14T03:16:07.000Z',
    );
  });

  it("shows only the grant's id, which contains the request's id", () => {
    const data = { version: 1, subject: 'user:maya', scope: 'db-prod:write', issuedAt: AT, startsAt: AT, expiresAt: AT + 900_000 };
    expect(format({ data })).toBe(
      '2026-03-14T02:16:07.000Z grant.issued      user:sam grant=r0.1 subject=user:maya scope=db-prod:write expiresAt=2026-03-14T02:31:07.000Z',
    );
  });

  it('shows an end and a review by their fields', () => {
    const end = { status: 'revoked', cause: 'revoked', at: AT, by: 'user:sam', reason: 'done early' };
    expect(format({ type: 'grant.revoked', data: { version: 2, end } })).toBe(
      '2026-03-14T02:16:07.000Z grant.revoked     user:sam grant=r0.1 status=revoked cause=revoked reason="done early"',
    );
    const review = { reviewer: 'user:sam', verdict: 'approve', groups: ['oncall', 'dba'], at: AT - 1 };
    expect(format({ type: 'request.reviewed', grantId: undefined, data: { version: 2, review } })).toBe(
      '2026-03-14T02:16:07.000Z request.reviewed  user:sam request=r0 verdict=approve groups=oncall,dba at=2026-03-14T02:16:06.999Z',
    );
  });

  it('shows the access that an approval gave', () => {
    const granted = { scopes: ['db-prod:read'], ttlMs: 300_000 };
    const end = { status: 'approved', cause: 'quorum', at: AT, by: 'user:sam', granted };
    expect(format({ type: 'request.approved', grantId: undefined, data: { version: 2, end } })).toBe(
      '2026-03-14T02:16:07.000Z request.approved  user:sam request=r0 status=approved cause=quorum granted.scopes=db-prod:read granted.ttl=5m',
    );
    expect(format({ data: { end: { granted: null } } })).not.toContain('granted');
  });

  it('shows other objects by path, and deeper ones as JSON', () => {
    const data = { quorum: { groups: [{ name: 'oncall', approvals: 1 }], denials: 1 }, allowed: true, nothing: null, count: 3, none: [] };
    expect(format({ requestId: undefined, grantId: undefined, data })).toBe(
      '2026-03-14T02:16:07.000Z grant.issued      user:sam quorum.groups=[{"name":"oncall","approvals":1}] quorum.denials=1 allowed=true count=3',
    );
  });

  it('shows the subject where another actor acts', () => {
    expect(format({ data: { subject: 'user:sam', by: 'user:eve' } })).toMatch(/grant=r0\.1 by=user:eve$/);
    expect(format({ data: { justification: 'user:sam' } })).toMatch(/justification=user:sam$/);
  });

  it('names the namespace unless it is the default one', () => {
    expect(format({ data: {} })).not.toContain('namespace');
    expect(format({ namespace: 'tenant-a', data: {} })).toMatch(/user:sam namespace=tenant-a grant=r0\.1$/);
  });

  it.each([
    [0, '0'],
    [1, '1ms'],
    [999, '999ms'],
    [1_000, '1s'],
    [61_001, '1m1s1ms'],
    [5_400_000, '1h30m'],
    [90_000_000, '1d1h'],
    [-1, undefined],
    [1.5, undefined],
  ])('shows a duration of %s ms as %s', (ms, text) => {
    expect(format({ data: { ttlMs: ms } })).toMatch(text === undefined ? new RegExp(` ttlMs=${ms}$`) : new RegExp(` ttl=${text}$`));
  });

  it('shows an invalid instant unchanged, without an exception', () => {
    expect(formatEntry({ ...unlinked(0), at: NaN })).toMatch(/^no-time grant\.issued/);
    expect(format({ data: { expiresAt: 8.64e15 + 1, startsAt: 'soon', endsAt: -1 } })).toMatch(
      / expiresAt=8640000000000001 startsAt=soon endsAt=-1$/,
    );
  });

  describe('with hostile text', () => {
    it.each([
      ['a line break', 'ok\n2026-03-14T02:16:07.000Z grant.issued user:eve', '"ok\\n2026-03-14T02:16:07.000Z grant.issued user:eve"'],
      ['a carriage return', 'a\rb', '"a\\rb"'],
      ['an ANSI escape', '\u001b[2K\u001b[1A', '"\\u001b[2K\\u001b[1A"'],
      ['a C1 control sequence introducer', '\u009b31m', '"\\u009b31m"'],
      ['DEL', '\u007f', '"\\u007f"'],
      ['NUL', '\u0000', '"\\u0000"'],
      ['the other line breaks', '\u0085\u2028\u2029\u000b\u000c', '"\\u0085\\u2028\\u2029\\u000b\\f"'],
      ['a bidi override', 'a\u202eb\u2066', '"a\\u202eb\\u2066"'],
      ['zero-width characters', '\u200b\u200d\ufeff\u2060', '"\\u200b\\u200d\\ufeff\\u2060"'],
      ['blank characters that are letters', '\u3164\u115f\uffa0', '"\\u3164\\u115f\\uffa0"'],
      ['a variation selector', 'a\ufe0f', '"a\\ufe0f"'],
      ['tag characters', '\u{e0041}', '"\\udb40\\udc41"'],
      ['a lone surrogate', '\ud800', '"\\ud800"'],
      ['other spaces', 'a\u00a0b\u3000c', '"a\\u00a0b\\u3000c"'],
      ['quotes', 'a" by=user:eve "', '"a\\" by=user:eve \\""'],
      ['a field', 'x reason=ok', '"x reason=ok"'],
      ['an equals sign', 'a=b', '"a=b"'],
      ['a comma', 'a,b', '"a,b"'],
      ['nothing', '', '""'],
      ['letters of other scripts', 'Алиса 東京 é 🎉', '"Алиса 東京 é 🎉"'],
    ])('shows %s as plain text', (_, text, shown) => {
      const endsWith = (line: string, end: string) => expect(line.slice(-end.length)).toBe(end);
      endsWith(format({ data: { reason: text } }), ` reason=${shown}`);
      endsWith(format({ data: { scopes: ['a', text] } }), ` scopes=a,${shown}`);
      endsWith(format({ data: { list: [1, text] } }), ` list=[1,${shown}]`);
      endsWith(format({ data: { [text]: 1 } }), ` ${shown}=1`);
      expect(format({ actor: text, data: {} })).toContain(` ${shown} grant=`);
    });

    it('is always one line of printable text, with the fields at their places', () => {
      const text = fc.string({ unit: 'binary', maxLength: 20 });
      const data = fc.dictionary(text, fc.oneof(text, fc.array(text, { maxLength: 3 }), fc.dictionary(text, text, { maxKeys: 2 })), {
        maxKeys: 4,
      });
      fc.assert(
        fc.property(text, text, data, (actor, requestId, data) => {
          const line = formatEntry({ ...unlinked(0, { at: AT, grantId: undefined }), actor, requestId, data });
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
          // A reader that parses quotes finds only a time, a type, an actor and fields.
          const rest = line.replace(/"(?:[^"\\]|\\.)*"/g, 'Q');
          expect(rest).toMatch(/^2026-03-14T02:16:07\.000Z grant\.issued {6}[\w.~@/+:-]+(?: [\w.~@/+:-]+=[^ ]+)*$/);
        }),
      );
    });
  });
});

import { describe, expect, it } from 'vitest';
import { ScriptedApprover } from '../../src/testing.js';
import { aGranted, anEngine, at, HOUR, MAYA, MINUTE, SCOPE } from './an-engine.js';

const TTL = 15 * MINUTE;
const START = at(HOUR);

describe('JitEngine', () => {
  describe('the windows of status()', () => {
    it('L6 end as early as for a check: by the leeway, and at an idle end', async () => {
      const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { idleTtlMs: 5 * MINUTE } } });
      const { engine, clock } = anEngine({ approver, leewayMs: 1_000 });
      await aGranted(engine, { ttl: TTL });
      const [window] = (await engine.status(MAYA)).windows;
      expect(window).toMatchObject({ scope: SCOPE, startsAt: at(0), endsAt: at(5 * MINUTE - 1_000) });
      await clock.set((window?.endsAt ?? 0) - 1);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      await clock.set(window?.endsAt ?? 0);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect((await engine.status(MAYA)).windows).toEqual([]);
    });

    it('L2 include a later start at which the approver is not asked', async () => {
      const { engine, clock } = anEngine({ approver: new ScriptedApprover({ decide: { outcome: 'approve' } }) });
      const grant = await aGranted(engine, { startsAt: START, ttl: TTL });
      expect(await engine.status(MAYA)).toMatchObject({
        held: [],
        windows: [{ grantId: grant.id, scope: SCOPE, startsAt: START, endsAt: START + TTL }],
      });
      await clock.set(START - 1);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      await clock.set(START);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('omit a start at which the approver is asked again', async () => {
      const { engine, clock } = anEngine({ approver: new ScriptedApprover({ decide: { outcome: 'approve' }, isEligible: true }) });
      await aGranted(engine, { startsAt: START, ttl: TTL });
      expect(await engine.status(MAYA)).toMatchObject({ scheduled: [{ startsAt: START }], windows: [] });
      await clock.set(START);
      expect((await engine.status(MAYA)).windows).toMatchObject([{ startsAt: START, endsAt: START + TTL }]);
    });

    it('omit a start for which the leeway leaves no time', async () => {
      const { engine } = anEngine({ approver: new ScriptedApprover({ decide: { outcome: 'approve' } }), leewayMs: 2_000 });
      await aGranted(engine, { startsAt: START, ttl: 1_000 });
      expect((await engine.status(MAYA)).windows).toEqual([]);
    });
  });
});

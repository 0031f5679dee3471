import { describe, expect, it } from 'vitest';
import {
  autoApprove,
  exactScopes,
  firstDecisive,
  JitEngine,
  MemoryGrantStore,
  patternScopes,
  reviewers,
  type Approver,
  type ApproverContext,
  type ScopeMatcher,
} from '../../src/index.js';
import { definePolicy } from '../../src/policy.js';
import { ManualClock, ScriptedApprover } from '../../src/testing.js';
import { MAYA, SAM } from '../engine/an-engine.js';

/** A grant on a node covers everything below it. This matcher has no asterisks. */
const below = (a: string, b: string) => a === b || b.startsWith(`${a}:`);
const tree: ScopeMatcher = { name: 'tree', exact: false, covers: below, overlaps: (a, b) => below(a, b) || below(b, a) };
const leaf = (scope: string) => scope.split(':').length === 3;
const tellingTree: ScopeMatcher = { ...tree, name: 'telling-tree', isWide: (scope) => !leaf(scope) };

const engineOf = (approver: Approver, scopes: ScopeMatcher) =>
  new JitEngine({ store: new MemoryGrantStore(), approver, scopes, clock: new ManualClock() });
/** Whether an ask was granted. */
const granted = async (engine: JitEngine, scope: string) =>
  engine.requestAccess({ subject: MAYA, scope, ttl: '30m' }).then(
    ({ outcome }) => outcome === 'granted',
    () => false,
  );

const bans = { id: 'ban', scopes: ['db:prod:**'], deny: 'never' };

describe('the matcher of the engine and its approver', () => {
  it('L21 a deny rule reaches as far as a grant of this engine does, although the policy has no matcher [M11]', async () => {
    const engine = engineOf(definePolicy({ rules: [bans, { id: 'yes', scopes: ['db', 'db:prod:root'], approve: true }] }), tree);
    for (const scope of ['db', 'db:prod', 'db:prod:root']) await granted(engine, scope);
    expect(await engine.isAllowed(MAYA, 'db:prod:root')).toBe(false);
    expect(await engine.isAllowed(MAYA, 'db')).toBe(false);
  });

  it('L21 break-glass is denied for a scope that a deny rule reaches by the matcher of the engine [M11]', async () => {
    const emergency = { id: 'bg', scopes: ['db'], maxTtl: '1h', reviewers: ['security'], reviewWithin: '1d' } as const;
    const engine = engineOf(definePolicy({ groups: { security: [SAM] }, rules: [bans], breakGlass: [emergency] }), tree);
    await engine.breakGlass({ subject: MAYA, scope: 'db', ttl: '30m', justification: 'down' }).catch(() => undefined);
    expect(await engine.isAllowed(MAYA, 'db:prod:root')).toBe(false);
  });

  it('one policy serves engines with different matchers, and denies in each as far as its grants reach [M11]', async () => {
    const policy = definePolicy({ rules: [bans, { id: 'yes', scopes: ['db'], approve: true }] });
    const [exact, wide] = [engineOf(policy, exactScopes), engineOf(policy, tree)];
    expect([await granted(exact, 'db'), await granted(wide, 'db'), await granted(exact, 'db')]).toEqual([true, false, true]);
    expect(await exact.isAllowed(MAYA, 'db')).toBe(true);
    expect(await wide.isAllowed(MAYA, 'db:prod:root')).toBe(false);
  });

  it('a chain passes the matcher to its members [M11]', async () => {
    const engine = engineOf(
      firstDecisive(
        definePolicy({ rules: [bans] }),
        autoApprove(() => true, { patterns: true }),
      ),
      tree,
    );
    await granted(engine, 'db');
    expect(await engine.isAllowed(MAYA, 'db:prod:root')).toBe(false);
  });

  it('L21 without patterns, autoApprove and reviewers skip scopes that may reach further by a matcher without isWide [M11]', async () => {
    for (const approver of [autoApprove(({ scopes }) => scopes[0] === 'db'), reviewers({ members: [SAM] })]) {
      const engine = engineOf(approver, tree);
      const asked = await engine.requestAccess({ subject: MAYA, scope: 'db', ttl: '30m' });
      if (asked.outcome === 'pending') await engine.approve(asked.request.id, { by: SAM });
      expect(await engine.isAllowed(MAYA, 'db:prod:root')).toBe(false);
    }
  });

  it('L21 with a matcher that has isWide, only scopes that reach further are skipped', async () => {
    const engine = engineOf(
      autoApprove(() => true),
      tellingTree,
    );
    expect([await granted(engine, 'db'), await granted(engine, 'db:prod:root')]).toEqual([false, true]);
    const allowing = engineOf(
      autoApprove(() => true, { patterns: true }),
      tree,
    );
    expect(await granted(allowing, 'db')).toBe(true);
    const rules = [{ id: 'yes', scopes: ['db'], approve: true as const }];
    expect(await granted(engineOf(definePolicy({ rules }), tellingTree), 'db')).toBe(false);
    expect(
      await granted(engineOf(definePolicy({ rules: [{ id: 'yes', scopes: ['db'], patterns: true, approve: true }] }), tellingTree), 'db'),
    ).toBe(true);
  });

  it('refuses, at construction, a policy that was given a matcher of another name, in a chain too [M11]', () => {
    const policy = definePolicy({ rules: [] }, { scopes: tree });
    for (const approver of [
      policy,
      firstDecisive(
        autoApprove(() => false),
        policy,
      ),
    ]) {
      for (const scopes of [undefined, exactScopes, patternScopes, tellingTree]) {
        expect(() => new JitEngine({ store: new MemoryGrantStore(), approver, scopes })).toThrow(
          expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'scopes' }) as Error,
        );
      }
      expect(() => new JitEngine({ store: new MemoryGrantStore(), approver, scopes: { ...tree } })).not.toThrow();
    }
  });

  it.each([undefined, '', 7, 'a\n'])('refuses a matcher whose name is %j', (name) => {
    expect(() =>
      engineOf(
        autoApprove(() => true),
        { ...tree, name: name as string },
      ),
    ).toThrow(expect.objectContaining({ argument: 'scopes.name' }) as Error);
  });

  it('L30 a matcher whose isWide fails is reported to onError, and the scope counts as wide', async () => {
    const told: string[] = [];
    const scopes: ScopeMatcher = { ...tree, isWide: () => 'no' as never };
    const engine = new JitEngine({
      store: new MemoryGrantStore(),
      approver: autoApprove(() => true),
      scopes,
      onError: (_, during) => told.push(during),
    });
    expect(await granted(engine, 'db:prod:root')).toBe(false);
    await Promise.resolve();
    expect(told).toContain('scopes');
  });

  it('each question receives the clock reading, or a later start at creation, and the matcher [A6]', async () => {
    const clock = new ManualClock();
    const seen: unknown[] = [];
    const note = (method: string, context?: ApproverContext) => void seen.push([method, context?.at, context?.scopes.name]);
    const approver = new ScriptedApprover({
      decide: (_, context) => {
        note('decide', context);
        return { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } };
      },
      groupsOf: (_, __, context) => {
        note('groupsOf', context);
        return ['ops'];
      },
      isEligible: (_, when, context) => {
        note(when, context);
        return true;
      },
    });
    const engine = new JitEngine({ approver, clock, scopes: patternScopes, store: new MemoryGrantStore() });
    const [begin, start] = [clock.now(), clock.now() + 600_000];
    const { request } = await engine.requestAccess({ subject: MAYA, scope: 'db', ttl: '30m', startsAt: start });
    await clock.advance(60_000);
    await engine.approve(request.id, { by: SAM });
    await clock.set(start + 5);
    await engine.isAllowed(MAYA, 'db');
    const name = patternScopes.name;
    expect(seen).toEqual([
      ['creation', start, name],
      ['decide', start, name],
      ['groupsOf', begin + 60_000, name],
      ['approval', begin + 60_000, name],
      ['start', start + 5, name],
    ]);
  });
});

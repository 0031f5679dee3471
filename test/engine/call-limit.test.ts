import { describe, expect, it } from 'vitest';
import { limitedBy } from '../../src/kernel/call-limit.js';
import type { JitEngine } from '../../src/index.js';
import { definePolicy } from '../../src/policy.js';
import { anEngine, ask, aPending, entriesOf, MAYA, MINUTE, SAM } from './an-engine.js';

const SCOPE = 'db:schema';
const LOGS = 'logs:read';
const approver = definePolicy({
  groups: { dba: [SAM] },
  rules: [
    { id: 'schema', scopes: [SCOPE], maxHolders: 1, review: { groups: { dba: 1 } } },
    { id: 'logs', scopes: [LOGS], approve: true },
  ],
  breakGlass: [{ id: 'glass', scopes: ['db:**'], maxTtl: '1h', reviewers: ['dba'], reviewWithin: '24h' }],
});
const limited = <T extends object>(options: T): T => limitedBy({ hasPassed: true }, options);

/** Prepares a verb that first records expiries that no sweep has recorded. @returns the verb, for a call that was answered */
type Verb = (engine: JitEngine, advance: () => Promise<unknown>) => Promise<() => Promise<unknown>>;

async function takeMany(engine: JitEngine, advance: () => Promise<unknown>) {
  for (let i = 0; i < 32; i++) {
    await engine.breakGlass({ subject: `user:${i}`, scope: SCOPE, ttl: '1m', justification: 'x' });
    await advance();
  }
}

async function pendingAtLimit(engine: JitEngine, advance: () => Promise<unknown>) {
  const request = await aPending(engine, { scope: SCOPE });
  await ask(engine, { scope: LOGS, ttl: '1m' });
  await advance();
  return request;
}

const VERBS: Readonly<Record<string, Verb>> = {
  'an ask at `maxGrants`': async (engine, advance) => {
    await ask(engine, { scope: LOGS, ttl: '1m' });
    await advance();
    return () => ask(engine, limited({ scope: LOGS }));
  },
  'an amendment at `maxGrants`': async (engine, advance) => {
    const { id } = await pendingAtLimit(engine, advance);
    return () => engine.amend(id, limited({ by: MAYA, ttl: '2m' }));
  },
  'an approval at `maxGrants`': async (engine, advance) => {
    const { id } = await pendingAtLimit(engine, advance);
    return () => engine.approve(id, limited({ by: SAM }));
  },
  'an approval of a rule with `maxHolders`': async (engine, advance) => {
    await takeMany(engine, advance);
    const { id } = await aPending(engine, { scope: SCOPE });
    return () => engine.approve(id, limited({ by: SAM }));
  },
  'break-glass in a rule with `maxHolders`': async (engine, advance) => {
    await takeMany(engine, advance);
    return () => engine.breakGlass(limited({ subject: MAYA, scope: SCOPE, ttl: '1m', justification: 'x' }));
  },
};

describe('[A1] a call that was answered records no expiry:', () => {
  it.each(Object.entries(VERBS))('%s', async (_, prepare) => {
    const { engine, store, clock, told } = anEngine({ approver, limits: { maxGrants: 1 } });
    const call = await prepare(engine, () => clock.advance(MINUTE));
    const { length } = await entriesOf(store);
    await expect(call()).rejects.toThrow('the call was answered before');
    await engine.idle();
    expect((await entriesOf(store)).slice(length)).toEqual([]);
    expect(told).toEqual([]);
  });
});

import { requestable } from 'jit-access/explain';
import { definePolicy } from 'jit-access/policy';
import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, type JitEngine } from '../../../src/index.js';
import { placeOf } from '../../../src/records/index.js';
import type { FindQuery } from '../../../src/store.js';
import { FaultyStore } from '../../../src/testing.js';
import { anEngine, LEE, MAYA, MINUTE, SAM } from '../../engine/an-engine.js';

const approver = () =>
  definePolicy({
    groups: { dba: [SAM] },
    rules: [
      { id: 'orders', scopes: ['orders:*'], review: { groups: { dba: 1 } } },
      { id: 'payroll', scopes: ['payroll:*'], review: { groups: { dba: 1 } } },
      { id: 'logs', scopes: ['logs:*'], approve: true },
    ],
  });

const begin = () => anEngine({ approver: approver(), limits: { maxOpenRequests: 1_000 } });

/** The usual wait for each scope, in minutes. */
async function waits(engine: JitEngine, subject = MAYA) {
  const { items } = await requestable(engine, subject);
  return items.map(({ usualWaitMs }) => (usualWaitMs === undefined ? undefined : usualWaitMs / MINUTE));
}

/** Asks, waits and decides. */
async function decided({ engine, clock }: ReturnType<typeof begin>, minutes: number, scope = 'orders:read', deny = false) {
  const { request } = await engine.requestAccess({ subject: LEE, scope, ttl: 1 });
  await clock.advance(minutes * MINUTE);
  await (deny ? engine.deny(request.id, { by: SAM }) : engine.approve(request.id, { by: SAM }));
  await clock.advance(1);
}

describe('the usual wait of a rule', () => {
  it('is the median of its decided requests, from 20 on, of that rule alone', async () => {
    const world = begin();
    for (let i = 1; i <= 19; i++) await decided(world, i, 'orders:read', i % 2 === 0);
    expect(await waits(world.engine)).toEqual([undefined, undefined, undefined]);
    await decided(world, 20);
    for (let i = 0; i < 30; i++) await world.engine.requestAccess({ subject: LEE, scope: 'logs:read', ttl: 1 });
    await world.clock.advance(MINUTE);
    expect(await waits(world.engine)).toEqual([10.5, undefined, undefined]);
    await decided(world, 1_000);
    await world.clock.advance(MINUTE);
    expect(await waits(world.engine)).toEqual([11, undefined, undefined]);
  });

  it('counts no request that was cancelled, expired, or decided by a rule', async () => {
    const world = begin();
    const { engine, clock } = world;
    for (let i = 0; i < 19; i++) await decided(world, 5);
    for (let i = 0; i < 5; i++) {
      const { request } = await engine.requestAccess({ subject: LEE, scope: 'orders:read', ttl: 1 });
      if (i < 3) await engine.cancel(request.id, { by: LEE });
      else await clock.advance('30d');
      await engine.sweep();
    }
    expect(await waits(engine)).toEqual([undefined, undefined, undefined]);
    await decided(world, 5);
    await clock.advance(MINUTE);
    expect(await waits(engine)).toEqual([5, undefined, undefined]);
  });

  it('comes from the last 100 alone', async () => {
    const world = begin();
    for (let i = 0; i < 60; i++) await decided(world, 60);
    for (let i = 0; i < 51; i++) await decided(world, 2);
    expect((await waits(world.engine))[0]).toBe(2);
  });

  it('L42 is read once a minute for all callers, from at most 1,000 requests, and not if no rule needs a review', async () => {
    const world = begin();
    const { engine, store, clock } = world;
    for (let i = 0; i < 20; i++) await decided(world, 3);
    const finds = () => store.called('find');
    let before = finds();
    await Promise.all([waits(engine), waits(engine, LEE), waits(engine)]);
    await waits(engine, 'user:other');
    expect(finds() - before).toBe(1);
    await clock.advance(MINUTE - 1);
    before = finds();
    await waits(engine);
    await clock.advance(1);
    await waits(engine);
    expect(finds() - before).toBe(1);
    // A clock that was set back makes the figures old.
    await clock.set(clock.now() - 2 * MINUTE);
    await waits(engine);
    expect(finds() - before).toBe(2);
    const simple = anEngine({ approver: definePolicy({ rules: [{ id: 'logs', scopes: ['logs:*'], approve: true }] }) });
    await requestable(simple.engine, MAYA);
    expect(simple.store.called('find')).toBe(0);
  });

  it('L42 stops after 1,000 closed requests', async () => {
    const pages: (number | undefined)[] = [];
    class Endless extends MemoryGrantStore {
      override readonly context = undefined as never;
      override async find(query: FindQuery) {
        const page = await super.find(query);
        if (query.open !== false) return page;
        pages.push(query.limit);
        return { items: page.items, next: placeOf({ createdAt: pages.length, sortAt: undefined, id: '' }) };
      }
    }
    const world = anEngine({ approver: approver(), store: new FaultyStore(new Endless()) });
    for (let i = 0; i < 20; i++) await decided(world, 3);
    expect((await waits(world.engine))[0]).toBe(3);
    expect(pages).toEqual([200, 200, 200, 200, 200]);
  });

  it('fails with the store, and is read again at the next call', async () => {
    const world = begin();
    for (let i = 0; i < 20; i++) await decided(world, 3);
    const heal = world.store.inject('find', { fault: 'reject' });
    await expect(requestable(world.engine, MAYA)).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
    heal();
    expect((await waits(world.engine))[0]).toBe(3);
  });
});

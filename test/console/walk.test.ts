import { describe, expect, it } from 'vitest';
import { Still } from '../../src/console/app/parts/still.js';
import { heldQuery } from '../../src/console/app/views/live/read.js';
import { FalsePage, walk, type Wrong } from './walk/walk.js';
import { aService, SEC } from './walk/world.js';

const keyOf = (item: { readonly id?: string; readonly request?: { readonly id: string } }) => item.id ?? item.request?.id ?? '';

/** A list that shows nothing new while it is empty: its reader takes it that no one holds access. */
class NoEmptyLine extends Still<never> {
  override take(items: readonly never[], isHeld: boolean) {
    const taken = super.take(items, isHeld);
    return isHeld && taken.news === 0 && items.length > 0 ? { rows: [], news: items.length } : taken;
  }
}

/** A line that counts rows that are shown already. */
class AlwaysNew extends Still<never> {
  override take(items: readonly never[], isHeld: boolean) {
    return { ...super.take(items, isHeld), news: items.length };
  }
}

const MUTANTS: readonly (readonly [name: string, wrong: Wrong])[] = [
  ['no timer', { query: (query) => ({ ...query, changesAt: () => undefined }) }],
  ['an empty list without its line', { still: () => new NoEmptyLine(keyOf) as never }],
  ['a cache that forgets nothing', { query: (query) => ({ ...query, isOld: () => false }) }],
  ['a line that always says "new"', { still: () => new AlwaysNew(keyOf) as never }],
  ['a lost event', { hears: (type) => type !== 'grant.revoked' }],
];

describe('the page of the console', () => {
  it.each([1, 2, 3, 4, 5])('L48 shows what a reload would show (seed %i)', async (seed) => {
    const { comparisons, mostCalls } = await walk(seed, 400);
    expect(comparisons).toBeGreaterThan(3_000);
    // A page here has more than one view: My access with at most four lists and what an event names, and one request.
    expect(mostCalls).toBeLessThanOrEqual(9);
  });

  it.each(MUTANTS)('L48 would be caught with %s', async (_, wrong) => {
    await expect(walk(1, 400, wrong)).rejects.toThrow(FalsePage);
  });

  it('L42 sends at most fifty calls a second for fifty pages of Live at ten events a second', async () => {
    const service = aService();
    const sent: number[] = [];
    const client = service.clientOf(SEC, () => sent.push(service.clock.now()));
    const models = Array.from({ length: 50 }, (_, i) => service.modelOf(client, (i * 16) % 800));
    for (const model of models) model.watch(heldQuery({ person: undefined, scope: undefined, ticket: undefined }, 200, true));
    await service.pass(2_000);
    const begin = service.clock.now();
    for (let i = 0; i < 100; i++) {
      for (const model of models) model.take({ type: 'grant.issued', requestId: `r${i}`, grantId: `r${i}.1` });
      await service.pass(100);
    }
    for (const model of models) model.end();
    await service.engine.close();
    const seconds = Array.from({ length: 10 }, (_, i) => sent.filter((at) => Math.floor((at - begin) / 1_000) === i).length);
    expect(Math.max(...seconds)).toBeLessThanOrEqual(50);
    // The last event waits for the next round.
    expect(Math.min(...seconds)).toBeGreaterThan(40);
  });
});

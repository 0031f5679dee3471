import { preview } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { readJournal, replay, verifyStore } from '../../src/journal.js';
import { anEngine, aPending, ask, at, entriesOf, HOUR, MAYA, MINUTE, refusal, SCOPE } from '../engine/an-engine.js';

const MOLE = 'user:mole';
const EVE = 'user:eve';

async function refused(made: ReturnType<typeof anEngine>) {
  await made.engine.flushAudit();
  return (await entriesOf(made.store)).filter((entry) => entry.type === 'attempt.refused');
}

/** A request for its own scope each time, refused for its length. */
const noise = (made: ReturnType<typeof anEngine>, i: number, by = MOLE) =>
  made.engine.requestAccess({ subject: by, scope: `noise:${i}`, ttl: '9h' }).catch(() => undefined);

const countOf = (entries: readonly { readonly data: Readonly<Record<string, unknown>> }[]) =>
  entries.reduce((sum, { data }) => sum + Number(data['count']), 0);

describe('refused attempts', () => {
  it('of one actor never hide an attempt of another to approve its own request (L29) [M1]', async () => {
    const made = anEngine();
    const { id } = await aPending(made.engine, { subject: EVE, requestedBy: EVE });
    for (let minute = 0; minute < 11; minute++) {
      for (let i = 0; i < 1_200; i++) {
        if (i % 20 === 0) await made.clock.set(at(minute * MINUTE + i * 50));
        await noise(made, minute * 1_200 + i);
        if (i === 600) await refusal(made.engine.approve(id, { by: EVE }), 'ERR_JIT_SELF_REVIEW');
      }
      await made.engine.sweep();
    }
    const own = (await refused(made)).filter(({ actor }) => actor === EVE);
    expect(own.map(({ data }) => data['code'])).toEqual(Array(11).fill('ERR_JIT_SELF_REVIEW'));
  });

  it('of one actor are recorded as thirty kinds and one count of the others (L29) [M1]', async () => {
    const made = anEngine();
    for (let i = 0; i < 100; i++) await noise(made, i);
    for (let second = 1; second <= 20; second++) {
      await made.clock.set(at(second * 1_000));
      await made.engine.sweep();
    }
    const entries = await refused(made);
    expect(entries).toHaveLength(31);
    expect(entries.filter(({ data }) => data['code'] === 'others').map(({ actor, data }) => [actor, data['count']])).toEqual([[MOLE, 70]]);
    expect(countOf(entries)).toBe(100);
  });

  it('name at most five scopes, and the number of the others (L29) [M1]', async () => {
    const made = anEngine();
    const scopes = Array.from({ length: 50 }, (_, i) => `${'s'.repeat(60)}:${'t'.repeat(60)}:${'u'.repeat(60)}:${'v'.repeat(60)}:${i}`);
    await refusal(made.engine.requestAccess({ subject: MOLE, scopes, ttl: '9h' }), 'ERR_JIT_REQUIREMENTS');
    const [entry] = await refused(made);
    expect(entry?.data).toEqual({ code: 'ERR_JIT_REQUIREMENTS', count: 1, scopes: scopes.slice(0, 5), moreScopes: 45 });
    expect(JSON.stringify(entry).length).toBeLessThan(2_500);
  });

  it('of one actor are four entries a second, of all actors seven, and ten with reserved codes (L29) [M1]', async () => {
    const made = anEngine();
    const { id } = await aPending(made.engine);
    for (const by of ['user:a', 'user:b', 'user:c']) for (let i = 0; i < 9; i++) await noise(made, i, by);
    const first = await refused(made);
    expect(['user:a', 'user:b', 'user:c'].map((by) => first.filter(({ actor }) => actor === by).length)).toEqual([4, 3, 0]);
    for (const by of ['user:d', 'user:e', 'user:f', 'user:g']) await refusal(made.engine.approve(id, { by }), 'ERR_JIT_NOT_REVIEWER');
    expect(await refused(made)).toHaveLength(10);
    await made.clock.set(at(1_000));
    await made.engine.sweep();
    // The longest waiting entry comes first, and the reserved code before all others.
    const second = (await refused(made)).slice(10).map(({ actor }) => actor);
    expect(second[0]).toBe('user:g');
    expect(second.filter((actor) => actor === 'user:c')).toHaveLength(4);
  });

  it('of one actor are two hundred entries an hour, and the next hour continues with the counts (L29) [M1]', async () => {
    const made = anEngine();
    let sent = 0;
    const hourOf = (instant: number) => Math.floor(instant / HOUR);
    for (let minute = 0; minute < 59; minute++) {
      for (let second = 0; second < 10; second++) {
        await made.clock.set(at(minute * MINUTE + second * 1_000));
        for (let i = 0; i < 4; i++) await noise(made, sent++);
      }
    }
    const entries = await refused(made);
    const hours = new Map<number, number>();
    for (const { at: instant } of entries) hours.set(hourOf(instant), (hours.get(hourOf(instant)) ?? 0) + 1);
    for (const [, count] of hours) expect(count).toBeLessThanOrEqual(200);
    expect(Math.max(...hours.values())).toBe(200);
    for (let second = 0; second < 40; second++) {
      await made.clock.set(at(2 * HOUR + second * 1_000));
      await made.engine.sweep();
    }
    expect(countOf(await refused(made))).toBe(sent);
  });

  it('of very many actors are counted for the engine, and none is lost (L29) [M1]', async () => {
    const made = anEngine();
    const { id } = await aPending(made.engine);
    for (let i = 0; i < 700; i++) await refusal(made.engine.approve(id, { by: `user:bot${i}` }), 'ERR_JIT_NOT_REVIEWER');
    for (let second = 1; second <= 80; second++) {
      await made.clock.set(at(second * 1_000));
      await made.engine.sweep();
    }
    const entries = await refused(made);
    expect(countOf(entries)).toBe(700);
    expect(entries.filter(({ actor }) => actor === 'system:engine').map(({ data }) => data)).toMatchObject([
      { code: 'others', count: 200 },
    ]);
  });

  it('are read by replay and verifyStore, for any counts (L26) [M1]', async () => {
    const made = anEngine();
    await aPending(made.engine);
    for (let i = 0; i < 40; i++) await noise(made, i);
    await made.clock.set(at(10_000));
    await made.engine.sweep();
    expect((await refused(made)).length).toBeGreaterThan(4);
    expect((await replay(readJournal(made.store))).requests.size).toBe(1);
    expect(await verifyStore(made.store)).toMatchObject({ ok: true, differences: [] });
  });
});

describe('dry runs', () => {
  it('are counted like refusals, one entry a minute for each ask (L29) [F8]', async () => {
    const made = anEngine();
    const probe = (scope = SCOPE) => preview(made.engine, { subject: MAYA, scope, ttl: MINUTE, requestedBy: MOLE });
    for (let i = 0; i < 500; i++) await probe();
    await probe('other');
    await made.clock.set(at(MINUTE));
    await made.engine.sweep();
    expect((await refused(made)).map(({ actor, data }) => [actor, data])).toEqual([
      [MOLE, { code: 'dry_run', count: 1, scopes: [SCOPE] }],
      [MOLE, { code: 'dry_run', count: 1, scopes: ['other'] }],
      [MOLE, { code: 'dry_run', count: 499, scopes: [SCOPE] }],
    ]);
    expect((await made.store.find({ kind: 'request', limit: 10 })).items).toEqual([]);
  });

  it('that would be refused are counted too, and a real ask does not count as a dry run (L29) [F8]', async () => {
    const made = anEngine();
    await preview(made.engine, { subject: MAYA, scope: SCOPE, ttl: '9h' });
    await ask(made.engine);
    expect((await refused(made)).map(({ data }) => data)).toEqual([{ code: 'dry_run', count: 1, scopes: [SCOPE] }]);
  });
});

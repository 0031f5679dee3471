import { purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, type JitEngine } from '../../../src/index.js';
import { placeOf } from '../../../src/records/index.js';
import type { FindQuery } from '../../../src/store.js';
import { aClient } from '../client/client-world.js';
import { refusal } from '../../engine/an-engine.js';
import { aService, EVE, MAYA, SAM, SEC, type Body } from './world.js';

const HOUR = 3_600_000;
const TICKET = 'INC-204';

/** A grant of maya. The scopes `db-prod:...` need a review, which sam gives. */
async function granted(engine: JitEngine, scope: string, more: object = {}): Promise<string> {
  const ask = { subject: MAYA, scope, ttl: '1h', justification: 'backfill', ...more } as const;
  const { request } = await engine.requestAccess(ask);
  const result = await engine.approve(request.id, { by: SAM });
  if (result.outcome !== 'granted') throw new Error(result.outcome);
  return result.grants[0]?.id ?? '';
}

const idsOf = ({ items }: Body): readonly string[] => ((items ?? []) as unknown as readonly { readonly id: string }[]).map(({ id }) => id);

async function withTickets() {
  const service = aService();
  const { engine, clock, send } = service;
  const own = await granted(engine, 'db-prod:a', { ticket: TICKET });
  const asked = await engine.extend(own, { requestedBy: MAYA, ttl: '1h', justification: 'more', ticket: 'INC-205' });
  const extended = await engine.approve(asked.request.id, { by: SAM });
  const extension = extended.outcome === 'granted' ? (extended.grants[0]?.id ?? '') : '';
  await clock.advance(1);
  const other = await granted(engine, 'db-prod:b', { ticket: 'INC-2040' });
  const list = async (query: string, as = MAYA) => {
    const { status, body } = await send('GET', `/grants?${query}`, { as });
    return [status, [...idsOf(body)].sort()] as const;
  };
  return { ...service, own, extension, other, list };
}

describe('the filter `ticket` of GET /grants', () => {
  it('selects the grants of requests that cite exactly this ticket, and their extensions, as a revocation of the ticket does', async () => {
    const { own, extension, list, send } = await withTickets();
    const both = [own, extension].sort();
    expect(await list(`ticket=${TICKET}`)).toEqual([200, both]);
    expect(await list(`ticket=${TICKET}&all=true`, SEC)).toEqual([200, both]);
    expect(await list('ticket=INC-205')).toEqual([200, [extension]]);
    expect(await list('ticket=inc-204')).toEqual([200, []]);
    const counted = await send('POST', '/revocations', { as: SEC, body: { ticket: TICKET, dryRun: true } });
    expect(counted.body).toMatchObject({ grants: 2, people: 1 });
    const revoked = await send('POST', '/revocations', { as: SEC, body: { ticket: TICKET } });
    expect([...idsOf({ items: revoked.body.grants as Body })].sort()).toEqual(both);
  });

  it('says nothing about the tickets of others', async () => {
    const { list, send } = await withTickets();
    const [foreign, unknown] = await Promise.all(
      [TICKET, 'INC-9999'].map((ticket) => send('GET', `/grants?ticket=${ticket}`, { as: EVE })),
    );
    expect([foreign?.status, foreign?.text]).toEqual([200, unknown?.text]);
    expect(foreign?.body.items).toEqual([]);
    for (const query of [`ticket=${TICKET}&all=true`, `ticket=${TICKET}&subject=${MAYA}`]) expect((await list(query, EVE))[0]).toBe(403);
  });

  it('is no key of an object, and needs no form: any text selects nothing', async () => {
    const { list } = await withTickets();
    for (const text of ['__proto__', 'constructor', '%F0%9F%92%A9', '*', 'INC-204%0A'])
      expect([text, await list(`ticket=${text}`)]).toEqual([text, [200, []]]);
    for (const text of ['x'.repeat(4_097), '%00']) expect((await list(`ticket=${text}`))[0]).toBe(400);
  });

  it('fails where a request cannot be read: a list without its grants would be wrong', async () => {
    const { own, list, store } = await withTickets();
    const id = own.split('.')[0] ?? '';
    const [row] = await store.get([{ kind: 'request', id }]);
    if (row === undefined) throw new Error('no row');
    const bent = { ...row, version: row.version + 1, body: { ...row.body, more: 1 } };
    await store.commit({ id: 'bend', expect: [{ kind: 'request', id, version: row.version }], put: [bent], append: [] });
    expect((await list(`ticket=${TICKET}`))[0]).toBe(500);
  });
});

describe('the filter `during` of GET /grants', () => {
  it('selects what the caller held in a span, without a right: also what ended this week', async () => {
    const { clock, engine, own, other, list } = await withTickets();
    const begun = clock.now();
    await clock.advance('10m');
    await engine.release(other, { by: MAYA });
    await clock.advance('5d');
    const during = `during=${clock.now() - 7 * 24 * HOUR}..${clock.now()}`;
    const [status, ids] = await list(during);
    expect([status, ids]).toEqual([200, [own, other].sort()]);
    expect(await list(`during=${begun + 5 * HOUR}..${clock.now()}`)).toEqual([200, []]);
    expect(await list(`${during}&ticket=${TICKET}`, SEC)).toEqual([200, []]);
    expect((await list(`${during}&subject=${MAYA}`, SEC))[1]).toEqual(ids);
    for (const query of [`${during}&subject=${MAYA}`, `${during}&all=true`]) expect((await list(query, EVE))[0]).toBe(403);
  });

  it('reaches the client as a span of instants', async () => {
    const service = await withTickets();
    const { client, sent } = aClient(service);
    const from = new Date(service.clock.now() - HOUR);
    await service.clock.advance('30m');
    const { items } = await client.listGrants({ during: { from, to: service.clock.now() }, ticket: TICKET });
    expect(items.map(({ id }) => id)).toEqual([service.own]);
    expect(new URL(sent[0]?.url ?? '').search).toBe(`?during=${+from}..${service.clock.now()}&ticket=${TICKET}`);
    for (const during of [{ from: NaN, to: 5 }, { from, to: undefined }, {}, null, 'x'] as never[])
      await expect(client.listGrants({ during })).rejects.toThrow();
  });

  it('refuses every other form, a future start, and what the engine refuses beside it', async () => {
    const { clock, list } = await withTickets();
    const now = clock.now();
    const spans = [
      '',
      '1',
      '1..',
      '..1',
      '2..1',
      '1..1',
      '-1..2',
      '1.5..2',
      '1e3..2e3',
      '1...2',
      '1..2..3',
      ' 1..2',
      'a..b',
      '1/2',
      '0x1..0x2',
    ];
    for (const span of [...spans, `${now + 1}..${now + 2}`, `1..${'9'.repeat(16)}`])
      expect([span, (await list(`during=${encodeURIComponent(span)}`))[0]]).toEqual([span, 400]);
    for (const more of ['status=active', `at=${now}`, 'scope=db-prod:a', 'order=due', 'during=1..2'])
      expect([more, (await list(`during=1..2&${more}`))[0]]).toEqual([more, 400]);
  });

  it('L42 asks the store once for a page, however long the span is and however many grants it has', async () => {
    let finds = 0;
    class Endless extends MemoryGrantStore {
      override readonly context = undefined as never;
      override find(query: FindQuery) {
        if (query.kind !== 'grant' || query.during === undefined) return super.find(query);
        finds++;
        // The store has looked at its 1,000 rows, and there are more.
        return Promise.resolve({ items: [], next: placeOf({ createdAt: finds, sortAt: undefined, id: '' }) });
      }
    }
    const { clock, send } = aService({ engine: { store: new Endless() } });
    const { status, body } = await send('GET', `/grants?during=0..${clock.now()}&ticket=${TICKET}&limit=1000`, { as: MAYA });
    expect([status, body.items, typeof body.next, finds]).toEqual([200, [], 'string', 1]);
  });

  it('answers 410 where a purge has removed a part of the span', async () => {
    const { engine, clock, list } = await withTickets();
    await clock.advance('40d');
    await engine.sweep();
    await purge(engine, { before: clock.now() - 30 * 24 * HOUR, by: SEC, force: true });
    expect((await list(`during=0..${clock.now()}`))[0]).toBe(410);
    expect((await list(`during=${clock.now() - 7 * 24 * HOUR}..${clock.now()}`))[0]).toBe(200);
  });
});

describe('listGrants({ ticket })', () => {
  it('refuses another value than a text', async () => {
    const { engine } = aService();
    for (const ticket of [1, null, {}, ['INC-1'], 'x'.repeat(5_000)] as never[])
      await refusal(engine.listGrants({ ticket }), 'ERR_JIT_INVALID_ARGUMENT');
  });
});

import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, type GrantStore } from '../../../src/index.js';
import { Waits } from '../../../src/features/http/wait.js';
import { kernelOf } from '../../../src/kernel/kernel-of.js';
import { FaultyStore } from '../../../src/testing.js';
import { aService, BASE, MAYA, MINUTE, SAM, SCOPE, turns } from './world.js';

const ASK = { subject: MAYA, requestedBy: MAYA, scope: SCOPE, ttl: '30m', justification: 'INC-204' } as const;
const SECOND = 1_000;
const WAIT = { prefer: 'wait=30' };

type Service = ReturnType<typeof aService>;

/** A store that counts the reads of rows, with or without `watch`. */
function counted(hasWatch: boolean) {
  const count = { reads: 0 };
  const store = new Proxy(new MemoryGrantStore(), {
    get: (memory, name) => {
      if (name === 'watch' && !hasWatch) return undefined;
      const member: unknown = Reflect.get(memory, name, memory);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        if (name === 'get') count.reads++;
        return (member as (...given: unknown[]) => unknown).apply(memory, args);
      };
    },
  });
  return { store: store as GrantStore, count };
}

/** Every caller sees every request. */
const open = { may: () => true };

/** A service with some pending requests. */
async function pending(service: Service, requests = 1): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let i = 0; i < requests; i++) {
    const { request } = await service.engine.requestAccess({ ...ASK, scope: `db-prod:${i}` });
    ids.push(request.id);
  }
  return ids;
}

const waitOf = (service: Service, id: string, as: string, signal?: AbortSignal) =>
  service
    .handler(new Request(`${BASE}/v1/requests/${id}`, { headers: { 'x-user': as, ...WAIT }, ...(signal && { signal }) }))
    .then(async (response) => ({
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as { outcome?: string },
    }));

describe('[WF8] waits for decisions', () => {
  it.each([
    ['with watch', true, 0],
    ['without watch, by one poll a second for each request', false, 10 * 14],
  ])('read the store by the number of requests, not of the callers: %s', async (_, hasWatch, most) => {
    const { store, count } = counted(hasWatch);
    const service = aService({ engine: { store }, http: open });
    const ids = await pending(service, 10);
    const callers = Array.from({ length: 10 }, (_, i) => `user:${i}`);
    const waits = callers.flatMap((as) => ids.map((id) => waitOf(service, id, as)));
    await turns();
    count.reads = 0;
    await service.clock.advance(14 * SECOND);
    expect(count.reads).toBeLessThanOrEqual(most);
    for (const id of ids) await service.engine.deny(id, { by: SAM });
    const outcomes = (await Promise.all(waits)).map(({ headers, body }) => [headers.get('preference-applied'), body.outcome]);
    expect(new Set(outcomes.map(String))).toEqual(new Set(['wait=30,denied']));
    await service.engine.close();
  });

  it('share one wait, which the disconnect of the caller that began it does not end', async () => {
    const { store, count } = counted(true);
    const service = aService({ engine: { store }, http: open });
    const [id = ''] = await pending(service);
    const gone = new AbortController();
    const first = waitOf(service, id, 'user:1', gone.signal);
    const second = waitOf(service, id, 'user:2');
    await turns();
    gone.abort();
    await first;
    await turns();
    count.reads = 0;
    await service.clock.advance(20 * SECOND);
    expect(count.reads).toBe(1);
    await service.engine.deny(id, { by: SAM });
    expect((await second).body.outcome).toBe('denied');
    await service.engine.close();
  });

  it('do not begin for a request that is decided, although the others have not learned of it', async () => {
    const memory = new MemoryGrantStore();
    const deaf = new Proxy(memory, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (name === 'watch') return () => () => undefined;
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
    const [service, other] = [aService({ engine: { store: deaf }, http: open }), aService({ engine: { store: memory } })];
    const [id = ''] = await pending(service);
    const early = waitOf(service, id, 'user:1');
    await turns();
    await other.engine.deny(id, { by: SAM });
    const late = await Promise.race([waitOf(service, id, 'user:2'), turns().then(() => undefined)]);
    expect([late?.body.outcome, late?.headers.get('preference-applied')]).toEqual(['denied', 'wait=30']);
    await service.clock.advance(15 * SECOND);
    expect((await early).body.outcome).toBe('denied');
    await Promise.all([service, other].map(({ engine }) => engine.close()));
  });

  it('end each after its own time', async () => {
    const service = aService({ http: open });
    const [id = ''] = await pending(service);
    const wait = (seconds: number, as: string) => service.send('GET', `/requests/${id}`, { as, headers: { prefer: `wait=${seconds}` } });
    const [short, long] = [wait(5, 'user:1'), wait(30, 'user:2')];
    await turns();
    await service.clock.advance(5 * SECOND);
    expect((await short).body.outcome).toBe('pending');
    await service.engine.deny(id, { by: SAM });
    expect((await long).body.outcome).toBe('denied');
    expect(service.clock.sleepers).toBe(0);
    await service.engine.close();
  });

  it('are answered with the decision although the read of an earlier wait never settles', async () => {
    const store = new FaultyStore(new MemoryGrantStore());
    const service = aService({ engine: { store }, http: open });
    const [id = ''] = await pending(service);
    const stalled = waitOf(service, id, 'user:1');
    await turns();
    const restore = store.inject('get', { fault: 'hang' });
    await service.clock.advance(15 * SECOND);
    restore();
    const later = waitOf(service, id, 'user:2');
    await turns();
    await service.engine.deny(id, { by: SAM });
    expect((await later).body.outcome).toBe('denied');
    await service.clock.advance(15 * SECOND);
    expect((await stalled).body.outcome).toBe('denied');
    await service.engine.close();
  });

  it('judge what each caller sees after the wait, for each caller', async () => {
    let permitted = new Set(['user:1', 'user:2']);
    const service = aService({ http: { may: ({ caller }) => permitted.has(caller.subject) } });
    const [id = ''] = await pending(service);
    const waits = [waitOf(service, id, 'user:1'), waitOf(service, id, 'user:2')];
    await turns();
    permitted = new Set(['user:2']);
    await service.engine.deny(id, { by: SAM });
    expect((await Promise.all(waits)).map(({ status }) => status)).toEqual([404, 200]);
    await service.engine.close();
  });

  it('are at most 1,000 of an engine, which leaves those of another engine', async () => {
    const [full, other] = [aService({ http: open }), aService({ http: open })];
    const [[id = ''], [otherId = '']] = [await pending(full), await pending(other)];
    const waits = kernelOf(full.engine).part(Waits);
    for (let i = 0; i < 1_000; i++) expect(waits.begin(`user:${i % 100}`)).toBe(true);
    const beyond = await waitOf(full, id, 'user:late');
    expect([beyond.body.outcome, beyond.headers.get('preference-applied')]).toEqual(['pending', null]);
    const ofOther = waitOf(other, otherId, 'user:late');
    await turns();
    waits.end('user:1');
    const again = waitOf(full, id, 'user:late');
    await turns();
    await Promise.all([full, other].map(({ clock }) => clock.advance(MINUTE)));
    expect((await Promise.all([ofOther, again])).map(({ headers }) => headers.get('preference-applied'))).toEqual(['wait=30', 'wait=30']);
    await Promise.all([full, other].map(({ engine }) => engine.close()));
  });
});

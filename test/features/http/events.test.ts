import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import { MemoryGrantStore } from '../../../src/index.js';
import { EventStream } from '../../../src/features/http/events/event-stream.js';
import { toNodeHandler } from '../../../src/http.js';
import { FaultyStore } from '../../../src/testing.js';
import { bound, listen, typesOf } from './listen.js';
import { aNodeRequest, aService, BASE, EVE, MAYA, SAM, SCOPE, SEC, turns, withExamples, type TestCaller } from './world.js';

const ASK = { subject: MAYA, scope: SCOPE, ttl: '30m', justification: 'INC-204' } as const;

/** Without the comments that keep a stream alive. */
const namesOf = (events: readonly string[]) => typesOf(events).filter((type) => !type.startsWith(':'));

describe('the events', () => {
  it('say to each caller what the caller may see, without its contents', async () => {
    const service = aService();
    const streams = await Promise.all([MAYA, SAM, EVE, SEC].map((as) => listen(service, as)));
    const { request } = await service.engine.requestAccess({ ...ASK, metadata: { secret: 'in the metadata' } });
    await service.engine.approve(request.id, { by: SAM, reason: 'a reason of sam' });
    await service.engine.lock({ subject: 'user:mallory' }, { by: SEC, reason: 'INC-9' });
    const [maya, sam, eve, sec] = await Promise.all(streams.map(async ({ texts }) => texts()));
    const own = ['ready', 'request.created', 'request.assigned', 'request.reviewed', 'request.approved', 'grant.issued'];
    expect(typesOf(maya ?? [])).toEqual(own);
    // No person reviews a request before the approver has named the quorum.
    expect(typesOf(sam ?? []).filter((type) => type !== 'request.created')).toEqual(own.filter((type) => type !== 'request.created'));
    expect(typesOf(eve ?? [])).toEqual(['ready']);
    expect(typesOf(sec ?? [])).toEqual([...own, 'lock.set', 'lock.completed']);
    expect((sec ?? []).join()).not.toMatch(/secret|a reason of sam|INC-9|user:/);
    await service.engine.close();
  });

  it('of a lock go to the person whom it names, without its contents', async () => {
    const service = aService();
    const { engine, clock } = service;
    const callers = [MAYA, EVE, SEC, 'agent:bot', 'agent:bottle'];
    const streams = await Promise.all(callers.map((as) => listen(service, as)));
    const { lock } = await engine.lock({ subject: MAYA }, { by: SEC, reason: 'INC-9: laptop stolen', until: clock.now() + 60_000 });
    await engine.lock({ subject: 'agent:bot' }, { by: SEC });
    await engine.unlock(lock.id, { by: SEC, reason: 'a reason of sec' });
    const heard = await Promise.all(streams.map(async ({ texts }) => texts()));
    const set = ['lock.set', 'lock.completed'];
    expect(heard.map(typesOf)).toEqual([
      ['ready', ...set, 'lock.lifted'],
      ['ready'],
      ['ready', ...set, ...set, 'lock.lifted'],
      ['ready', ...set],
      ['ready'],
    ]);
    expect(heard.flat().join()).not.toMatch(/INC-9|a reason|user:|agent:|until/);
    await engine.close();
  });

  it('of a lock on a scope go to all callers; its end by time, which a sweep records, only to those who see every event', async () => {
    const service = aService();
    const { engine, clock } = service;
    const streams = await Promise.all([MAYA, EVE, SEC].map((as) => listen(service, as)));
    const { lock } = await engine.lock({ scope: 'db-prod:*' }, { by: SEC });
    await engine.unlock(lock.id, { by: SEC });
    await engine.lock({ scope: 'billing:*' }, { by: SEC, until: clock.now() + 60_000 });
    await clock.advance('2m');
    await engine.sweep();
    const [maya, eve, sec] = await Promise.all(streams.map(async ({ texts }) => namesOf(await texts())));
    const both = ['ready', 'lock.set', 'lock.completed', 'lock.lifted', 'lock.set', 'lock.completed'];
    expect([maya, eve]).toEqual([both, both]);
    expect(sec?.filter((type) => type.startsWith('lock.')).slice(0, 5)).toEqual(both.slice(1));
    await engine.close();
  });

  it('of a lock resume for the person whom it names, and are reset for another one, as a number of no event', async () => {
    const service = aService();
    const { lock } = await service.engine.lock({ subject: MAYA }, { by: SEC });
    const { seq } = await journalHead(service.engine);
    await service.engine.unlock(lock.id, { by: SEC });
    const resumed = async (as: string, id: number) => (await listen(service, as, { 'last-event-id': String(id) })).texts();
    expect(typesOf(await resumed(MAYA, seq))).toEqual(['ready', 'lock.lifted']);
    expect(await resumed(EVE, seq)).toEqual(['event: reset\ndata: {}']);
    expect(await resumed(EVE, seq + 99)).toEqual(['event: reset\ndata: {}']);
    await service.engine.close();
  });

  it('of a lock whose entry does not say whom it names make each client read everything again', async () => {
    const memory = new MemoryGrantStore();
    const bent = { lockId: 'lock-1', locks: null, ended: [] };
    let isBent = false;
    const journal: typeof memory.journal = async (query) => {
      const slice = await memory.journal(query);
      const entries = slice.entries.map((entry) => (isBent && entry.type === 'lock.set' ? { ...entry, data: bent } : entry));
      return { ...slice, entries };
    };
    const store = new Proxy(memory, { get: (one, name) => (name === 'journal' ? journal : bound(one, name)) });
    const service = aService({ engine: { store } });
    const streams = await Promise.all([MAYA, EVE].map((as) => listen(service, as)));
    isBent = true;
    await service.engine.lock({ subject: MAYA }, { by: SEC });
    const heard = await Promise.all(streams.map(async ({ texts }) => typesOf(await texts())));
    expect(heard).toEqual([
      ['ready', 'reset', 'lock.completed'],
      ['ready', 'reset'],
    ]);
    await service.engine.close();
  });

  it('resume after the last one, and begin again where that one is not in this journal', async () => {
    const service = aService();
    const { request } = await service.engine.requestAccess(ASK);
    const { seq } = await journalHead(service.engine);
    await service.engine.cancel(request.id, { by: MAYA });
    const resumed = await listen(service, MAYA, { 'last-event-id': String(seq) });
    expect(typesOf(await resumed.texts())).toEqual(['ready', 'request.cancelled']);
    for (const wrong of ['999999', '-1', 'x', '1e3', '9'.repeat(30)]) {
      const begun = await listen(service, MAYA, { 'last-event-id': wrong });
      expect([wrong, typesOf(await begun.texts())]).toEqual([wrong, ['reset']]);
      await begun.end();
    }
    const first = await listen(service, MAYA);
    expect(typesOf(await first.texts())).toEqual(['ready']);
    await service.engine.close();
  });

  it('answer a number of an event that the caller has not seen with reset, so that no number says where the head is', async () => {
    const service = aService();
    await service.engine.requestAccess(ASK);
    const { seq } = await journalHead(service.engine);
    for (let probe = 0; probe <= seq + 2; probe++) {
      const { texts, end } = await listen(service, EVE, { 'last-event-id': String(probe) });
      expect([probe, await texts()]).toEqual([probe, ['event: reset\ndata: {}']]);
      await end();
    }
    await service.engine.close();
  });

  it('miss no entry that is recorded while a stream begins', async () => {
    const service = aService({ engine: { store: new FaultyStore(new MemoryGrantStore()) } });
    (service.store as FaultyStore).inject('journal', { fault: 'yield', seed: 7 });
    await service.engine.requestAccess(ASK);
    const { seq } = await journalHead(service.engine);
    const beginning = listen(service, SEC, { 'last-event-id': String(seq) });
    for (let i = 0; i < 10; i++) await service.engine.lock({ subject: `user:${i}` }, { by: SEC });
    const { texts } = await beginning;
    await turns();
    const sets = typesOf(await texts()).filter((type) => type === 'lock.set');
    expect(sets).toHaveLength(10);
    await service.engine.close();
  });

  it('are at most ten streams for a caller, and a closed one makes room', async () => {
    const service = aService();
    const streams = await Promise.all(Array.from({ length: 10 }, () => listen(service, MAYA)));
    const eleventh = await listen(service, MAYA);
    expect([eleventh.status, eleventh.response.headers.get('retry-after')]).toEqual([429, '5']);
    expect((await listen(service, SAM)).status).toBe(200);
    await streams[0]?.end();
    expect((await listen(service, MAYA)).status).toBe(200);
    await service.engine.close();
  });

  it('[WF7] are at most 1,000 streams for an engine, which leaves those of another tenant', async () => {
    const [full, other] = [aService(), aService()];
    const open = (service: ReturnType<typeof aService>, as: string) =>
      service.handler(new Request(`${BASE}/v1/events`, { headers: { 'x-user': as } }));
    const streams: Response[] = [];
    for (let i = 0; i < 1_000; i++) streams.push(await open(full, `user:${i % 100}`));
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
    const beyond = await open(full, MAYA);
    expect([beyond.status, beyond.headers.get('retry-after')]).toEqual([429, '5']);
    expect((await open(other, MAYA)).status).toBe(200);
    await streams[0]?.body?.cancel();
    expect((await open(full, MAYA)).status).toBe(200);
    await Promise.all([full, other].map(({ engine }) => engine.close()));
  });

  it('[A30] end within 30 seconds for a caller that identify no longer knows, or cannot judge', async () => {
    const signedOut = new Set<string>();
    const identify = (request: Request): TestCaller | undefined => {
      const subject = request.headers.get('x-user') ?? '';
      if (signedOut.has('all')) throw new Error('the session store is down');
      return signedOut.has(subject) ? undefined : { subject, roles: [] };
    };
    const service = aService({ http: { identify } });
    const [maya, sam] = await Promise.all([listen(service, MAYA), listen(service, SAM)]);
    signedOut.add(MAYA);
    await service.clock.advance('30s');
    await turns();
    expect([maya.isDone?.(), sam.isDone?.()]).toEqual([true, false]);
    signedOut.add('all');
    await service.clock.advance('30s');
    await turns();
    expect(sam.isDone?.()).toBe(true);
    await service.engine.close();
  });

  it('are kept alive, and polled once a second from a store without watch', async () => {
    const memory = new MemoryGrantStore();
    const withoutWatch = new Proxy(memory, { get: (store, name) => (name === 'watch' ? undefined : bound(store, name)) });
    const service = aService({ engine: { store: withoutWatch } });
    const { texts } = await listen(service, MAYA);
    const other = aService({ engine: { store: memory, clock: service.clock } });
    await other.engine.requestAccess(ASK);
    expect(typesOf(await texts())).toEqual(['ready']);
    await service.clock.advance('1s');
    expect(typesOf(await texts())).toContain('request.created');
    await service.clock.advance('15s');
    expect(await texts()).toContain(': keep-alive');
    await service.engine.close();
  });

  it('[A30] end within 30 seconds for a caller that may no longer see every event', async () => {
    let isPermitted = true;
    const service = aService({ http: { may: () => isPermitted } });
    const stream = await listen(service, SEC);
    await service.clock.advance('30s');
    await turns();
    expect(stream.isDone?.()).toBe(false);
    isPermitted = false;
    await service.clock.advance('30s');
    await turns();
    expect(stream.isDone?.()).toBe(true);
    await service.engine.close();
  });

  it('are no stream for HEAD', async () => {
    const { handler, engine } = aService();
    for (let i = 0; i < 20; i++) {
      const head = await handler(new Request(`${BASE}/v1/events`, { method: 'HEAD', headers: { 'x-user': MAYA } }));
      expect([head.status, head.body]).toEqual([200, null]);
    }
    await engine.close();
  });

  it('end with the engine', async () => {
    const { handler, engine } = aService();
    const open = await handler(new Request(`${BASE}/v1/events`, { headers: { 'x-user': SEC } }));
    await engine.close();
    expect(await open.text()).toMatch(/^event: ready/);
  });

  it('fail for a client that reads too slowly, which then resumes', async () => {
    let closed = 0;
    const stream = new EventStream(() => closed++);
    let sent = 0;
    for (let seq = 1; seq <= 100_000 && !stream.isClosed; seq++) stream.signal('ready', (sent = seq));
    stream.signal('reset', 1);
    stream.close();
    expect(closed).toBe(1);
    expect(sent * 'event: ready\nid: 10000\ndata: {}\n\n'.length).toBeGreaterThan(500_000);
    await expect(new Response(stream.body).text()).rejects.toThrow('the client reads too slowly');
  });

  it('L42 [WF25] keep no socket of a client that reads nothing', async () => {
    const stream = new EventStream(() => undefined);
    const handler = Object.assign(() => Promise.resolve(new Response(stream.body)), { basePath: '' });
    const written: Uint8Array[] = [];
    let closed = (): void => undefined;
    const response = {
      statusCode: 0,
      destroyed: false,
      setHeader: () => undefined,
      once: (event: string, listener: () => void) => void (event === 'close' && (closed = listener)),
      end: () => undefined,
      destroy: () => ((response.destroyed = true), closed()),
      // The client reads nothing: what is written stays, and no `drain` follows.
      write: (chunk: Uint8Array) => written.push(chunk) < 0,
    };
    toNodeHandler(handler)(aNodeRequest('/v1/events'), response);
    stream.signal('ready', 1);
    await turns();
    for (let seq = 2; !stream.isClosed; seq++) stream.signal('ready', seq);
    await turns();
    expect([written.length, response.destroyed]).toEqual([1, true]);
  });

  it('ask once in 30 seconds what a caller sees', async () => {
    const service = aService();
    const { requestId } = await withExamples(service);
    const { texts } = await listen(service, SAM);
    for (let i = 0; i < 5; i++) await service.engine.comment(requestId, { by: MAYA, text: `comment ${i}` });
    expect(typesOf(await texts())).toEqual(['ready', ...Array.from({ length: 5 }, () => 'request.commented')]);
    await service.engine.close();
  });
});

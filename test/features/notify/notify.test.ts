import { describe, expect, it, vi } from 'vitest';
import { notify, type Notice, type NotifyOptions } from '../../../src/features/notify/notify.js';
import { definePolicy } from '../../../src/policy.js';
import { START_AT } from '../../../src/testing.js';
import { aGranted, anEngine, aPending, ask, at, grantsOf, LEE, MAYA, SAM, SCOPE } from '../../engine/an-engine.js';
import { journalOf } from '../../journal/sample.js';

const NOBODY = { request: () => Promise.resolve(undefined) };

/** A chat, and the sink that posts to it. A test can make it fail. */
function aChat(options: Partial<NotifyOptions> = {}) {
  const notices: Notice[] = [];
  const chat = {
    notices,
    down: false,
    get kinds() {
      return notices.map(({ kind }) => kind);
    },
    get headlines() {
      return notices.map(({ text }) => text.split('\n')[0]);
    },
    sink: notify({
      name: 'chat',
      send: async (notice) => {
        await Promise.resolve();
        if (chat.down) throw new Error('chat is down');
        notices.push(notice);
      },
      ...options,
    }),
  };
  return chat;
}

const policy = definePolicy({
  groups: { 'on-call': [MAYA], platform: [SAM, 'user:ana'], leads: ['user:kim'], security: [LEE] },
  rules: [
    {
      id: 'prod',
      scopes: ['db-prod:*'],
      subjects: [{ group: 'on-call' }],
      review: { groups: { platform: 1 }, escalate: { to: 'leads', after: '10m' } },
      warnBefore: '5m',
    },
    { id: 'staging', scopes: ['staging:*'], approve: true },
  ],
  breakGlass: [
    {
      id: 'emergency',
      scopes: ['db-prod:*'],
      subjects: [{ group: 'on-call' }],
      maxTtl: '30m',
      reviewers: ['security'],
      reviewWithin: '24h',
    },
  ],
});

describe('notify()', () => {
  it('sends notices of a request from its creation to its end', async () => {
    const chat = aChat();
    const { engine, clock } = anEngine({ approver: policy, audit: chat.sink });
    const asked = await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '15m', justification: 'orders\n# are lost' });
    await engine.flushAudit();
    expect(chat.notices[0]).toMatchObject({
      kind: 'review_requested',
      groups: ['platform'],
      people: [MAYA],
      request: { id: asked.request.id },
    });
    expect(chat.notices[0]?.text).toContain('\njustification: orders # are lost\n');
    await clock.advance('10m');
    await engine.sweep();
    await engine.approve(asked.request.id, { by: SAM, reason: 'go' });
    await clock.advance('10m');
    await engine.sweep();
    await clock.advance('5m');
    await engine.sweep();
    await engine.flushAudit();
    expect(chat.headlines).toEqual([
      'user:maya asks for db-prod:write, for 15m',
      "user:maya's request for db-prod:write still waits for review: leads may now stand in",
      "user:maya's request for db-prod:write was approved (final approval: user:sam)",
      "user:maya's access to db-prod:write ends within 5m, at 2026-01-01 00:25 UTC",
      "user:maya's access to db-prod:write has ended: it expired",
    ]);
    expect(chat.notices[2]?.text).toContain('\naccess: until 2026-01-01 00:25 UTC\n');
    expect(chat.notices[3]?.grant).toMatchObject({ id: `${asked.request.id}.1`, scope: SCOPE });
    expect(new Set(chat.notices.map(({ id }) => id)).size).toBe(5);
  });

  it('sends break-glass notices, and a notice of an overdue review', async () => {
    const chat = aChat();
    const { engine, clock } = anEngine({ approver: policy, audit: chat.sink });
    await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: '30m', justification: 'orders are lost' });
    await clock.advance('24h');
    await engine.sweep();
    await engine.flushAudit();
    expect([...chat.kinds].sort()).toEqual(['break_glass_overdue', 'break_glass_used', 'ended']);
    const [broken] = chat.notices;
    expect(broken).toMatchObject({ kind: 'break_glass_used', people: [MAYA, SAM, 'user:ana'], groups: ['security', 'platform'] });
    expect(broken?.text).toContain('\naccess: until 2026-01-01 00:30 UTC\n');
    expect(chat.notices.find(({ kind }) => kind === 'break_glass_overdue')).toMatchObject({ groups: ['security'] });
  });

  it('L28 sends a failed notice again with the same id, then the later notices, each once', async () => {
    const chat = aChat();
    const { engine, told } = anEngine({ audit: chat.sink });
    const first = await aPending(engine, { scopes: ['db:1'] });
    await engine.flushAudit();
    chat.down = true;
    await engine.cancel(first.id, { by: MAYA });
    await aPending(engine, { scopes: ['db:2'] });
    await engine.flushAudit();
    expect(chat.kinds).toEqual(['review_requested']);
    expect(told.map(({ during }) => during)).toContain('sink chat');
    chat.down = false;
    await engine.flushAudit();
    expect(chat.kinds).toEqual(['review_requested', 'decided', 'review_requested']);
  });

  it('L28 resends no notice of a page that failed in the middle', async () => {
    const sent: string[] = [];
    const tried: string[] = [];
    const { sink } = aChat({
      send: ({ id, kind }) => {
        tried.push(id);
        if (kind === 'decided' && tried.filter((other) => other === id).length === 1) throw new Error('chat is down');
        sent.push(id);
      },
    });
    const silent = anEngine({ approver: policy });
    const asked = await silent.engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '15m' });
    await silent.engine.approve(asked.request.id, { by: SAM });
    const { engine } = anEngine({ approver: policy, audit: sink, store: silent.store });
    await engine.flushAudit();
    expect(sent).toHaveLength(1);
    await engine.flushAudit();
    expect(sent).toHaveLength(2);
    expect(tried).toEqual([sent[0], sent[1], sent[1]]);
  });

  it("L28 loses nothing when the process dies between the send and the cursor's move: another process sends the notice again, with the same id", async () => {
    const chat = aChat();
    const sent: string[] = [];
    // The send never resolves, as when the process is killed there.
    const { sink: dying } = aChat({ send: ({ id }) => new Promise<void>(() => sent.push(id)) });
    const first = anEngine({ audit: dying });
    await aPending(first.engine);
    void first.engine.flushAudit();
    await vi.waitFor(() => expect(sent).toHaveLength(1), 120_000);
    const second = anEngine({ audit: chat.sink, clock: first.clock, store: first.store });
    await second.engine.flushAudit();
    expect(chat.notices).toEqual([]);
    await first.clock.advance('30s');
    await second.engine.flushAudit();
    expect(chat.notices.map(({ id }) => id)).toEqual(sent);
  });

  it('sends one notice at a time, in order', async () => {
    let running = 0;
    const order: number[] = [];
    const { sink } = aChat({
      send: async ({ entry }) => {
        expect(++running).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(entry.seq);
        running--;
      },
    });
    const { engine } = anEngine({ audit: sink });
    await Promise.all(['db:1', 'db:2', 'db:3'].map((scope) => ask(engine, { scopes: [scope] })));
    await engine.flushAudit();
    expect(order).toHaveLength(3);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('sends a notice about a purged request, with the fields of its entry', async () => {
    const chat = aChat();
    const entries = journalOf(1).map((entry) => ({ ...entry, type: 'grant.expired' as const }));
    await chat.sink.write(entries, NOBODY);
    expect(chat.headlines).toEqual(["user:maya's access to db-prod:write has ended"]);
    expect(chat.notices[0]).toMatchObject({ request: undefined, grant: undefined, people: [MAYA] });
  });

  it('L28 waits for the store where the records of an entry cannot be read', async () => {
    const chat = aChat();
    const entries = journalOf(1).map((entry) => ({ ...entry, type: 'grant.expired' as const }));
    const down = { request: () => Promise.reject(new Error('the store is down')) };
    await expect(chat.sink.write(entries, down)).rejects.toThrow('the store is down');
    expect(chat.notices).toEqual([]);
    await chat.sink.write(entries, NOBODY);
    expect(chat.notices).toHaveLength(1);
  });

  it('reads no records for entries that make no notice', async () => {
    const chat = aChat();
    await chat.sink.write(journalOf(3), { request: () => Promise.reject(new Error('review_requested')) });
    expect(chat.notices).toEqual([]);
  });

  it.each([
    [Date.UTC(2026, 10, 30, 17, 35, 59, 999), '2026-11-30 17:35 UTC'],
    [Date.UTC(12026, 0, 1), '+012026-01-01 00:00 UTC'],
  ])('[NC18] shows an instant in UTC to the minute, rounded down, in any year: %i', async (expiresAt, text) => {
    const chat = aChat();
    const [entry] = journalOf(1).map((each) => ({ ...each, type: 'grant.warned' as const, data: { expiresAt } }));
    if (entry !== undefined) await chat.sink.write([entry], NOBODY);
    expect(chat.headlines[0]).toContain(` ends at ${text}`);
  });

  it('formats instants with the option format, and an invalid instant as unknown', async () => {
    const chat = aChat({ formatTime: (ms) => `T+${(ms - START_AT) / 60_000} <b>min</b>` });
    const { engine } = anEngine({ audit: chat.sink });
    await aPending(engine);
    await engine.flushAudit();
    expect(chat.notices[0]?.markdown).toContain('\n- decide before: T+1440 <b>min</b>\n');
    const entries = journalOf(1).map((entry) => ({ ...entry, type: 'grant.warned' as const }));
    await chat.sink.write(entries, NOBODY);
    expect(chat.headlines[1]).toBe("user:maya's access to db-prod:write ends at an unknown time");
  });

  it('sends a notice of a revoke that names who revoked', async () => {
    const chat = aChat();
    const { engine } = anEngine({ audit: chat.sink });
    const grant = await aGranted(engine);
    await engine.revoke(grant.id, { by: 'user:kim', reason: 'incident over' });
    await engine.flushAudit();
    expect(chat.notices.at(-1)).toMatchObject({ kind: 'ended', at: at(0) });
    expect(chat.notices.at(-1)?.text).toContain('it was revoked by user:kim\n');
    expect(chat.notices.at(-1)?.text).toContain('\nreason: incident over\n');
  });

  describe('of a bundle of 50', () => {
    const SCOPES = Array.from({ length: 50 }, (_, i) => `db:${i + 1}`);
    const ALL = "user:maya's access to db:* and 45 more";

    /** An engine with a bundle for 15 minutes, and the chat, which has got what came before. */
    async function aBundle() {
      const chat = aChat();
      const made = anEngine({ audit: chat.sink, warnBefore: '5m', limits: { maxGrants: 200 } });
      const grants = await grantsOf(made.engine, { scopes: SCOPES });
      const tell = async () => {
        await made.engine.flushAudit();
        return chat.notices.splice(0).map(({ text }) => (text.split('\n')[0] as string).replace(/(db:\d+, ){4}db:\d+/, 'db:*'));
      };
      await tell();
      return { ...made, chat, grants, tell, requestId: grants[0]?.requestId as string };
    }

    it('[FE9] sends one notice of what one change records: warnings, expiries, a release', async () => {
      const { engine, clock, chat, tell } = await aBundle();
      await clock.advance('10m');
      await engine.sweep();
      expect(await tell()).toEqual([`${ALL} ends within 5m, at 2026-01-01 00:15 UTC`]);
      await clock.advance('5m');
      await engine.sweep();
      chat.down = true;
      expect(await tell()).toEqual([]);
      chat.down = false;
      expect(await tell()).toEqual([`${ALL} has ended: it expired`]);
      const [next] = await grantsOf(engine, { scopes: SCOPES });
      await tell();
      await engine.release({ requestId: next?.requestId as string }, { by: MAYA });
      expect(await tell()).toEqual([`${ALL} has ended: it was released by user:maya`]);
    });

    it('[FE9] sends a notice of each grant that a lock or revokeAll ends, because each has a change of its own', async () => {
      const locked = await aBundle();
      await locked.engine.lock({ subject: MAYA }, { by: SAM });
      expect(await locked.tell()).toHaveLength(50);
      const revoked = await aBundle();
      await revoked.engine.revokeAll({ requestId: revoked.requestId }, { by: SAM });
      expect(await revoked.tell()).toHaveLength(50);
    });

    it('[FE9] sends one notice of the extended grants, one of those whose access ends, and one for each request', async () => {
      const { engine, clock, grants, tell } = await aBundle();
      await grantsOf(engine, { scopes: ['other:1', 'other:2'] });
      for (const { id } of grants.slice(0, 2)) {
        const { request } = await engine.extend(id, { requestedBy: MAYA, ttl: '1h' });
        await engine.approve(request.id, { by: SAM });
      }
      await tell();
      await clock.advance('15m');
      await engine.sweep();
      expect((await tell()).sort()).toEqual([
        "user:maya's access to db:* and 43 more has ended: it expired",
        "user:maya's access to db:1, db:2 was extended: an earlier grant has expired",
        "user:maya's access to other:1, other:2 has ended: it expired",
      ]);
    });
  });

  describe('options', () => {
    it('make a shared follower by default, a local one on request, and are copied', () => {
      expect(aChat().sink).toMatchObject({ name: 'chat', follow: 'shared' });
      expect(aChat({ follow: 'local' }).sink.follow).toBe('local');
      expect(aChat({ follow: undefined, formatTime: undefined }).sink.follow).toBe('shared');
      expect(Object.isFrozen(aChat().sink)).toBe(true);
    });

    it.each<[string, object, string]>([
      ['no name', { name: undefined }, 'name'],
      ['a name with a space at its end', { name: 'chat ' }, 'name'],
      ['no send', { send: undefined }, 'send'],
      ['a send that is no function', { send: { call: 1 } }, 'send'],
      ['another way to follow', { follow: 'global' }, 'follow'],
      ['null as the way to follow', { follow: null }, 'follow'],
      ['a format that is no function', { formatTime: 'iso' }, 'formatTime'],
      ['an unknown option', { formatTimes: () => '' }, 'options'],
    ])('are refused with %s', (_, over, argument) => {
      expect(() => aChat(over)).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument }) as Error);
    });

    it('are refused when they are not an object', () => {
      for (const options of [undefined, null, 'chat', []]) {
        expect(() => notify(options as never)).toThrow(expect.objectContaining({ argument: 'options' }) as Error);
      }
    });
  });
});

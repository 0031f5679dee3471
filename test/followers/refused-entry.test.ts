import { describe, expect, it } from 'vitest';
import { callbackSink, type AuditEntry, type AuditSink, type JitEngine } from '../../src/index.js';
import { notify, type Notice } from '../../src/notify.js';
import { verifyWebhook, webhookSink, type WebhookCall, type WebhookSinkOptions } from '../../src/webhook.js';
import { ManualClock, ScriptedApprover } from '../../src/testing.js';
import { anEngine, ask, entriesOf, MAYA, SCOPE } from '../engine/an-engine.js';
import { newSecret } from '../features/webhook/receiver.js';

const BAD = '<script>alert(1)</script>';
const SECRETS = [newSecret()];

async function turns(n = 30): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** One pass of a sweep, half a minute after the last one. */
async function pass(engine: JitEngine, clock: ManualClock, ms = 30_000): Promise<void> {
  await clock.advance(ms);
  await engine.sweep();
  await turns();
}

/** A receiver that answers with the result of `answer`, and the bodies that it accepted. */
function aReceiver(answer: (body: string) => number) {
  const posted: WebhookCall[] = [];
  const taken: { readonly type: string; readonly data: Record<string, unknown> }[] = [];
  const fetch = async (_url: string, init: WebhookCall) => {
    posted.push(init);
    const status = answer(init.body);
    if (status === 204) taken.push(JSON.parse(init.body) as (typeof taken)[number]);
    return { status, headers: new Headers() };
  };
  return { fetch, posted, taken };
}

/** A receiver with a firewall that refuses texts that look like an attack. */
const firewalled = () => aReceiver((body) => (body.includes('<script>') ? 403 : 204));

const approver = () =>
  new ScriptedApprover({
    decide: { outcome: 'approve' },
    breakGlass: { outcome: 'approve', reviewWithinMs: 3_600_000, reviewers: ['security'] },
  });

function world(sink: (clock: ManualClock) => AuditSink) {
  const clock = new ManualClock();
  return anEngine({ clock, audit: sink(clock), approver: approver() });
}

const siem = (receiver: ReturnType<typeof aReceiver>, clock: ManualClock, over: Partial<WebhookSinkOptions> = {}) =>
  webhookSink({ name: 'siem', url: 'https://siem.example/', secrets: SECRETS, fetch: receiver.fetch, clock, ...over });

const seqs = (taken: readonly { readonly data: Record<string, unknown> }[]) => taken.map(({ data }) => data['seq']);

describe('webhookSink()', () => {
  it('delivers the entries after one that its receiver refuses, and that entry without its texts after five refusals (L28, L37) [H6]', async () => {
    const receiver = firewalled();
    const { engine, clock, store, told } = world((time) => siem(receiver, time));
    await ask(engine, { justification: BAD });
    await engine.breakGlass({ subject: 'user:eve', scope: SCOPE, ttl: '5m', justification: 'prod is down' });
    await turns();
    for (let i = 0; i < 8; i++) await pass(engine, clock);
    const entries = await entriesOf(store);
    // Everything, once, in order.
    expect(seqs(receiver.taken)).toEqual(entries.map(({ seq }) => seq));
    const created = entries[0] as AuditEntry;
    const { type, namespace, id, seq, at, digest, hash } = created;
    expect(receiver.taken[0]).toEqual({
      type,
      timestamp: new Date(at).toISOString(),
      data: { withheld: true, namespace, id, seq, at, digest, hash },
    });
    expect(receiver.posted.filter(({ body }) => body.includes('<script>'))).toHaveLength(5);
    // By name, so that an operator can look up what the receiver's copy lacks.
    expect(told.map(({ error }) => String(error)).filter((text) => text.includes(id) && text.includes('without its texts'))).toHaveLength(
      1,
    );
    expect(await engine.flushAudit()).toMatchObject({ caughtUp: true });
  });

  it('reports in flushAudit the entry that its receiver refuses, and how often [H6]', async () => {
    const receiver = firewalled();
    const { engine, clock, store } = world((time) => siem(receiver, time));
    await ask(engine, { justification: BAD });
    await turns();
    await pass(engine, clock);
    const [created] = await entriesOf(store);
    const { followers } = await engine.flushAudit();
    expect(followers).toMatchObject([{ seq: 0, refused: { id: created?.id, seq: 1, type: 'request.created', count: 3 } }]);
  });

  for (const status of [401, 404, 405, 407, 408, 410, 429, 500, 503]) {
    it(`does not treat ${status} as the refusal of an entry: no text is withheld, no entry is skipped (L28)`, async () => {
      let answer = status;
      const receiver = aReceiver(() => answer);
      const { engine, clock, store } = world((time) => siem(receiver, time));
      await ask(engine, { justification: 'a text' });
      await turns();
      for (let i = 0; i < 20; i++) await pass(engine, clock, 3_600_000);
      expect(receiver.posted.every(({ body }) => !body.includes('withheld'))).toBe(true);
      answer = 204;
      await pass(engine, clock, 3_600_001);
      expect(seqs(receiver.taken)).toEqual((await entriesOf(store)).map(({ seq }) => seq));
      expect(JSON.stringify(receiver.taken)).not.toContain('withheld');
    });
  }

  it('stays at an entry whose withheld form is refused too, waits longer each time, and sends it when the receiver accepts it (L28, L37)', async () => {
    let answer = 403;
    const receiver = aReceiver(() => answer);
    const { engine, clock, store, told } = world((time) => siem(receiver, time));
    await ask(engine, { justification: 'a text' });
    await turns();
    const posts: number[] = [];
    for (let hour = 0; hour < 6; hour++) {
      const before = receiver.posted.length;
      for (let i = 0; i < 120; i++) await pass(engine, clock);
      posts.push(receiver.posted.length - before);
    }
    // There would be 240 in six hours with one at each pass.
    expect(posts[0]).toBeLessThan(20);
    expect(posts.slice(1).every((count) => count <= 3)).toBe(true);
    expect(receiver.taken).toEqual([]);
    expect(told.map(({ error }) => String(error)).some((text) => text.includes('is failing') && text.includes('request.created'))).toBe(
      true,
    );
    answer = 204;
    await pass(engine, clock, 3_600_001);
    expect(seqs(receiver.taken)).toEqual((await entriesOf(store)).map(({ seq }) => seq));
    expect(JSON.stringify(receiver.taken)).not.toContain('withheld');
  });

  it('does not wait longer after a call of flushAudit', async () => {
    let answer = 403;
    const receiver = aReceiver(() => answer);
    const { engine, clock } = world((time) => siem(receiver, time));
    await ask(engine);
    await turns();
    for (let i = 0; i < 9; i++) await pass(engine, clock);
    answer = 204;
    expect(await engine.flushAudit()).toMatchObject({ caughtUp: true });
  });

  it('counts refusals across restarts and processes [H6]', async () => {
    const receiver = firewalled();
    const clock = new ManualClock();
    const { engine, store } = anEngine({ clock, audit: siem(receiver, clock), approver: approver() });
    await ask(engine, { justification: BAD });
    await turns();
    for (let i = 0; i < 6; i++) {
      // Each refusal in a new process, which has seen none of the earlier ones.
      const other = anEngine({ clock, store, audit: siem(receiver, clock), approver: approver() });
      await pass(other.engine, clock, 60_000);
    }
    expect(receiver.posted.filter(({ body }) => body.includes('<script>'))).toHaveLength(5);
    expect(seqs(receiver.taken)).toEqual((await entriesOf(store)).map(({ seq }) => seq));
  });

  it('is delayed no longer by many refused entries than by one (L37) [H6]', async () => {
    const receiver = firewalled();
    const { engine, clock, store } = world((time) => siem(receiver, time));
    for (let i = 0; i < 20; i++) await ask(engine, { scope: `a:${i}`, justification: BAD });
    await engine.breakGlass({ subject: 'user:eve', scope: SCOPE, ttl: '5m', justification: 'prod is down' });
    await turns();
    for (let i = 0; i < 5; i++) {
      await pass(engine, clock);
      await turns(2_000);
    }
    const entries = await entriesOf(store);
    expect(seqs(receiver.taken)).toEqual(entries.map(({ seq }) => seq));
    // Each has its five refusals before its texts are omitted.
    expect(receiver.posted.filter(({ body }) => body.includes('<script>'))).toHaveLength(100);
    expect(receiver.taken.filter(({ data }) => data['withheld'] === true)).toHaveLength(20);
  });

  it("sends no text of a caller where texts is 'digest' [H6]", async () => {
    const receiver = aReceiver(() => 204);
    const clock = new ManualClock();
    const texts = { texts: 'digest' } as Partial<WebhookSinkOptions>;
    const error = await Promise.resolve()
      .then(() => siem(receiver, clock, texts))
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    expect(error).toBeUndefined();
    const { engine } = anEngine({ clock, audit: siem(receiver, clock, texts), approver: approver() });
    await ask(engine, { justification: BAD, ticket: 'OPS-77' });
    await engine.flushAudit();
    expect(receiver.taken.length).toBeGreaterThan(2);
    const sent = JSON.stringify(receiver.posted);
    for (const text of ['script', 'OPS-77', MAYA, SCOPE]) expect(sent).not.toContain(text);
  });

  it('sends a withheld form that verifyWebhook accepts, with withheld: true and the digest', async () => {
    const receiver = aReceiver(() => 204);
    const clock = new ManualClock();
    const { engine, store } = anEngine({ clock, audit: siem(receiver, clock, { texts: 'digest' }) });
    await ask(engine, { justification: BAD });
    await engine.flushAudit();
    const [{ body, headers } = { body: '', headers: {} }] = receiver.posted;
    const { id, payload } = verifyWebhook({ body, headers, secrets: SECRETS, clock });
    const [created] = await entriesOf(store);
    expect(id).toBe(created?.id);
    expect(payload.data.withheld === true && payload.data.digest).toBe(created?.digest);
  });

  it.each(['none', true, null, ''])('refuses texts: %j', (texts) => {
    const given = { name: 'siem', url: 'https://siem.example/', secrets: SECRETS, texts } as unknown as WebhookSinkOptions;
    expect(() => webhookSink(given)).toThrow("texts must be 'all' or 'digest'");
  });
});

describe('a custom sink', () => {
  /** Accepts or refuses a page as a whole, by an error that names the entry. */
  const batches = (taken: AuditEntry[], follow: 'shared' | 'local' = 'shared') =>
    callbackSink(
      'batches',
      (entries) => {
        const bad = entries.find((entry) => JSON.stringify(entry).includes('<script>'));
        if (bad !== undefined) throw Object.assign(new Error('unprocessable'), { refusedEntry: bad.id });
        taken.push(...entries);
      },
      { follow },
    );

  for (const follow of ['shared', 'local'] as const) {
    it(`receives every entry, and two that it refuses without their texts, where it follows ${follow} (L37) [H6]`, async () => {
      const taken: AuditEntry[] = [];
      const { engine, clock, store } = world(() => batches(taken, follow));
      await ask(engine, { scope: 'a' });
      await ask(engine, { scope: 'b', justification: BAD });
      await ask(engine, { scope: 'c' });
      await ask(engine, { scope: 'd', justification: BAD });
      await ask(engine, { scope: 'e' });
      await turns();
      for (let i = 0; i < 16; i++) await pass(engine, clock);
      const entries = await entriesOf(store);
      expect(taken.map(({ seq }) => seq)).toEqual(entries.map(({ seq }) => seq));
      const withheld = taken.filter(({ data }) => data['withheld'] === true);
      expect(withheld.map(({ type }) => type)).toEqual(['request.created', 'request.created']);
      for (const entry of withheld) {
        const { v, namespace, id, type, at, requestId, digest, seq, prevHash, hash } = entries[entry.seq - 1] as AuditEntry;
        const rest = { v, namespace, id, type, at, requestId, digest, seq, prevHash, hash };
        expect(entry).toEqual({ ...rest, grantId: undefined, actor: 'system:withheld', data: { withheld: true } });
      }
    });
  }

  it.each([
    ['names an entry that is not in the page', { refusedEntry: 'c99.1' }],
    ['names no entry', {}],
    ['has an empty id', { refusedEntry: 1 }],
  ])('receives the whole page again when its error %s (L28)', async (_, fields) => {
    const written: AuditEntry[] = [];
    const { engine, clock } = world(() =>
      callbackSink('failing', (entries) => {
        written.push(...entries);
        throw Object.assign(new Error('down'), fields);
      }),
    );
    await ask(engine);
    await turns();
    for (let i = 0; i < 12; i++) await pass(engine, clock);
    expect(written.length).toBeGreaterThan(12);
    expect(written.every(({ data }) => data['withheld'] === undefined)).toBe(true);
  });
});

describe('notify()', () => {
  it('sends the notices after one that its destination refuses, and that notice without its texts (L37) [H6]', async () => {
    const sent: Notice[] = [];
    const send = (notice: Notice) => {
      if (JSON.stringify([notice.text, notice.people, notice.request]).includes('<script>')) {
        throw Object.assign(new Error('invalid_blocks'), { refusedEntry: notice.id });
      }
      sent.push(notice);
    };
    const { engine, clock } = world(() => notify({ name: 'chat', send }));
    const taken = await engine.breakGlass({ subject: 'user:eve', scope: SCOPE, ttl: '5m', justification: BAD });
    await ask(engine, { scope: 'other' });
    await turns();
    for (let i = 0; i < 8; i++) await pass(engine, clock, 1_000);
    expect(sent.map(({ kind }) => kind)).toEqual(['break_glass_used', 'decided']);
    expect(sent[0]).toMatchObject({ people: [], groups: ['security'], request: undefined, grant: undefined });
    expect(sent[0]?.text).toBe('request.approved (entry 2): the destination refused the text of this notice, so it is omitted');
    expect(sent[0]?.entry.requestId).toBe(taken.request.id);
  });
});

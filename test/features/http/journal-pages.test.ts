import { purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import type { JournalPage } from '../../../src/client.js';
import { MemoryGrantStore } from '../../../src/index.js';
import { verifyJournal } from '../../../src/journal.js';
import type { JournalQuery } from '../../../src/store.js';
import { aClient } from '../client/client-world.js';
import { entriesOf } from '../../engine/an-engine.js';
import { aService, EVE, MAYA, SAM, SEC, withExamples } from './world.js';

const DAY = 86_400_000;
/** Any caller may do everything. */
const open = { http: { may: () => true } };

describe('GET /journal', () => {
  it('returns the entries as they are in the store, page by page, with the head', async () => {
    const service = aService(open);
    const { requestId } = await withExamples(service);
    await service.engine.deny(requestId, { by: SAM, comment: 'for the other reviewers' });
    const entries = await entriesOf(service.store);
    // Also for the subject of these requests: an entry without the comment of a review would not verify.
    const { client } = aClient(service, MAYA);
    const read = [];
    for await (const entry of client.journal({ limit: 3 })) read.push(entry);
    expect(read).toEqual(JSON.parse(JSON.stringify(entries)));
    expect(await verifyJournal(read, { namespace: service.store.namespace })).toMatchObject({ ok: true, count: entries.length });
    const { items, next, head } = await client.journal({ after: entries.length - 2 });
    expect([items.map(({ seq }) => seq), next, head]).toEqual([
      [entries.length - 1, entries.length],
      undefined,
      { seq: entries.length, hash: entries.at(-1)?.hash },
    ]);
    expect(await client.journal({ after: 999_999 })).toEqual({ items: [], head });
  });

  it('is bounded, and refuses what is no number of an entry', async () => {
    const { send } = aService();
    for (const query of [
      'limit=1001',
      'limit=0',
      'limit=x',
      'after=-1',
      'after=1.5',
      'after=1e3',
      'after=0x10',
      'after=',
      `after=${'9'.repeat(16)}`,
    ])
      expect([query, (await send('GET', `/journal?${query}`, { as: SEC })).status]).toEqual([query, 400]);
    expect((await send('GET', '/journal', { as: SEC })).body.items).toEqual([]);
  });

  it('L42 ends a page at 1 MiB, so that large entries make no large answer, and has at least one', async () => {
    const sizes = [600_000, 400_000, 300_000, 3_000_000, 10];
    class Large extends MemoryGrantStore {
      override async journal(query: JournalQuery) {
        const slice = await super.journal(query);
        return { ...slice, entries: slice.entries.map((entry) => ({ ...entry, data: { text: 'x'.repeat(sizes[entry.seq - 1] ?? 1) } })) };
      }
    }
    const service = aService({ engine: { store: new Large() } });
    await withExamples(service);
    const { client } = aClient(service, SEC);
    const pages: (readonly number[])[] = [];
    for (let after: string | undefined = '0'; after !== undefined;) {
      const page: JournalPage = await client.journal({ after, limit: 1_000 });
      pages.push(page.items.map(({ seq }) => seq));
      after = page.next;
    }
    expect(pages.slice(0, 3)).toEqual([[1, 2], [3], [4]]);
    expect(pages.flat()).toEqual((await entriesOf(service.store)).map(({ seq }) => seq));
  });

  it('answers 410 to a caller whose next entries a purge has removed, and begins at the oldest one otherwise', async () => {
    const service = aService();
    await service.engine.requestAccess({ subject: MAYA, scope: 'logs:read', ttl: '1h' });
    await service.clock.advance('400d');
    await service.engine.sweep();
    await purge(service.engine, { before: service.clock.now() - 2 * DAY, by: SEC, force: true });
    const cut = (await service.store.journal({ after: 0, limit: 1 })).start.seq;
    expect(cut).toBeGreaterThan(2);
    expect((await service.send('GET', `/journal?after=${cut - 1}`, { as: SEC })).status).toBe(410);
    const { body } = await service.send('GET', '/journal', { as: SEC });
    expect(body.items?.[0]?.seq).toBe(cut + 1);
    expect((await service.send('GET', `/journal?after=${cut}`, { as: SEC })).body.items?.[0]?.seq).toBe(cut + 1);
  });

  it('gives a caller without the right the same refusal for every query', async () => {
    const service = aService();
    await withExamples(service);
    const answers = await Promise.all(
      ['', '?after=1', '?after=999999', '?limit=1'].map((query) => service.send('GET', `/journal${query}`, { as: EVE })),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(403);
  });
});

describe('GET /stats', () => {
  it('counts what waits, under one tag at another reading of the clock', async () => {
    const service = aService();
    await withExamples(service);
    const { status, body, headers } = await service.send('GET', '/stats', { as: SEC });
    expect(status).toBe(200);
    expect(body).toMatchObject({ pendingRequests: { value: 2, atLeast: false }, breakGlassReviews: { value: 1 }, openLocks: 1 });
    expect(await aClient(service, SEC).client.stats()).toEqual(body);
    await service.clock.advance(1);
    const again = await service.send('GET', '/stats', { as: SEC, headers: { 'if-none-match': headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
  });
});

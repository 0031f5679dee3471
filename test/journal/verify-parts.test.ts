import { purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import type { GrantStore } from '../../src/index.js';
import { placeOf, readPlace, type Row } from '../../src/store.js';
import { verifyStore } from '../../src/journal.js';
import { differenceOf, unlike } from '../../src/journal/verify-store/difference.js';
import { Listing } from '../../src/journal/verify-store/listing.js';
import { anEngine, aPending, SAM } from '../engine/an-engine.js';
import { belongsInLive, isInLive, placesOf, readLive, rowIn, type LiveRows } from '../../src/journal/verify-store/live-rows.js';

const row = (over: object): Row =>
  ({ kind: 'grant', id: 'g', version: 1, open: true, createdAt: 5, subject: 's', scope: 'a', until: 5, body: {}, ...over }) as Row;

/** The position of an id's row in the list. */
const at = (id: string) => ({ at: 5, id });

describe('the parts of verifyStore()', () => {
  it('L26 a row belongs in live if it is an open grant or usage with a subject and an end', () => {
    expect(belongsInLive(row({}))).toBe(true);
    expect(belongsInLive(row({ kind: 'usage' }))).toBe(true);
    const others = [
      undefined,
      7 as never,
      row({ kind: 'request' }),
      row({ open: false }),
      row({ subject: undefined }),
      row({ until: undefined }),
    ];
    expect(others.map((other) => belongsInLive(other))).toEqual(others.map(() => false));
  });

  it('L26 live may return grants, usages and the row of locks, and no other kind', () => {
    expect(['grant', 'usage', 'lock', 'request', 'subject', undefined].map(isInLive)).toEqual([true, true, true, false, false, false]);
  });

  it('L26 a row is looked up with its scope and without it, if it has them', () => {
    expect(placesOf(row({}))).toEqual([
      { subject: 's', scope: undefined },
      { subject: 's', scope: 'a' },
    ]);
    expect(placesOf(row({ scope: undefined }))).toEqual([{ subject: 's', scope: undefined }]);
    expect(placesOf(row({ subject: 7 }))).toEqual([]);
  });

  it('L26 each place of live is read once in a round', async () => {
    let asked = 0;
    const store: Pick<GrantStore, 'live'> = { live: () => ((asked += 1), [row({})]) };
    const read: LiveRows = new Map();
    for (let round = 0; round < 2; round++) await readLive(store, placesOf(row({})), read);
    expect(asked).toBe(2);
    expect([...read.values()].map((answer) => rowIn(answer, 'grant', 'g')?.id)).toEqual(['g', 'g']);
    expect(rowIn(undefined, 'grant', 'g')).toBeUndefined();
    expect(rowIn([7, row({ kind: 'usage' }), row({ id: 'h' })], 'grant', 'g')).toBeUndefined();
  });

  it('L26 an invalid row of get is not compared with its copies', () => {
    expect(unlike('find', row({}), 'no row' as never)).toBeUndefined();
  });

  it('L26 a value that is not JSON is named by its type', () => {
    const expected = { row: row({}), seq: 9, metadataHash: undefined };
    expect(differenceOf(row({ until: { at: 7n } }), expected)).toBe('until is an object (journal: 5); its last entry is 9');
    expect(differenceOf(row({ until: [() => 7] }), expected)).toMatch(/^until is .+ \(journal: 5\)/);
  });

  it('L26 the difference between a copy and the row of get is named', () => {
    const other = row({ version: 2, until: 7 });
    expect(unlike('live', other, row({}))).toBe('live() returns a different row: version is 2 (get(): 1); until is 7 (get(): 5)');
    expect(unlike('find', row({ body: { a: 1 } }), row({}))).toBe('find() returns a different row: body differs from get()');
    expect(unlike('find', row({}), row({}))).toBeUndefined();
    expect(unlike('live', other, undefined)).toBe('live() still returns it at version 2, but must not');
    expect(unlike('find', undefined, other)).toBe('find() does not return it: get() returns version 2');
  });

  it('L26 a listed row is found again on its page or on a later one, but not after its removal', async () => {
    const ids = Array.from({ length: 700 }, (_, i) => `r${String(i).padStart(4, '0')}`);
    const all = new Set(ids);
    const store = {
      find: async ({ after, limit }: { after?: string | undefined; limit: number }) => {
        const items = [...all].sort().filter((id) => after === undefined || id > readPlace(after).id);
        const page = items.slice(0, limit).map((id) => row({ kind: 'request', id }));
        return { items: page, next: items.length > limit ? placeOf(page.at(-1) as Row) : undefined };
      },
    } as unknown as Pick<GrantStore, 'find'>;
    const listing = new Listing(store);
    let listed = 0;
    for await (const page of listing.pages('request')) listed += page.length;
    expect(listed).toBe(700);
    for (const id of ['r0000', 'r0199', 'r0200', 'r0450', 'r0699']) expect((await listing.row('request', at(id), new Map()))?.id).toBe(id);
    // Rows that are inserted at the front move the others to later pages.
    for (let i = 0; i < 250; i++) all.add(`r0200-${i}`);
    expect((await listing.row('request', at('r0399'), new Map()))?.id).toBe('r0399');
    all.delete('r0450');
    expect(await listing.row('request', at('r0450'), new Map())).toBeUndefined();
    expect(await listing.row('request', at('r9999'), new Map())).toBeUndefined();
    expect(await listing.row('grant', at('r9999'), new Map())).toBeUndefined();
  });

  it('L26 a page with an invalid row is skipped', async () => {
    const listing = new Listing({ find: async () => ({ items: [7 as never], next: undefined }) });
    for await (const page of listing.pages('request')) expect(page).toEqual([7]);
    expect(await listing.row('request', at('r1'), new Map())).toBeUndefined();
  });
});

describe('verifyStore() of a subject whose denied request has been purged', () => {
  const HOUR = 3_600_000;

  /** A denied request that a purge has removed with its entries, and a later request of the same subject. */
  async function purged() {
    const { engine, clock, store } = anEngine();
    await engine.deny((await aPending(engine)).id, { by: SAM });
    await clock.advance(HOUR);
    await aPending(engine, { scope: 'other' });
    await clock.advance(HOUR);
    await purge(engine, { before: clock.now() - HOUR / 2, by: SAM, force: true });
    return { store, clock };
  }

  it("L33 accepts the remaining name in the subject's row", async () => {
    const { store } = await purged();
    expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
  });

  it.each([[[7]], [['never:asked', 7]]])('L26 names a row whose list contains an invalid id: %j', async (denied) => {
    const { store } = await purged();
    const bend = (found: Row | undefined): Row | undefined =>
      found?.kind === 'subject' ? { ...found, body: { ...found.body, denied } } : found;
    const bent = Object.assign(Object.create(store) as GrantStore, {
      namespace: store.namespace,
      get: async (keys: never) => (await store.get(keys)).map(bend),
      find: async (query: never) => {
        const page = await store.find(query);
        return { ...page, items: page.items.map(bend) };
      },
      live: (query: never) => store.live(query),
      journal: (query: never) => store.journal(query),
    });
    const verified = await verifyStore(bent);
    expect(verified.ok).toBe(false);
    expect(verified.differences.map(({ kind }) => kind)).toContain('subject');
  });
});

import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, type AuditEntry } from '../../src/index.js';
import { readJournal } from '../../src/journal.js';
import { writeHistory } from '../../src/cli/dev/example/history.js';
import { ENTRY_TYPES } from '../../src/model/entry-types.js';
import { journal as messages } from '../../src/console/app/views/journal.messages.js';
import { dayIn, filtersIn, Finder, folded, peopleOf, TYPES } from '../../src/console/app/views/journal/filters.js';
import { beginSearch, continueSearch, PAGE, readNewest, type Search } from '../../src/console/app/views/journal/use-journal.js';
import { aClient } from '../features/client/client-world.js';
import { aService, MAYA, SEC } from '../features/http/world.js';

describe('the newest entries of the Journal', () => {
  it('are whole where their page is short, because its entries are large', async () => {
    const service = aService();
    for (let i = 0; i < 5; i++) {
      await service.engine.requestAccess({ subject: MAYA, scope: 'logs:read', ttl: '1m' });
      await service.clock.advance('2m');
    }
    const { client } = aClient(service, SEC);
    const { head } = await client.journal({ limit: 1 });
    // Each page has two entries, as if the third one were too large.
    const short: Pick<typeof client, 'journal'> = { journal: (query, options) => client.journal({ ...query, limit: 2 }, options) };
    const { entries, oldest } = await readNewest(short, new AbortController().signal);
    expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: head.seq }, (_, i) => head.seq - i));
    expect([entries.length > 5, oldest]).toEqual([true, 1]);
  });
});

/** An entry with as much as the page reads of it. */
const entry = (seq: number, type: string, more: object = {}) =>
  ({ seq, type, id: `c${String(seq)}.1`, at: UNTIL, actor: 'user:ana', requestId: 'r1', data: {}, ...more }) as unknown as AuditEntry;

const DAY = 86_400_000;
const UNTIL = Date.UTC(2026, 10, 30, 14, 20);
const filters = (query: string) => filtersIn(new URLSearchParams(query));

/** The entries of the month that `dev` shows, the newest first. */
async function aMonth(): Promise<readonly AuditEntry[]> {
  const store = new MemoryGrantStore();
  await writeHistory(store, UNTIL);
  const entries: AuditEntry[] = [];
  for await (const entry of readJournal(store)) entries.unshift(entry);
  return entries;
}

describe('the filters of the Journal', () => {
  it('have each type in one choice, with words', () => {
    const types = Object.values<Readonly<Record<string, readonly string[]>>>(TYPES).flatMap((group) => Object.values(group).flat());
    expect(types.sort()).toEqual(Object.keys(ENTRY_TYPES).sort());
    const keys = Object.entries(TYPES).flatMap(([name, group]) => [
      `journal.group.${name}`,
      ...Object.keys(group).map((one) => `journal.type.${one}`),
    ]);
    expect(keys.filter((key) => !Object.hasOwn(messages, key))).toEqual([]);
  });

  it('read a day of the zone of the viewer, and nothing that is no day', () => {
    expect(dayIn('2026-11-30')).toEqual({
      text: '2026-11-30',
      from: new Date(2026, 10, 30).getTime(),
      to: new Date(2026, 11, 1).getTime(),
    });
    for (const text of [null, '', '2026-02-30', '2026-13-01', '2026-1-1', 'x', '2026-11-30T00:00', '0x10-11-30'])
      expect([text, dayIn(text)]).toEqual([text, undefined]);
    expect(filters('type=__proto__&person=&day=yesterday')).toEqual({ person: undefined, type: undefined, day: undefined });
  });

  it('find what is about a person, also where only an older entry of the request names them', async () => {
    const entries = await aMonth();
    const requests = new Set(
      entries.filter(({ type, data }) => type === 'request.created' && data['subject'] === 'user:maya').map((one) => one.requestId),
    );
    const expected = entries.filter((entry) => peopleOf(entry).people.includes('user:maya') || requests.has(entry.requestId));
    for (const size of [1, 7, 1_000]) {
      const finder = new Finder(filters('person=user:maya'));
      for (let i = 0; i < entries.length; i += size) finder.take(entries.slice(i, i + size));
      expect([size, finder.found.map(({ seq }) => seq)]).toEqual([size, expected.map(({ seq }) => seq)]);
      expect([finder.read, finder.isSettled]).toEqual([entries.length, true]);
    }
    expect(expected.some(({ type, actor }) => type === 'request.approved' && actor !== 'user:maya')).toBe(true);
    expect(expected.length).toBeLessThan(entries.length / 2);
  });

  it('end at the day, and only when nothing waits for an older entry', async () => {
    const entries = await aMonth();
    const day = new Date(UNTIL - 20 * DAY).toISOString().slice(0, 10);
    const query = filters(`person=user:maya&type=granted&day=${day}`);
    const finder = new Finder(query);
    for (const entry of entries) if (!finder.isDone) finder.take([entry]);
    expect(finder.read).toBeLessThan(entries.length);
    expect(finder.read).toBeGreaterThan(1);
    const { from = 0, to = 0 } = query.day ?? {};
    expect(finder.found.length).toBeGreaterThan(0);
    const grants = entries.filter(
      ({ type, at, data }) => type === 'grant.issued' && from <= at && at < to && data['subject'] === 'user:maya',
    );
    expect(finder.found).toEqual(grants);
  });

  it('wait for the ask beyond the day, and take any entry that names whom a request is for', () => {
    const from = filters('day=2026-11-30').day?.from ?? NaN;
    const query = filters('person=user:maya&type=approved&day=2026-11-30');
    const finder = new Finder(query);
    finder.take([entry(9, 'request.approved', { at: from }), entry(8, 'clock.accepted', { at: from - DAY, requestId: undefined })]);
    expect([finder.found, finder.isSettled, finder.isDone]).toEqual([[], false, false]);
    finder.take([entry(7, 'request.created', { at: from - 2 * DAY, data: { subject: 'user:maya' } })]);
    expect([finder.found.map(({ seq }) => seq), finder.isDone]).toEqual([[9], true]);

    // A purge has removed the ask.
    const purged = new Finder(filters('person=user:maya'));
    purged.take([
      entry(9, 'grant.expired', { data: { subject: 'user:maya' } }),
      entry(8, 'request.approved'),
      entry(7, 'request.reviewed'),
    ]);
    expect(purged.found.map(({ seq }) => seq)).toEqual([9, 8, 7]);
    const other = new Finder(filters('person=user:maya'));
    other.take([entry(9, 'request.approved'), entry(8, 'request.created', { data: { subject: 'user:lee' } })]);
    expect([other.found, other.isSettled]).toEqual([[], true]);
  });

  it('read on until a page fits or they are stopped, and continue from there', async () => {
    const entries = [...(await aMonth())].reverse();
    const calls: number[] = [];
    const journal = ({ after = 0, limit = 100 }: { readonly after?: number; readonly limit?: number }) => {
      calls.push(after);
      return Promise.resolve({ items: entries.slice(after, after + limit), head: { seq: entries.length, hash: '' } });
    };
    const client = { journal } as never;
    const asked = entries.filter((one) => one.type === 'request.created' && peopleOf(one).people.includes('user:lee')).reverse();
    expect(asked.length).toBeGreaterThan(PAGE);
    const place = beginSearch(filters('person=user:lee&type=asked'));
    const found: Search[] = [];
    const stop = new AbortController();
    const read = (at = place) => continueSearch(client, at, stop.signal, (search) => found.push(search));
    await read();
    expect(found.at(-1)?.entries.length).toBeGreaterThanOrEqual(PAGE);
    expect(found.map(({ read: count, isWhole }) => [count, isWhole])).toEqual([
      [500, false],
      [entries.length, true],
    ]);
    expect(found.at(-1)?.entries.filter(({ type }) => type === 'request.created')).toEqual(asked);
    // Without a filter, a page is enough.
    const all = beginSearch(filters(''));
    await read(all);
    expect(found.at(-1)).toMatchObject({ read: PAGE, isWhole: false });
    const last = entries.length - PAGE;
    expect(found.at(-1)?.entries.at(-1)?.seq).toBe(last + 1);
    await read(all);
    expect(found.at(-1)?.entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 2 * PAGE }, (_, i) => entries.length - i));
    const before = [found.length, calls.length];
    stop.abort();
    await read(all);
    expect([found.length, calls.length]).toEqual([before[0], (before[1] ?? 0) + 1]);
  });
});

describe('the rows of the Journal', () => {
  it('fold what the approver wrote into the entry of the same change, and lose none', async () => {
    const entries = await aMonth();
    const rows = folded(entries);
    expect(rows.flatMap(({ entry, more }) => [...[...more].reverse(), entry])).toEqual(entries);
    const asked = rows.find(({ entry, more }) => entry.type === 'request.created' && more.length > 1);
    expect(asked?.more.map(({ type }) => type)).toEqual(['request.approved', 'grant.issued']);
    expect(rows.every(({ more }) => more.every(({ actor }) => actor === 'system:approver'))).toBe(true);
    // An answer that came later is a change of its own.
    const later = [entry(2, 'request.assigned', { actor: 'system:approver' }), entry(1, 'request.created')];
    expect(folded(later).map(({ more }) => more)).toEqual([[], []]);
    // The entry that they belong to is not selected, or not read yet.
    const own = entries.filter(({ actor }) => actor === 'system:approver');
    expect(folded(own).map(({ entry }) => entry)).toEqual(own);
  });
});

import type { ContextQuery, GrantStore, RowKey, StoreContext, SubjectOf } from '../../../src/core/store-port.js';
import type { Bend, Broken } from './bent-store.js';
import { broken } from './bent-store.js';

type Context = Required<GrantStore>['context'];

const ONE_INSTANT = 'gives all parts of one instant while commits run';
const SHOWN = 'shows a commit to every context() that begins after it, through every handle';
const EMPTY = { items: [], next: undefined };

/** A `context` that calls the memory store with a changed argument, or changes its answer. */
const context =
  (bend: (ask: Context, query: ContextQuery, inner: GrantStore) => ReturnType<Context>): Bend =>
  (inner) => ({ context: async (query) => bend((inner as Required<GrantStore>).context.bind(inner), query, inner) });

/** A `context` whose answer is changed. */
const answer = (bend: (answer: StoreContext, query: ContextQuery) => Partial<StoreContext>): Bend =>
  context(async (ask, query) => {
    const given = await ask(query);
    return { ...given, ...bend(given, query) };
  });

const isOf = (key: RowKey | SubjectOf): key is SubjectOf => 'subjectOf' in key;

/** Asks for each part apart, in this order: a commit may fall between two of them. */
const inTurn =
  (...parts: readonly ('keys' | 'live' | 'open')[]): Bend =>
  (inner) => ({
    async context(query) {
      const { context: ask } = inner as Required<GrantStore>;
      const given: Partial<Record<(typeof parts)[number], StoreContext>> = {};
      for (const part of parts) given[part] = await ask.call(inner, { keys: query.keys, [part]: query[part] });
      return { rows: given.keys?.rows ?? [], live: given.live?.live ?? [], open: given.open?.open ?? EMPTY };
    },
  });

/** Guarantees 4, 8 and 9 broken for `context`. */
export const CONTEXT: readonly Broken[] = [
  broken('context() reads its rows before its lists', ONE_INSTANT, inTurn('keys', 'live', 'open')),
  broken('context() reads its lists before its rows', ONE_INSTANT, inTurn('open', 'live', 'keys')),
  broken(
    'context() reads the row of the subject after the row that names it',
    ONE_INSTANT,
    context(async (ask, query) => {
      const first = await ask({ ...query, keys: query.keys.filter((key) => !isOf(key)) });
      const { rows } = await ask(query);
      let plain = 0;
      return { ...first, rows: query.keys.map((key, i) => (isOf(key) ? rows[i] : first.rows[plain++])) };
    }),
  ),
  broken('context() answers from the snapshot of the question before', SHOWN, (inner) => {
    const kept = new Map<string, StoreContext>();
    return {
      async context(query) {
        const now = await (inner as Required<GrantStore>).context(query);
        const before = kept.get(JSON.stringify(query)) ?? now;
        kept.set(JSON.stringify(query), now);
        return before;
      },
    };
  }),
  broken('each handle caches context() until its own next commit', SHOWN, (inner) => {
    const kept = new Map<string, Promise<StoreContext>>();
    return {
      context(query) {
        const asked = JSON.stringify(query);
        const known = kept.get(asked) ?? (inner as Required<GrantStore>).context(query);
        kept.set(asked, known);
        return known;
      },
      commit(change) {
        kept.clear();
        return inner.commit(change);
      },
    };
  }),
  broken('each handle caches the row of a subject for context()', SHOWN, (inner) => {
    let subject: StoreContext['rows'][number];
    return {
      async context(query) {
        const given = await (inner as Required<GrantStore>).context(query);
        return { ...given, rows: given.rows.map((row, i) => (isOf(query.keys[i] as RowKey) ? (subject ??= row) : row)) };
      },
    };
  }),
  broken(
    'context() answers each key once',
    'gives what get(), live() and find() give, in one answer',
    context((ask, query) => ask({ ...query, keys: [...new Map(query.keys.map((key) => [JSON.stringify(key), key])).values()] })),
  ),
  broken(
    'context() lists closed rows too',
    'gives what get(), live() and find() give, in one answer',
    context(async (ask, query, inner) => {
      const { open } = query;
      const subject = typeof open?.subject === 'string' ? open.subject : undefined;
      return { ...(await ask(query)), ...(open && subject && { open: await inner.find({ ...open, subject }) }) };
    }),
  ),
  broken(
    'context() gives live rows of the subject of its first key, asked or not',
    'gives nothing in a part that is not asked for',
    context(async (ask, query) => {
      const [first] = query.keys;
      const live = first === undefined || isOf(first) ? query.live : { subject: { subjectOf: first }, at: 0 };
      return ask({ ...query, live: query.live ?? live });
    }),
  ),
  broken(
    'context() omits live rows that start later',
    'gives live rows until their end, those that start later, and the open lock',
    answer(({ live }, query) => ({ live: live.filter(({ from = 0 }) => from <= (query.live?.at ?? 0)) })),
  ),
  broken(
    'context() omits the lock',
    'gives live rows until their end, those that start later, and the open lock',
    answer(({ live }) => ({ live: live.filter(({ kind }) => kind !== 'lock') })),
  ),
  broken(
    'the subject of a row is its id',
    'follows { subjectOf } from a row to the row, the live rows and the open rows of its subject',
    context((ask, query) => {
      const named = (key: RowKey | SubjectOf) => (isOf(key) ? { kind: 'subject', id: key.subjectOf.id } : key);
      return ask({ ...query, keys: query.keys.map(named) });
    }),
  ),
  broken(
    'context() follows { subjectOf } for rows only',
    'follows { subjectOf } from a row to the row, the live rows and the open rows of its subject',
    answer(({ live, open }, query) => ({
      live: typeof query.live?.subject === 'object' ? [] : live,
      open: typeof query.open?.subject === 'object' ? EMPTY : open,
    })),
  ),
  broken(
    'no subject means every subject in context()',
    'gives nothing for the subject of a row that is missing, or has none',
    context(async (ask, query, inner) => {
      const given = await ask(query);
      const isWithout = query.open !== undefined && given.open.items.length === 0 && given.rows[0]?.subject === undefined;
      return isWithout ? { ...given, open: await inner.find({ kind: 'grant', limit: 9 }) } : given;
    }),
  ),
  broken(
    'context() gives the lock for a subject that is missing',
    'gives nothing for the subject of a row that is missing, or has none',
    answer(({ rows, live }, query) => ({
      live:
        typeof query.live?.subject === 'object' && live.length === 0 ? rows.filter((row) => row?.kind === 'lock').map((row) => row!) : live,
    })),
  ),
  broken(
    'context() gives no lists for a subject that has no row',
    'gives undefined for the row of a subject that has none, and still its live and open rows',
    answer(({ rows, live, open }, query) => {
      const has = query.keys.every((key, i) => !isOf(key) || rows[i] !== undefined);
      return has ? { live, open } : { live: [], open: EMPTY };
    }),
  ),
  broken(
    'context() is case-insensitive',
    'distinguishes subjects byte by byte, those that are named and those of a row',
    context((ask, query) => {
      const { live, open } = query;
      const lower = <T extends string | SubjectOf>(subject: T) => (typeof subject === 'string' ? subject.toLowerCase() : subject);
      return ask({
        ...query,
        live: live && { ...live, subject: lower(live.subject) },
        open: open && { ...open, subject: lower(open.subject) },
      });
    }),
  ),
  broken(
    'context() gives one open row too many',
    'gives at most limit open rows, the oldest first, and a next from which find() continues',
    context((ask, query) => ask({ ...query, open: query.open && { ...query.open, limit: query.open.limit + 1 } })),
  ),
  broken(
    'context() gives the newest open rows',
    'gives at most limit open rows, the oldest first, and a next from which find() continues',
    context(async (ask, query, inner) => {
      const { open } = query;
      const given = await ask(query);
      if (typeof open?.subject !== 'string') return given;
      return { ...given, open: await inner.find({ ...open, subject: open.subject, open: true, order: 'newest' }) };
    }),
  ),
  broken(
    'context() gives no next',
    'gives at most limit open rows, the oldest first, and a next from which find() continues',
    answer(({ open }) => ({ open: { ...open, next: undefined } })),
  ),
  broken(
    'a full page of context() always has a next',
    'gives at most limit open rows, the oldest first, and a next from which find() continues',
    answer(({ open }) => {
      const last = open.items.at(-1);
      return { open: { ...open, next: open.next ?? (last && JSON.stringify([last.createdAt, last.id])) } };
    }),
  ),
  broken('context() returns the stored rows themselves', 'gives from context() what may be changed without effect', (inner) => {
    let kept: StoreContext | undefined;
    return { context: async (query) => (kept ??= structuredClone(await (inner as Required<GrantStore>).context(query))) };
  }),
  broken(
    'an outage of context() is answered with nothing',
    'rejects context()',
    context((ask, query) => ask(query).catch(() => ({ rows: query.keys.map(() => undefined), live: [], open: EMPTY }))),
  ),
];

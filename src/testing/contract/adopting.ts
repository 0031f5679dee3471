import { MAX_CHANGE } from '../../core/change-size.js';
import type { GrantStore, NamespacePart, Row } from '../../core/store-port.js';
import { link } from '../../journal/link.js';
import type { Anchor, AuditEntry } from '../../records/index.js';
import { aChange, aRow } from '../builders.js';
import { rejects, same } from '../assertions.js';
import { casesOf, type Cases } from './cases.js';
import { atOnce, changeOf, commit, entryFor, getOne, given, isKept, journalIds, next, outcomeOf, wholeJournal } from './steps.js';

/** Guarantee 1, for `adopt`: a namespace that moves here is here whole, or is not in use. */
export const adopting: Cases = (define, hooks) => {
  moves(define, hooks);
  repeats(define, hooks);
  refuses(define, hooks);
};

const moves: Cases = (define, { reopen }) => {
  const it = casesOf('adopt', define);

  it('takes rows, entries and both anchors as they are, and continues from them', async (store) => {
    const { rows, entries, anchors, parts } = moving(store);
    for (const part of parts) await store.adopt(part);
    for (const handle of [store, await reopen(store)]) {
      same(await handle.get(rows), rows, 'the rows');
      same(await handle.journal({ after: 0, limit: 10 }), { entries, ...anchors }, 'the journal');
      if (handle.heads !== undefined) same(await handle.heads([store.namespace]), [anchors.head], 'the heads');
    }
    const [row] = rows as [Row];
    await commit(store, changeOf(store, 'after', [next(row)], { knows: anchors.head }));
    await isKept(store, row, next(row));
    same(
      (await wholeJournal(store)).map(({ id }) => id),
      [...entries.map(({ id }) => id), 'after.1'],
      'the entries after a commit',
    );
  });

  it('is closed until the last part has arrived', async (store) => {
    const { rows, anchors, parts } = moving(store);
    const [first, ...others] = parts as [NamespacePart, ...NamespacePart[]];
    await store.adopt(first);
    for (const handle of [store, await reopen(store)]) {
      await isMoved(() => handle.journal({ after: 0, limit: 10 }), 'journal()');
      await isMoved(() => handle.commit(changeOf(handle, 'early', [aRow({ id: 'early' })])), 'commit()');
      await isMoved(() => handle.commit(aChange()), 'commit() of an empty change');
      if (handle.heads !== undefined) same(await handle.heads([store.namespace]), [undefined], 'the heads');
      await isKept(handle, { kind: 'grant', id: 'early' }, undefined, 'the row of the refused change');
    }
    same(await getOne(store, rows[0] as Row), rows[0], 'a row that has arrived');
    await given(store.in(`${store.namespace}-b`), [aRow()]);
    for (const part of others) await store.adopt(part);
    same((await store.journal({ after: 0, limit: 1 })).head, anchors.head, 'the head');
  });

  it('takes a namespace whose journal was trimmed whole', async (store) => {
    const {
      rows,
      anchors: { head },
    } = moving(store);
    await store.adopt({ rows, entries: [], anchors: { start: head, head } });
    same(await store.journal({ after: 0, limit: 10 }), { entries: [], start: head, head }, 'the journal');
    await commit(store, changeOf(store, 'after', [next(rows[0] as Row)]));
    same(await journalIds(store), ['after.1'], 'the entries after a commit');
  });

  it('knows the changes that the other store has committed', async (store) => {
    const { rows, parts } = moving(store);
    for (const part of parts) await store.adopt(part);
    same(await outcomeOf(store, changeOf(store, 'two', rows)), 'committed', 'the outcome of a change that is in the journal');
    same((await store.journal({ after: 0, limit: 10 })).entries.length, 3, 'the number of entries');
  });
};

const repeats: Cases = (define, { reopen }) => {
  const it = casesOf('adopt', define);

  it('has one effect where a part is sent again, one after the other or at once', async (store) => {
    const { rows, entries, anchors, parts } = moving(store);
    const handles = [store, (await reopen(store)) as typeof store];
    for (const part of parts) {
      for (const handle of handles) await handle.adopt(part);
      await atOnce(8, (i) => handles[i % 2]?.adopt(part));
    }
    same(await store.get(rows), rows, 'the rows');
    same(await store.journal({ after: 0, limit: 10 }), { entries, ...anchors }, 'the journal');
  });

  it('replaces a row of an earlier part', async (store) => {
    const [before, after] = [aRow({ version: 3, open: false, dueAt: undefined }), aRow({ version: 7, createdAt: 5 })];
    const { entries, anchors } = moving(store);
    await store.adopt({ rows: [before], entries: [] });
    await store.adopt({ rows: [after], entries, anchors });
    await isKept(store, after, after);
  });
};

const refuses: Cases = (define) => {
  const it = casesOf('adopt', define);

  it('refuses a namespace to which a change was committed', async (store) => {
    const [one, other] = [store, store.in(`${store.namespace}-b`)] as const;
    await given(one, [aRow({ id: 'own' })]);
    await commit(other, aChange({ put: [aRow({ id: 'own' })] }));
    for (const used of [one, other]) {
      const before = await used.journal({ after: 0, limit: 10 });
      for (const part of moving(used).parts) await isRefused(used, part, 'a part for a namespace in use');
      same(await used.journal({ after: 0, limit: 10 }), before, 'the journal after the refusal');
      same(
        (await used.find({ kind: 'grant', limit: 10 })).items.map(({ id }) => id),
        ['own'],
        'the rows after the refusal',
      );
    }
  });

  it('opens no namespace whose entries do not reach from start to head', async (store) => {
    const { entries, anchors } = moving(store);
    const [one, two, three] = entries as [AuditEntry, AuditEntry, AuditEntry];
    const wrong = 'f'.repeat(64);
    await store.adopt({ rows: [], entries: [one] });
    const incomplete: readonly NamespacePart[] = [
      { rows: [], entries: [], anchors },
      { rows: [], entries: [two], anchors },
      { rows: [], entries: [three], anchors },
      { rows: [], entries: [two, three], anchors: { ...anchors, head: { ...anchors.head, hash: wrong } } },
      { rows: [], entries: [two, three], anchors: { ...anchors, head: { ...anchors.head, seq: anchors.head.seq + 1 } } },
      { rows: [], entries: [two, three], anchors: { ...anchors, start: { ...anchors.start, hash: wrong } } },
      { rows: [], entries: [two, three], anchors: { ...anchors, start: { ...anchors.start, seq: anchors.start.seq - 1 } } },
    ];
    for (const part of incomplete) await isRefused(store, part, 'a last part that does not fit the entries');
    await isMoved(() => store.journal({ after: 0, limit: 10 }), 'journal() after the refusals');
    await store.adopt({ rows: [], entries: [two, three], anchors });
    same(await store.journal({ after: 0, limit: 10 }), { entries, ...anchors }, 'the journal');
  });

  it('refuses a part that is larger than a change, or of another namespace, applying nothing', async (store) => {
    const { entries, anchors } = moving(store);
    const rows = Array.from({ length: MAX_CHANGE.rows + 1 }, (_, i) => aRow({ id: `row-${i}` }));
    await isRefused(store, { rows, entries, anchors }, 'a part with too many rows');
    await isRefused(store, moving(store.in(`${store.namespace}-b`)), 'a part of another namespace');
    same((await store.find({ kind: 'grant', limit: 10 })).items, [], 'the rows after the refusals');
    await given(store, [aRow()]);
    same((await store.journal({ after: 0, limit: 1 })).head.seq, 1, 'the number of the first entry');
  });
};

interface Moving {
  readonly rows: readonly Row[];
  readonly entries: readonly AuditEntry[];
  readonly anchors: { readonly start: Anchor; readonly head: Anchor };
  /** All of it, in two parts. */
  readonly parts: readonly NamespacePart[];
}

/** A namespace of another store: rows of several versions, and a journal that a purge has trimmed. */
function moving(store: GrantStore): Moving {
  const rows = [aRow({ id: 'open', version: 4 }), aRow({ id: 'closed', version: 7, open: false, dueAt: undefined, sortAt: undefined })];
  const start = { seq: 40, hash: 'ab'.repeat(32) };
  const entries = link(
    start,
    ['one', 'two', 'three'].map((id) => entryFor(store, `${id}.1`)),
  );
  const { seq, hash } = entries.at(-1) as AuditEntry;
  const anchors = { start, head: { seq, hash } };
  const parts = [
    { rows: rows.slice(0, 1), entries: entries.slice(0, 2) },
    { rows: rows.slice(1), entries: entries.slice(2), anchors },
  ];
  return { rows, entries, anchors, parts };
}

const isMoved = async (call: () => unknown, what: string): Promise<void> =>
  same(
    ((await rejects(call, `${what} of a namespace that is arriving`)) as { code?: unknown }).code,
    'ERR_JIT_MOVED',
    'the code of the refusal',
  );

const isRefused = async (store: GrantStore, part: NamespacePart, what: string): Promise<void> =>
  same(((await rejects(() => store.adopt?.(part), what)) as { code?: unknown }).code, 'ERR_JIT_STORE', 'the code of the refusal');

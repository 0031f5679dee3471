import type { JsonObject } from '../../model/json.js';
import { aChange, aRow } from '../builders.js';
import { START_AT } from '../manual-clock.js';
import { same } from '../assertions.js';
import { EXTREME_JSON, HOSTILE_STRINGS, SEPARATORS } from './hostile.js';
import { changeOf, commit, conflict, entryFor, foundBy, given, idsOf, isKept, wholeJournal } from './steps.js';
import type { Cases } from './cases.js';

/** Guarantee 7, of equality: two ids are equal only if their bytes are equal, and no id has a special meaning. */
export const byteWise: Cases = (it, hooks) => {
  keys(it, hooks);
  columns(it, hooks);
  texts(it, hooks);
};

/** Kinds and ids are compared byte by byte. */
const keys: Cases = (it) => {
  it('has nothing under an id that was never written', async (store) => {
    for (const id of HOSTILE_STRINGS) await isKept(store, { kind: 'grant', id }, undefined, `get() of ${JSON.stringify(id.slice(0, 40))}`);
    for (const kind of ['__proto__', 'constructor', 'toString']) {
      await isKept(store, { kind, id: 'x' }, undefined, `get() of the kind ${kind}`);
      same(await foundBy(store, { kind }), [], `find() of the kind ${kind}`);
    }
    for (const subject of HOSTILE_STRINGS) {
      same(await store.live({ subject, scope: 'a', at: 0 }), [], `live() of ${JSON.stringify(subject.slice(0, 40))}`);
    }
  });

  it('keeps a row under each of many hostile ids, and gives each its own', async (store) => {
    const rows = HOSTILE_STRINGS.map((id, i) => aRow({ id, body: { i } }));
    for (const [i, row] of rows.entries()) await commit(store, changeOf(store, `create-${i}`, [row]));
    same(await store.get(rows), rows, 'the rows that get() gives');
    for (const [i, row] of rows.entries()) await conflict(store, changeOf(store, `again-${i}`, [row]), 'each of them exists');
    same(new Set(idsOf(await foundBy(store, { kind: 'grant' }))).size, rows.length, 'the number of different ids that find() gives');
  });

  it('keeps rows of hostile kinds apart', async (store) => {
    const rows = HOSTILE_STRINGS.filter((kind) => kind.length <= 64).map((kind, i) => aRow({ kind, id: 'x', body: { i } }));
    await given(store, rows);
    same(await store.get(rows), rows, 'the rows that get() gives');
    for (const row of rows) same(await foundBy(store, { kind: row.kind }), [row], `find() of the kind ${row.kind}`);
  });
};

/** Subjects and scopes are compared byte by byte, each by itself. */
const columns: Cases = (it) => {
  it('finds a hostile subject, and only that', async (store) => {
    const rows = subjects().map((subject, i) => aRow({ id: `r${i}`, subject }));
    await given(store, rows);
    for (const row of rows) {
      const { subject = '' } = row;
      same(await foundBy(store, { kind: 'grant', subject }), [row], `find() of ${JSON.stringify(subject.slice(0, 40))}`);
      same(await store.live({ subject, at: START_AT }), [row], `live() of ${JSON.stringify(subject.slice(0, 40))}`);
    }
  });

  it('finds a hostile scope, and only that', async (store) => {
    const rows = subjects().map((scope, i) => aRow({ id: `r${i}`, scope }));
    await given(store, rows);
    for (const row of rows) {
      const { scope = '' } = row;
      same(await store.live({ subject: 'user:maya', scope, at: START_AT }), [row], `live() on ${JSON.stringify(scope.slice(0, 40))}`);
    }
  });

  it('never puts keys together so that two become one', async (store) => {
    const pairs = SEPARATORS.flatMap((separator) => [[`a${separator}b`, 'c'] as const, ['a', `b${separator}c`] as const]);
    const rows = pairs.flatMap(([left, right], i) => [
      aRow({ kind: left, id: right, body: { i } }),
      aRow({ kind: 'grant', id: `r${String(i).padStart(2, '0')}`, subject: left, scope: right, body: { i } }),
    ]);
    await given(store, rows);
    same(await store.get(rows), rows, 'the rows that get() gives');
    for (const row of rows.filter(({ kind }) => kind === 'grant')) {
      const { subject = '', scope } = row;
      same(await store.live({ subject, scope, at: START_AT }), [row], `live() of ${subject} on ${String(scope)}`);
      same(
        await foundBy(store, { kind: 'grant', subject }),
        rows.filter((other) => other.subject === subject && other.kind === 'grant'),
        `find() of ${subject}`,
      );
    }
  });
};

/** Bodies and entries are read back unchanged. */
const texts: Cases = (it) => {
  it('returns bodies unchanged, with extreme values', async (store) => {
    const row = aRow({ body: EXTREME_JSON });
    await given(store, [row]);
    await isKept(store, row, row);
    same(await foundBy(store, { kind: 'grant' }), [row], 'the row that find() gives');
    same(await store.live({ subject: 'user:maya', scope: 'db-prod:write', at: START_AT }), [row], 'the row that live() gives');
  });

  it('keeps a key __proto__ of a body as a key, and lets it change no prototype', async (store) => {
    const body = JSON.parse('{"__proto__":{"allowed":true},"list":[{"__proto__":{"allowed":true}}]}') as JsonObject;
    await given(store, [aRow({ body })]);
    const [row] = await store.get([aRow()]);
    same(row?.body, body, 'the body that get() gives');
    same((row?.body as { allowed?: unknown }).allowed, undefined, 'what the body says of a key that it does not have');
    same(({} as { allowed?: unknown }).allowed, undefined, 'what every object says of that key');
  });

  it('keeps hostile texts in entries', async (store) => {
    const append = HOSTILE_STRINGS.map((text, i) =>
      entryFor(store, `c1.${i}`, { actor: text, requestId: text, grantId: text, data: { text } }),
    );
    // A store may take no more than 50 entries at a time.
    for (let i = 0; i < append.length; i += 50) await commit(store, aChange({ id: `c${i}`, append: append.slice(i, i + 50) }));
    const entries = await wholeJournal(store);
    same(
      entries.map(({ actor, requestId, grantId, data }) => [actor, requestId, grantId, data['text']]),
      HOSTILE_STRINGS.map((text) => [text, text, text, text]),
      'the texts of the entries',
    );
  });
};

/** The hostile strings that fit into a subject or a scope: at most 256 characters. */
function subjects(): string[] {
  return [...HOSTILE_STRINGS.filter((text) => text.length <= 256), 'x'.repeat(255) + 'a', 'x'.repeat(255) + 'b'];
}

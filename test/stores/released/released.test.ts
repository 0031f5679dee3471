import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, type AuditEntry, type JsonValue } from '../../../src/index.js';
import { verifyStore } from '../../../src/journal.js';
import { BOOKMARKS } from '../../../src/records/bookmark.js';
import { isStruct, type AnyField, type RecordTable, type Table } from '../../../src/records/fields.js';
import {
  decodeActivity,
  decodeComment,
  decodeGrant,
  decodeHolders,
  decodeLocks,
  decodeProvisioningChange,
  decodeRequest,
  decodeReuse,
  decodeSubject,
  decodeUsage,
  decodeUse,
  encode,
  ENTRY_TYPES,
  KINDS,
  type StoredRecord,
} from '../../../src/records/index.js';
import { silent } from '../../../src/records/marks.js';
import type { Row } from '../../../src/store.js';
import type { StoredShape } from '../../records/stored-shape.js';
import { LAYOUTS } from './layouts.js';
import { fieldsOf } from './paths.js';
import type { Played } from './play.js';

const RELEASES = join(import.meta.dirname, '../../fixtures/released');
const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

/** The fields that no release writes: the end of what expires has no reason. */
const NEVER = ['request.end=expired.reason', 'grant.end=expired.reason'];

type Kind = keyof typeof KINDS;
/** The decoder of each kind that the engine calls. */
const DECODERS: Readonly<Record<Kind, (row: Row) => StoredRecord>> = {
  request: decodeRequest,
  grant: decodeGrant,
  usage: decodeUsage,
  use: decodeUse,
  reuse: decodeReuse,
  provisioning: decodeProvisioningChange,
  subject: decodeSubject,
  lock: decodeLocks,
  activity: decodeActivity,
  comment: decodeComment,
  holders: decodeHolders,
};

const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const isKind = (kind: string): kind is Kind => Object.hasOwn(KINDS, kind);

it('names the layout of each release', () => {
  expect(readdirSync(RELEASES).sort()).toEqual(Object.keys(LAYOUTS).sort());
});

describe.each(Object.entries(LAYOUTS))('the release %s', (version, layout) => {
  const folder = join(RELEASES, version);
  const { namespace, rows, earlier, entries } = readJson(join(folder, 'dump.json')) as Played;
  const all = [...rows, ...earlier];

  it('is kept as the release script made it', () => {
    const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8').trimEnd().split('\n');
    expect(sums[0]).toMatch(new RegExp(`^[0-9a-f]{64}  jit-access-${version.replaceAll('.', '\\.')}\\.tgz$`));
    const files = readdirSync(folder).filter((file) => file !== 'SHA256SUMS');
    const own = files.map(
      (file) =>
        `${createHash('sha256')
          .update(readFileSync(join(folder, file)))
          .digest('hex')}  ${file}`,
    );
    expect(sums.slice(1).sort()).toEqual(own.sort());
  });

  it('has stored each field of its layout, and each type of entry', () => {
    const fields = fieldsOf(readJson(join(folder, `../../stored/${layout}.json`)) as StoredShape);
    expect(fields.filter(({ isIn }) => !all.some(isIn)).map(({ field }) => field)).toEqual(NEVER);
    const { entries: types } = readJson(join(folder, `../../stored/${layout}.json`)) as StoredShape;
    expect(new Set((entries as readonly AuditEntry[]).map(({ type }) => type))).toEqual(new Set(Object.keys(types)));
    expect(Object.keys(ENTRY_TYPES)).toEqual(expect.arrayContaining(Object.keys(types)));
  });

  it('L30 has rows that this version reads, and writes as they are', () => {
    for (const row of all.filter(({ kind }) => isKind(kind))) {
      expect(plain(encode(DECODERS[row.kind as Kind](row)))).toEqual(row);
    }
  });

  it('L30 has bookmarks with the fields that their tables declare', () => {
    const bookmarks = all.filter(({ kind }) => !isKind(kind));
    const isSound = ({ kind, body }: Row) => isStruct(Object.entries((BOOKMARKS as Readonly<Record<string, Table>>)[kind] ?? {}))(body);
    expect(bookmarks.filter((row) => !isSound(row))).toEqual([]);
    expect(new Set(bookmarks.map(({ kind }) => kind))).toEqual(new Set(Object.keys(BOOKMARKS)));
  });

  it('L27 has a journal from which this version rebuilds each row', async () => {
    const store = new MemoryGrantStore({ namespace });
    const [first, last] = [entries[0], entries.at(-1)] as [AuditEntry, AuditEntry];
    const anchors = { start: { seq: first.seq - 1, hash: first.prevHash }, head: { seq: last.seq, hash: last.hash } };
    await store.adopt({ rows, entries: entries as readonly AuditEntry[], anchors });
    expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [], unproven: [] });
  });

  // A kind with a decoder of its own may decode a row without them, and a write would then clear them.
  it('has rows to which each silent field of this version can be added', () => {
    for (const [kind, { fields }] of Object.entries(KINDS)) {
      const added = silentIn(fields);
      const row = all.find((one) => one.kind === kind) as Row;
      const whole = { ...row, body: { ...row.body, ...(added === undefined ? {} : { more: added }) } };
      expect(plain(encode(DECODERS[kind as Kind](whole)))).toEqual(whole);
    }
  });
});

/** A value for a field without parts: a text, a number or `true`. */
const sampleOf = ({ is, values = [] }: AnyField): JsonValue | undefined => [...(values as readonly JsonValue[]), 'a:b', 7, true].find(is);

/** A value for each silent field of a table. `undefined`: it has none. */
function silentIn(table: RecordTable): Readonly<Record<string, JsonValue>> | undefined {
  const found = Object.entries(table).flatMap(([name, field]) => (field.silent === undefined ? [] : [[name, field.silent] as const]));
  const samples = found.map(([name, field]) => {
    const sample = field.list === undefined ? sampleOf(field) : [sampleOf(field.list) ?? null];
    if (sample === undefined || !field.is(sample)) throw new Error(`add a sample for the silent field ${name}`);
    return [name, sample] as const;
  });
  return samples.length === 0 ? undefined : Object.fromEntries(samples);
}

it('a silent field gets a sample by its check', () => {
  const fields = { label: silent(2, { is: (value) => value === 7 }), tags: silent(2, KINDS.subject.fields.unreviewed as never) };
  expect(silentIn(fields as RecordTable)).toEqual({ label: 7, tags: ['a:b'] });
});

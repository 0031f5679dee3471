import { appendFile, mkdir, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { jsonLinesSink, readJsonLines } from '../../src/jsonl.js';
import { verifyJournal } from '../../src/journal/verify.js';
import { toLine } from '../../src/sinks/jsonl/line.js';
import type { AuditEntry } from '../../src/records/index.js';
import { anchorOf, journalOf } from '../journal/sample.js';
import { readAll, useFolder } from './folder.js';

const at = useFolder();
const entries = journalOf(6);
const line = (entry: AuditEntry, change: Record<string, unknown> = {}): string => toLine({ ...entry, ...change });

describe('readJsonLines()', () => {
  it.each([
    ['nothing', undefined, 'path'],
    ['a number', 5, 'path'],
    ['an empty list', [], 'path'],
    ['an empty path', '', 'path[0]'],
    ['a list with a hole', ['a', , 'b'], 'path[1]'],
    ['a list of lists', [['a']], 'path[0]'],
  ])('refuses %s at the call, before any read', (_, path, argument) => {
    expect(() => readJsonLines(path as string)).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument }));
  });

  it('yields the entries of a file, frozen, as often as asked', async () => {
    await writeFile(at('journal'), entries.map((entry) => line(entry)).join(''));
    const read = readJsonLines(at('journal'));
    expect(await verifyJournal(read, { head: anchorOf(entries[5]!) })).toMatchObject({ ok: true, count: 6 });
    expect(await verifyJournal(read)).toMatchObject({ ok: true, count: 6 });
    for await (const entry of read) expect(Object.isFrozen(entry)).toBe(true);
  });

  it('yields nothing for an empty file', async () => {
    await writeFile(at('journal'), '');
    expect(await readAll(at('journal'))).toEqual([]);
  });

  it('reads two journals in one file as one, which verifyJournal refuses by their hashes', async () => {
    const other = journalOf(2, { seq: 0, hash: 'f'.repeat(64) });
    await writeFile(at('journal'), [...entries, ...other].map((entry) => line(entry)).join(''));
    expect(await readAll(at('journal'))).toHaveLength(8);
    expect(await verifyJournal(readJsonLines(at('journal')))).toMatchObject({ ok: false, seq: 7, problem: 'has seq 1; expected 7' });
  });

  it('rejects for a missing file, and for a directory', async () => {
    await mkdir(at('folder'));
    await expect(readAll(at('missing'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(readAll(at('folder'))).rejects.toMatchObject({ code: 'EISDIR' });
  });

  it('closes its file when the reader stops early', async () => {
    await writeFile(at('journal'), entries.map((entry) => line(entry)).join(''));
    for await (const entry of readJsonLines(at('journal'))) {
      expect(entry).toEqual(entries[0]);
      break;
    }
  });

  it('reads lines that are longer than one read of the file system', async () => {
    const text = 'é\n'.repeat(40_000);
    const long = entries.map((entry) => ({ ...entry, data: { text } }));
    await writeFile(at('journal'), long.map((entry) => line(entry)).join(''));
    expect(await readAll(at('journal'))).toEqual(long);
  });

  it('refuses a line of more than 16 MiB, so that a file without line breaks does not fill the memory', async () => {
    await writeFile(at('journal'), line(entries[0]!));
    await appendFile(at('journal'), Buffer.alloc(16 * 1024 * 1024 + 1, 0x20));
    await expect(readAll(at('journal'))).rejects.toMatchObject({ code: 'ERR_JIT_CORRUPT', id: `${at('journal')}:2` });
  });

  const third = entries[2]!;
  const whole = line(third).slice(0, -1);
  const without = (field: keyof AuditEntry): string => line(third, { [field]: undefined }).slice(0, -1);
  it.each<[string, string | Buffer, RegExp]>([
    ['an empty line', '', /is not a JSON object/],
    ['text', 'grant approved', /is not a JSON object/],
    ['half a line in the middle of the file', whole.slice(0, 100), /is not a JSON object/],
    ['two entries on one line', whole + whole, /is not a JSON object/],
    ['bytes that are not UTF-8', Buffer.from(whole.replace('user:sam', 'user:\u00ff'), 'latin1'), /is not UTF-8/],
    ['a byte order mark', `\ufeff${whole}`, /is not a JSON object/],
    ['a gzip file', Buffer.from([0x1f, 0x8b, 8, 0]), /is not UTF-8/],
    ['null', 'null', /is not a JSON object/],
    ['a list', '[]', /is not an entry of version 1/],
    ['a string', '"v"', /is not an entry of version 1/],
    ['an entry of a later version', line(third, { v: 2 }).slice(0, -1), /is not an entry of version 1/],
    ['a field twice', whole.replace('{"actor":', '{"actor":"user:eve","actor":'), /is not the canonical form/],
    ['an unknown field', whole.replace('"v":1}', '"v":1,"z":true}'), /has a field that no entry has: "z"/],
    ['a field __proto__', whole.replace('{"actor"', '{"__proto__":{"allowed":true},"actor"'), /has a field that no entry has: "__proto__"/],
    ['fields in another order', `{"v":1,${whole.slice(1).replace(',"v":1}', '}')}`, /is not the canonical form/],
    ['additional spaces', whole.replace('":"', '": "'), /is not the canonical form/],
    ['a carriage return', `${whole}\r`, /is not the canonical form/],
    ['another spelling of the same text', whole.replace('user:sam', '\\u0075ser:sam'), /is not the canonical form/],
    ['another spelling of the same number', whole.replace('"seq":3', '"seq":3.0'), /is not the canonical form/],
    [
      'data nested 100,000 deep',
      whole.replace(/"data":\{.*\},"digest"/, `"data":${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)},"digest"`),
      /canonical/,
    ],
    ...(['namespace', 'id', 'type', 'at', 'actor', 'data', 'digest', 'seq', 'prevHash', 'hash'] as const).map(
      (field) => [`no ${field}`, without(field), /has a field that is missing/] as [string, string, RegExp],
    ),
    ['a requestId that is null', line(third, { requestId: null }).slice(0, -1), /of the wrong kind/],
    ['a grantId that is a number', line(third, { grantId: 1 }).slice(0, -1), /of the wrong kind/],
    ['an actor that is a list', line(third, { actor: ['user:sam'] }).slice(0, -1), /of the wrong kind/],
    ['an instant as a string', line(third, { at: '2026-03-14' }).slice(0, -1), /of the wrong kind/],
    ['a negative seq', line(third, { seq: -3 }).slice(0, -1), /of the wrong kind/],
    ['a seq with a fraction', line(third, { seq: 3.5 }).slice(0, -1), /of the wrong kind/],
    ['a seq as a string', line(third, { seq: '3' }).slice(0, -1), /of the wrong kind/],
    ['data that is a list', line(third, { data: [] }).slice(0, -1), /of the wrong kind/],
    ['data that is null', line(third, { data: null }).slice(0, -1), /of the wrong kind/],
    ['data that is a string', line(third, { data: 'x' }).slice(0, -1), /of the wrong kind/],
    ['a hash in capitals', line(third, { hash: third.hash.toUpperCase() }).slice(0, -1), /of the wrong kind/],
    ['a hash that is too short', line(third, { digest: third.digest.slice(1) }).slice(0, -1), /of the wrong kind/],
    ['a hash in a list', line(third, { prevHash: [third.prevHash] }).slice(0, -1), /of the wrong kind/],
  ])('names the file and the line of %s', async (_, hostile, problem) => {
    const path = at('journal');
    await writeFile(path, line(entries[0]!) + line(entries[1]!));
    await appendFile(path, hostile);
    await appendFile(path, `\n${line(entries[3]!)}`);
    const reading = readAll([await other(), path]);
    await expect(reading).rejects.toMatchObject({ code: 'ERR_JIT_CORRUPT', kind: 'journal line', id: `${path}:3` });
    await expect(reading).rejects.toThrow(problem);
  });

  /** A file before it, whose lines are not counted. */
  async function other(): Promise<string> {
    await writeFile(
      at('other'),
      journalOf(3, { seq: 0, hash: 'a'.repeat(64) })
        .map((entry) => line(entry))
        .join(''),
    );
    return at('other');
  }

  it.each([
    ['an unfinished last line', whole.slice(0, 80)],
    ['an unfinished last line within a character', Buffer.from(whole.replace('user:sam', 'é')).subarray(0, 11)],
    ['a torn line', `${whole.slice(0, 80)}#torn\n`],
    ['a #torn mark without a line', '#torn\n'],
  ])('skips %s', async (_, rest) => {
    await writeFile(at('journal'), line(entries[0]!) + line(entries[1]!));
    await appendFile(at('journal'), rest);
    expect(await readAll([at('journal')])).toEqual(entries.slice(0, 2));
  });

  it('does not join the end of one file with the start of the next', async () => {
    await writeFile(at('1'), line(entries[0]!) + line(entries[1]!).slice(0, 50));
    await writeFile(at('2'), line(entries[1]!).slice(50) + line(entries[2]!));
    await expect(readAll([at('1'), at('2')])).rejects.toMatchObject({ id: `${at('2')}:1` });
  });

  describe('with verifyJournal', () => {
    const write = (changed: readonly AuditEntry[]) => writeFile(at('journal'), changed.map((entry) => line(entry)).join(''));
    const edited = (i: number, change: Partial<AuditEntry>) => entries.map((entry, n) => (n === i ? { ...entry, ...change } : entry));

    it.each<[string, readonly AuditEntry[], number]>([
      ['an edited actor', edited(2, { actor: 'user:eve' }), 3],
      ['an edited instant', edited(5, { at: 1 }), 6],
      ['edited data', edited(0, { data: {} }), 1],
      ['a removed requestId', edited(3, { requestId: undefined }), 4],
      ['a removed line', entries.filter((_, i) => i !== 2), 3],
      ['two lines swapped', [...entries.slice(0, 2), entries[3]!, entries[2]!, ...entries.slice(4)], 3],
      ['a line removed at the end', entries.slice(0, 5), 6],
      ['an entry that is repeated under another seq', [...entries, { ...entries[2]!, seq: 7 }], 7],
      ['a repeat that differs in its hash', [...entries.slice(0, 3), { ...entries[2]!, hash: '0'.repeat(64) }, ...entries.slice(3)], 4],
    ])('L26 finds %s', async (_, changed, seq) => {
      await write(changed);
      expect(await verifyJournal(readJsonLines(at('journal')), { head: anchorOf(entries[5]!) })).toMatchObject({ ok: false, seq });
    });

    it('L26 reports a line that was marked as torn by hand as missing', async () => {
      await write(entries);
      const text = entries.map((entry) => line(entry));
      text[2] = `${text[2]!.slice(0, 60)}#torn\n`;
      await writeFile(at('journal'), text.join(''));
      expect(await verifyJournal(readJsonLines(at('journal')))).toMatchObject({ ok: false, seq: 3 });
      await writeFile(at('journal'), text.slice(0, 3).join(''));
      expect(await verifyJournal(readJsonLines(at('journal')), { head: anchorOf(entries[5]!) })).toMatchObject({ ok: false, seq: 3 });
    });

    it('L26 a repeated line can neither hide nor replace the original entry', async () => {
      const forged = { ...entries[2]!, actor: 'user:eve' };
      await write([...entries.slice(0, 3), forged, ...entries.slice(3)]);
      expect(await readAll(at('journal')), 'the first is what counts').toEqual(entries);
      await write([...entries.slice(0, 2), forged, ...entries.slice(2)]);
      expect(await verifyJournal(readJsonLines(at('journal')))).toMatchObject({ ok: false, seq: 3 });
    });

    it('L26 an exported head shows that a file was cut in its last line', async () => {
      await jsonLinesSink({ path: at('journal') }).write(entries);
      await truncate(at('journal'), 2_000);
      const verdict = await verifyJournal(readJsonLines(at('journal')), { head: anchorOf(entries[5]!) });
      expect(verdict).toMatchObject({ ok: false, problem: expect.stringContaining('is missing') as string });
    });
  });
});

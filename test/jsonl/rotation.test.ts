import { appendFile, copyFile, readdir, readFile, rename, rm, symlink, truncate, mkdir } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { jsonLinesSink, readJsonLines } from '../../src/jsonl.js';
import { verifyJournal } from '../../src/journal/verify.js';
import { anchorOf, journalOf } from '../journal/sample.js';
import { aroundHandles, readAll, useFolder } from './folder.js';

const at = useFolder();

afterEach(() => {
  vi.restoreAllMocks();
});

describe('jsonLinesSink() under rotation', () => {
  const entries = journalOf(40);

  it('continues in a new file after its file was renamed', async () => {
    const path = at('journal.jsonl');
    const sink = jsonLinesSink({ path });
    await sink.write(entries.slice(0, 10));
    await rename(path, at('journal.jsonl.2'));
    await sink.write(entries.slice(10, 20));
    await rename(path, at('journal.jsonl.1'));
    await sink.write(entries.slice(20));
    expect(await readAll(at('journal.jsonl.2'))).toEqual(entries.slice(0, 10));
    expect(await readAll(path)).toEqual(entries.slice(20));
    const rotated = readJsonLines([at('journal.jsonl.2'), at('journal.jsonl.1'), path]);
    expect(await verifyJournal(rotated, { head: anchorOf(entries[39]!) })).toMatchObject({ ok: true, count: 40 });
  });

  it('L28 loses and reorders nothing under repeated rotation', async () => {
    const path = at('journal.jsonl');
    const sink = jsonLinesSink({ path });
    const paths: string[] = [];
    let done = false;
    const writing = Promise.all(entries.map((entry) => sink.write([entry]))).then(() => (done = true));
    while (!done) {
      const rotated = at(`journal.jsonl.${paths.length}`);
      await rename(path, rotated).then(
        () => paths.push(rotated),
        () => undefined,
      );
    }
    await writing;
    const left = (await readdir(at(''))).includes('journal.jsonl') ? [path] : [];
    expect(paths.length, 'rotated in the middle of the stream').toBeGreaterThan(2);
    expect(await readAll([...paths, ...left])).toEqual(entries);
  });

  it('finds its lines in a file that was renamed between the opening and the write', async () => {
    const path = at('journal.jsonl');
    const sink = jsonLinesSink({ path });
    await sink.write(entries.slice(0, 5));
    await aroundHandles('write', async (call) => {
      await rename(path, at('journal.jsonl.1')).catch(() => undefined);
      return call();
    });
    await sink.write(entries.slice(5, 10));
    vi.restoreAllMocks();
    await sink.write(entries.slice(10));
    expect(await readAll(at('journal.jsonl.1'))).toEqual(entries.slice(0, 10));
    expect(await readAll([at('journal.jsonl.1'), path])).toEqual(entries);
  });

  it('continues in a new file after its file was deleted', async () => {
    const path = at('journal.jsonl');
    const sink = jsonLinesSink({ path });
    await sink.write(entries.slice(0, 5));
    await rm(path);
    await sink.write(entries.slice(5));
    const read = await readAll(path);
    expect(read).toEqual(entries.slice(5));
    expect(await verifyJournal(read), 'what was deleted is missed').toMatchObject({ ok: false, seq: 1 });
    expect(await verifyJournal(read, { after: anchorOf(entries[4]!) })).toMatchObject({ ok: true, count: 35 });
  });

  it.each(['write', 'sync'] as const)('writes the lines again whose file was deleted before the %s', async (method) => {
    const path = at('journal.jsonl');
    const sink = jsonLinesSink({ path });
    await sink.write(entries.slice(0, 5));
    let deleted = false;
    await aroundHandles(method, async (call) => {
      if (!deleted) await rm(path);
      deleted = true;
      return call();
    });
    await sink.write(entries.slice(5));
    expect(await readAll(path)).toEqual(entries.slice(5));
  });

  it('does not write repeatedly where the file system reports no link counts', async () => {
    const path = at('journal.jsonl');
    const sink = jsonLinesSink({ path });
    await aroundHandles('stat', async (call) => Object.assign((await call()) as object, { nlink: 0n }));
    await sink.write(entries);
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(entries.length + 1);
  });

  it('continues at the start of a file that was copied and truncated', async () => {
    const path = at('journal.jsonl');
    const sink = jsonLinesSink({ path });
    await sink.write(entries.slice(0, 20));
    await copyFile(path, at('journal.jsonl.1'));
    await truncate(path, 0);
    await sink.write(entries.slice(20));
    expect(await readAll(path)).toEqual(entries.slice(20));
    expect(await readAll([at('journal.jsonl.1'), path])).toEqual(entries);
  });

  it('L26 verifyJournal names the entries that were lost between the copy and the truncation', async () => {
    const path = at('journal.jsonl');
    const sink = jsonLinesSink({ path });
    await sink.write(entries.slice(0, 20));
    await copyFile(path, at('journal.jsonl.1'));
    await sink.write(entries.slice(20, 22));
    await truncate(path, 0);
    await sink.write(entries.slice(22));
    const verdict = await verifyJournal(readJsonLines([at('journal.jsonl.1'), path]));
    expect(verdict).toMatchObject({ ok: false, seq: 21, problem: 'has seq 23; expected 21' });
  });

  it('follows a symbolic link in its folder to the current target', async () => {
    for (const day of ['monday', 'tuesday']) await mkdir(at(day));
    await symlink(at('monday'), at('current'));
    const sink = jsonLinesSink({ path: at('current/journal.jsonl') });
    await sink.write(entries.slice(0, 20));
    await rm(at('current'));
    await symlink(at('tuesday'), at('current'));
    await sink.write(entries.slice(20));
    expect(await readAll([at('monday/journal.jsonl'), at('tuesday/journal.jsonl')])).toEqual(entries);
  });
});

describe('jsonLinesSink() after a crash', () => {
  const entries = journalOf(6);
  const lines = async (path: string) => (await readFile(path, 'utf8')).split('\n');

  /** A file as a crash leaves it: five entries, and the first `bytes` of the sixth line, which was never acknowledged. */
  async function crashed(path: string, bytes: number): Promise<void> {
    const sink = jsonLinesSink({ path });
    await sink.write(entries);
    const text = await readFile(path, 'utf8');
    const last = text.lastIndexOf('\n', text.length - 2) + 1;
    await truncate(path, last + bytes);
  }

  it('L28 marks a line that was cut at any byte as torn, and writes it again whole', async () => {
    await crashed(at('whole'), 1_000_000);
    const length = Buffer.byteLength((await lines(at('whole')))[5]!);
    for (let bytes = 0; bytes <= length + 1; bytes += bytes < length - 2 ? 7 : 1) {
      const path = at(`cut-${bytes}`);
      await crashed(path, bytes);
      const before = await readAll(path);
      expect(before.slice(0, 5)).toEqual(entries.slice(0, 5));
      expect(before, 'a line that lacks only its end is whole').toHaveLength(bytes >= length ? 6 : 5);
      await jsonLinesSink({ path }).write(entries.slice(5));
      expect(await readAll(path)).toEqual(entries);
      const torn = (await lines(path)).filter((line) => line.endsWith('#torn'));
      expect(torn).toHaveLength(bytes > 0 && bytes <= length ? 1 : 0);
    }
  });

  it('also marks a torn line that another process left between its writes', async () => {
    const path = at('journal.jsonl');
    const sink = jsonLinesSink({ path });
    await sink.write(entries.slice(0, 3));
    await appendFile(path, '{"actor":"user:ma');
    await sink.write(entries.slice(3));
    expect((await lines(path))[3]).toBe('{"actor":"user:ma#torn');
    expect(await readAll(path)).toEqual(entries);
  });

  it('loses no entry after an editor removed the last line break', async () => {
    const path = at('journal.jsonl');
    await jsonLinesSink({ path }).write(entries.slice(0, 3));
    await truncate(path, Buffer.byteLength(await readFile(path)) - 1);
    await jsonLinesSink({ path }).write(entries.slice(3));
    expect(await readAll(path)).toEqual(entries);
  });

  it('reports a short write, marks its line as torn, and writes it again', async () => {
    const path = at('journal.jsonl');
    const sink = jsonLinesSink({ path });
    await sink.write(entries.slice(0, 2));
    let short = true;
    await aroundHandles('write', async (call, file) => {
      if (!short) return call();
      short = false;
      return file.write(Buffer.from('{"actor":"us'));
    });
    await expect(sink.write(entries.slice(2))).rejects.toThrow(/only 12 of \d+ bytes could be written to .*journal\.jsonl/);
    await sink.write(entries.slice(2));
    expect(await readAll(path)).toEqual(entries);
  });

  it('readJsonLines skips a batch that was delivered again', async () => {
    const path = at('journal.jsonl');
    const sink = jsonLinesSink({ path });
    await sink.write(entries.slice(0, 4));
    await sink.write(entries.slice(2));
    await sink.write(entries);
    expect(await lines(path)).toHaveLength(4 + 4 + 6 + 1);
    expect(await readAll(path)).toEqual(entries);
  });

  it('readJsonLines skips lines that were delivered again after a rotation', async () => {
    await jsonLinesSink({ path: at('1') }).write(entries.slice(0, 4));
    await jsonLinesSink({ path: at('2') }).write(entries.slice(2));
    expect(await readAll([at('1'), at('2')])).toEqual(entries);
  });
});

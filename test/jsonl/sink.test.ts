import fs from 'node:fs/promises';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { relative } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { jsonLinesSink } from '../../src/jsonl.js';
import { verifyJournal } from '../../src/journal/verify.js';
import { anchorOf, journalOf, unlinked } from '../journal/sample.js';
import { GENESIS, link } from '../../src/journal/link.js';
import { aroundHandles, failure, readAll, useFolder } from './folder.js';

const at = useFolder();

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

describe('jsonLinesSink()', () => {
  it.each([
    ['no options', undefined, /options must be an object/],
    ['an unknown option', { path: 'x', Path: 'y' }, /only path, name, mode/],
    ['no path', {}, /path must be the path of a file; got undefined/],
    ['an empty path', { path: '' }, /path must be/],
    ['a path with a NUL', { path: 'a\0b' }, /path must be/],
    ['a list of paths', { path: ['a'] }, /path must be .* got an array/],
    ['a name with a space at its end', { path: 'x', name: 'x ' }, /name must be/],
    ['a name that is null', { path: 'x', name: null }, /name must be/],
    ['a mode beyond 0o777', { path: 'x', mode: 0o1000 }, /mode must be/],
    ['a mode as text', { path: 'x', mode: '600' }, /mode must be/],
  ])('refuses %s', (_, options, message) => {
    const make = () => jsonLinesSink(options as Parameters<typeof jsonLinesSink>[0]);
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT' }));
    expect(make).toThrow(message);
  });

  it('refuses a directory', async () => {
    await mkdir(at('journal'));
    expect(() => jsonLinesSink({ path: at('journal') })).toThrow(
      /path must be the path of a regular file, or of none yet; a symbolic link is not followed; got ".*journal"/,
    );
  });

  it('refuses a device, which cannot be synced', () => {
    expect(() => jsonLinesSink({ path: '/dev/null' })).toThrow(/path must be the path of a regular file/);
  });

  it('is named after its absolute path, so that a restart finds its cursor', () => {
    const path = at('journal.jsonl');
    expect(jsonLinesSink({ path }).name).toBe(`jsonl:${path}`);
    expect(jsonLinesSink({ path: relative(process.cwd(), path) }).name).toBe(`jsonl:${path}`);
    expect(jsonLinesSink({ path, name: 'archive' }).name).toBe('archive');
  });

  it('is a shared follower', () => {
    expect(jsonLinesSink({ path: at('x') }).follow).toBe('shared');
  });

  it('creates no file before the first entry', async () => {
    jsonLinesSink({ path: at('x') });
    await expect(stat(at('x'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  describe('write()', () => {
    it('appends a canonical line for each entry, and readJsonLines returns the same entries', async () => {
      const path = at('journal.jsonl');
      const entries = journalOf(10);
      const sink = jsonLinesSink({ path });
      await sink.write(entries.slice(0, 4));
      await sink.write(entries.slice(4, 5));
      await sink.write(entries.slice(5));
      const lines = (await readFile(path, 'utf8')).split('\n');
      expect(lines).toHaveLength(11);
      expect(lines.at(-1)).toBe('');
      expect(lines[0]).toMatch(/^\{"actor":"user:sam","at":1773454568000,"data":\{.*\},"digest":".*"v":1\}$/);
      expect(await readAll(path)).toEqual(entries);
      expect(await verifyJournal(await readAll(path))).toEqual({ ok: true, head: anchorOf(entries[9]!), count: 10 });
    });

    it('L28 resolves only after the lines, and the name of a new file, are on the disk', async () => {
      const path = at('journal.jsonl');
      const events: string[] = [];
      let release = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      let begin = () => {};
      const begun = new Promise<void>((resolve) => (begin = resolve));
      await aroundHandles('write', (call) => {
        events.push('write');
        return call();
      });
      await aroundHandles('sync', async (call) => {
        events.push('sync');
        begin();
        await held;
        return call();
      });
      const sink = jsonLinesSink({ path });
      const writing = sink.write(journalOf(2)).then(() => events.push('resolved'));
      await begun;
      await new Promise((resolve) => setImmediate(resolve));
      expect(events).toEqual(['write', 'sync']);
      release();
      await writing;
      expect(events).toEqual(['write', 'sync', 'sync', 'resolved']);

      events.length = 0;
      await sink.write(journalOf(3).slice(2));
      expect(events, 'the folder is synced for a new file only').toEqual(['write', 'sync']);
    });

    it('does not sync the folder on Windows', async () => {
      const synced = vi.fn((call: () => Promise<unknown>) => call());
      await aroundHandles('sync', synced);
      const platform = Object.getOwnPropertyDescriptor(process, 'platform')!;
      Object.defineProperty(process, 'platform', { ...platform, value: 'win32' });
      try {
        await jsonLinesSink({ path: at('journal.jsonl') }).write(journalOf(1));
      } finally {
        Object.defineProperty(process, 'platform', platform);
      }
      expect(synced).toHaveBeenCalledOnce();
    });

    it('creates its file for the owner only, or with the given mode', async () => {
      await jsonLinesSink({ path: at('default') }).write(journalOf(1));
      expect((await stat(at('default'))).mode & 0o777).toBe(0o600);
      await jsonLinesSink({ path: at('narrow'), mode: 0o400 | 0o200 }).write(journalOf(1));
      expect((await stat(at('narrow'))).mode & 0o777).toBe(0o600);
      const mask = process.umask();
      await jsonLinesSink({ path: at('wide'), mode: 0o644 }).write(journalOf(1));
      expect((await stat(at('wide'))).mode & 0o777).toBe(0o644 & ~mask);
    });

    it('keeps the permissions of an existing file', async () => {
      await writeFile(at('there'), '', { mode: 0o640 });
      await jsonLinesSink({ path: at('there') }).write(journalOf(1));
      expect((await stat(at('there'))).mode & 0o777).toBe(0o640 & ~process.umask());
    });

    it('writes one batch after the other, also for concurrent calls', async () => {
      const path = at('journal.jsonl');
      const entries = journalOf(60);
      const sink = jsonLinesSink({ path });
      await Promise.all(entries.map((entry) => sink.write([entry])));
      expect(await readAll(path)).toEqual(entries);
    });

    it('rejects while the folder is missing, and writes once it exists', async () => {
      const path = at('later/journal.jsonl');
      const sink = jsonLinesSink({ path });
      await expect(sink.write(journalOf(1))).rejects.toMatchObject({ code: 'ENOENT' });
      await mkdir(at('later'));
      await sink.write(journalOf(1));
      expect(await readAll(path)).toEqual(journalOf(1));
    });

    it('rejects when its file was replaced by a directory', async () => {
      const path = at('journal.jsonl');
      const sink = jsonLinesSink({ path });
      await mkdir(path);
      await expect(sink.write(journalOf(1))).rejects.toMatchObject({ code: 'EISDIR' });
    });

    it('rejects when the file may not be opened', async () => {
      const sink = jsonLinesSink({ path: at('journal.jsonl') });
      vi.spyOn(fs, 'open').mockRejectedValueOnce(failure('EACCES'));
      syncBuiltinESMExports();
      await expect(sink.write(journalOf(1))).rejects.toMatchObject({ code: 'EACCES' });
    });

    it.each(['write', 'sync', 'stat', 'read'] as const)(
      'rejects when %s fails, and the next write leaves a whole journal',
      async (method) => {
        const path = at('journal.jsonl');
        const entries = journalOf(3);
        const sink = jsonLinesSink({ path });
        await sink.write(entries.slice(0, 1));
        let failed = false;
        await aroundHandles(method, async (call) => {
          if (failed) return call();
          failed = true;
          throw failure('ENOSPC');
        });
        await expect(sink.write(entries.slice(1))).rejects.toMatchObject({ code: 'ENOSPC' });
        await sink.write(entries.slice(1));
        expect(await readAll(path)).toEqual(entries);
      },
    );

    it('opens the file again after a failed fsync, as the same handle would report success for lost pages', async () => {
      const path = at('journal.jsonl');
      const synced: unknown[] = [];
      await aroundHandles('sync', async (call, file) => {
        synced.push(file);
        if (synced.length === 1) throw failure('EIO');
        return call();
      });
      const sink = jsonLinesSink({ path });
      await expect(sink.write(journalOf(1))).rejects.toMatchObject({ code: 'EIO' });
      await sink.write(journalOf(1));
      expect(synced[1]).not.toBe(synced[0]);
      const [first, second] = (await readFile(path, 'utf8')).split('\n');
      expect(second, 'written again, not only synced again').toBe(first);
      expect(await readAll(path)).toEqual(journalOf(1));
    });

    it('keeps hostile text on its line, and returns it unchanged', async () => {
      const path = at('journal.jsonl');
      const hostile = [
        'ok\n2026-03-14 INFO grant approved',
        '\r\n\t\u0000\u001b[2K\u009b1m',
        '\u2028\u2029\u0085\u202e\u200b\ufeff',
        '\ud800 \udc00\ud800',
        '"}\n{"v":1,"seq":1} #torn',
        '#torn',
        'e\u0301 \u00e9 Алиса 𝕏 \u{e0001}',
        '__proto__',
      ];
      const drafts = hostile.map((text, i) =>
        unlinked(i + 1, { actor: text, data: { reason: text, [text]: [text, { [text]: text }], constructor: text } }),
      );
      const data = JSON.parse('{"__proto__":{"allowed":true}}') as Record<string, string>;
      const entries = link(GENESIS, [...drafts, unlinked(9, { data })]);
      await jsonLinesSink({ path }).write(entries);
      const lines = (await readFile(path)).toString('latin1').split('\n');
      expect(lines).toHaveLength(entries.length + 1);
      const read = await readAll(path);
      expect(read).toEqual(entries);
      expect(Object.getOwnPropertyNames(read[8]!.data)).toEqual(['__proto__']);
      expect(await verifyJournal(read)).toMatchObject({ ok: true, count: entries.length });
    });
  });

  describe('close()', () => {
    it('waits for the writes in flight, and refuses later ones', async () => {
      const path = at('journal.jsonl');
      const sink = jsonLinesSink({ path });
      const entries = journalOf(20);
      const writing = entries.map((entry) => sink.write([entry]));
      await sink.close();
      expect(await readAll(path)).toEqual(entries);
      await Promise.all(writing);
      await expect(sink.write(entries)).rejects.toMatchObject({
        code: 'ERR_JIT_CLOSED',
        message: expect.stringContaining('this sink has been closed') as string,
      });
      await sink.close();
    });

    it('resolves though the last write failed', async () => {
      const sink = jsonLinesSink({ path: at('missing/journal.jsonl') });
      const writing = sink.write(journalOf(1));
      await sink.close();
      await expect(writing).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });
});

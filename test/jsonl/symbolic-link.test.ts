import { readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { jsonLinesSink } from 'jit-access/jsonl';
import { describe, expect, it } from 'vitest';
import { journalOf } from '../journal/sample.js';
import { useFolder } from './folder.js';

const at = useFolder();

describe('jsonLinesSink() at a symbolic link', () => {
  it('is refused at construction [F1]', () => {
    writeFileSync(at('target'), 'secret');
    symlinkSync(at('target'), at('journal.jsonl'));
    expect(() => jsonLinesSink({ path: at('journal.jsonl') })).toThrow(/symbolic link is not followed/);
  });

  it.each(['target', 'missing'])(
    'appends nothing where the file was replaced by a symbolic link later: to a %s file [F1]',
    async (target) => {
      const path = at('journal.jsonl');
      const sink = jsonLinesSink({ path });
      await sink.write(journalOf(1));
      renameSync(path, at('rotated.jsonl'));
      writeFileSync(at('target'), 'secret');
      symlinkSync(at(target), path);
      const outcome = await sink.write(journalOf(1)).then(
        () => 'written',
        (error: Error) => error.message,
      );
      expect(outcome).toMatch(/is a symbolic link, which jsonLinesSink does not follow/);
      expect(readFileSync(at('target'), 'utf8')).toBe('secret');
      await sink.close();
    },
  );
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deadLinks } from '../../.site/links.mjs';

describe('the links of the documentation site', () => {
  const folder = mkdtempSync(join(tmpdir(), 'jit-access-site-'));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  beforeAll(() => {
    write('index.html', '<h1 id="top">a</h1><a href="guides/b.html#here">b</a><a href="/guides/">c</a><a href="https://example.com">d</a>');
    write('guides/index.html', '<a href="../index.html#top">a</a>');
    write('guides/b.html', '<h2 id="here">b</h2>');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('all lead to an existing file and anchor', () => {
    expect(deadLinks(folder)).toEqual([]);
  });

  it.each([
    ['a missing file', '<a href="c.html">', 'c.html'],
    ['a missing anchor', '<a href="b.html#there">', 'b.html#there (no such anchor)'],
    ['a script from another site', '<script src="https://example.com/a.js">', 'https://example.com/a.js (fetched from elsewhere)'],
    ['a missing picture', '<img src="/a.png">', '/a.png'],
  ])('report %s', (_, html, problem) => {
    write('guides/wrong.html', html);
    expect(deadLinks(folder)).toEqual([`guides/wrong.html -> ${problem}`]);
    rmSync(join(folder, 'guides/wrong.html'));
  });
});

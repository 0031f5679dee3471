import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { denyAll, JitEngine } from 'jit-access';
import { approvalLinks } from 'jit-access/links';
import { ENTRY_TYPES } from '../../src/records/index.js';
import { blocksOf, pages, root, textOf } from './pages.js';

const page = textOf('docs/reference/migration.md');

/** The rows of the table under a heading: the texts of its cells. */
function rowsUnder(heading: string): string[][] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const nameIn = (cell: string | undefined) => /^`([\w.]+)`$/.exec(cell ?? '')?.[1] ?? `no name: ${cell}`;
const reportOf = (entry: string) => readFileSync(`${root}docs/api/${entry === '.' ? 'index' : entry.slice(2)}.api.md`, 'utf8');
const declares = (entry: string, name: string) =>
  new RegExp(`^export .*\\b(function|interface|type|class|const) ${name}\\b`, 'm').test(reportOf(entry));

/** The old names in the tables: in the first cell of a row, or in the cell after the one that names the place. */
function oldNames(): string[] {
  const rows = page.split('\n').filter((line) => line.startsWith('|'));
  const cells = rows.flatMap((row) => row.split('|').slice(1, 3));
  return [...new Set(cells.map((cell) => /^`([\w.]+)(?:: \w+)?`$/.exec(cell.trim())?.[1]).filter((name) => name !== undefined))];
}

const reports = readdirSync(`${root}docs/api`).map((name) => readFileSync(`${root}docs/api/${name}`, 'utf8'));

/** The code of a page: inline code, and its blocks. */
const codeOf = (name: string): string[] => [
  ...blocksOf(name).map(({ code }) => code),
  ...[
    ...textOf(name)
      .replace(/^```.*?^```/gms, '')
      .matchAll(/`([^`]+)`/g),
  ].map(([, code]) => code as string),
];

/** Old names that have another meaning on these pages. */
const OTHER_MEANINGS: ReadonlySet<string> = new Set(['docs/guides/writing-a-store.md: lease', 'docs/explanation/laws.md: lease']);

describe('the page of old and new names', () => {
  it('lists current verbs for removed verbs', () => {
    const verbs = Object.getOwnPropertyNames(JitEngine.prototype);
    const rows = rowsUnder('Verbs of `JitEngine`').map((row) => row.map(nameIn));
    expect(rows.length).toBeGreaterThan(0);
    for (const [old, now] of rows) {
      expect(verbs).not.toContain(old);
      expect(verbs).toContain(now);
    }
  });

  it('lists exports of an entry for removed verbs', async () => {
    const verbs = Object.getOwnPropertyNames(JitEngine.prototype);
    const rows = rowsUnder('Verbs that are functions of an entry now');
    expect(rows.length).toBeGreaterThan(0);
    for (const [old, now, entry = ''] of rows) {
      const [, name] = /^`\.\/(\w+)`$/.exec(entry) ?? [];
      const exported = (await import(`../../src/${name}.ts`)) as object;
      expect(verbs).not.toContain(nameIn(old));
      expect(Object.keys(exported)).toContain(nameIn(now));
    }
  });

  it('lists members of approval links for removed verbs', () => {
    const links = approvalLinks(new JitEngine({ approver: denyAll() }), { keys: [{ id: 'k', secret: 's'.repeat(32) }] });
    const rows = rowsUnder('Approval links').map((row) => row.map(nameIn));
    expect(rows.map(([, now]) => now)).toEqual(Object.keys(links));
    for (const [old] of rows) expect(Object.getOwnPropertyNames(JitEngine.prototype)).not.toContain(old);
  });

  it('lists exports of an entry for its removed exports', () => {
    const rows = rowsUnder('Functions and types');
    expect(rows.length).toBeGreaterThan(0);
    for (const [entries = '', old, now] of rows) {
      for (const [, entry = ''] of entries.matchAll(/`([./\w]+)`/g)) {
        expect(declares(entry, nameIn(old)), `${entry} ${old}`).toBe(false);
        expect(declares(entry, nameIn(now)), `${entry} ${now}`).toBe(true);
      }
    }
  });

  it('lists exports of another entry for removed exports of the core', () => {
    const rows = rowsUnder('Exports of another entry now');
    expect(rows.length).toBeGreaterThan(0);
    for (const [entry = '', names = ''] of rows) {
      const [, from = ''] = /^`([./\w]+)`$/.exec(entry) ?? [];
      const declared = [...reportOf(from).matchAll(/^export .*\b(?:function|interface|type|class|const) (\w+)/gm)].map(([, name]) => name);
      expect([...names.matchAll(/`(\w+)`/g)].map(([, name]) => name).sort()).toEqual(declared.sort());
      for (const name of declared) expect(declares('.', name ?? ''), name).toBe(false);
    }
  });

  it('is the only page that mentions removed names', () => {
    const gone = oldNames().filter((name) => !reports.some((report) => new RegExp(`\\b${name}\\b`).test(report)));
    expect(gone).toEqual(expect.arrayContaining(['owedReviews', 'onCoverage', 'steadyPool', 'askAt', 'stopOnEnd']));
    const named = pages
      .filter((name) => name !== 'docs/reference/migration.md')
      .flatMap((name) =>
        codeOf(name).flatMap((code) => gone.filter((old) => new RegExp(`\\b${old}\\b`).test(code)).map((old) => `${name}: ${old}`)),
      )
      .filter((found) => !OTHER_MEANINGS.has(found));
    expect(named).toEqual([]);
  });

  it('lists current types of entries for removed ones', () => {
    const rows = rowsUnder('Entry types').map((row) => row.map(nameIn));
    expect(rows.length).toBeGreaterThan(0);
    for (const [old, now] of rows) {
      expect(Object.keys(ENTRY_TYPES)).not.toContain(old);
      expect(Object.keys(ENTRY_TYPES)).toContain(now);
    }
  });

  it('lists current kinds of notices for removed ones', () => {
    const kinds = /^export type NoticeKind =([\s\S]*?');$/m.exec(reportOf('./notify'))?.[1] ?? '';
    const rows = rowsUnder('Kinds of notices').map((row) => row.map(nameIn));
    expect(rows.length).toBeGreaterThan(0);
    for (const [old, now] of rows) {
      expect(kinds).not.toContain(`'${old}'`);
      expect(kinds).toContain(`'${now}'`);
    }
  });
});

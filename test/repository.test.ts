import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from './docs/pages.js';

const folder = mkdtempSync(join(tmpdir(), 'jit-repository-'));
afterAll(() => rmSync(folder, { recursive: true }));

const source = readFileSync(`${root}package.json`, 'utf8');
const { repository, scripts } = JSON.parse(source) as {
  readonly repository: { readonly type: string; readonly url: string };
  readonly scripts: Readonly<Record<string, string>>;
};

function check(manifest: string) {
  writeFileSync(join(folder, 'package.json'), manifest);
  return spawnSync('bash', [`${root}.ci/repository`], { cwd: folder, encoding: 'utf8' });
}

describe('npm pack and npm publish of this folder', () => {
  it('[A36] are refused, and name the command that packs a copy: the scripts and tools of the repository are for no user', () => {
    expect(scripts['prepack']).toBe('node .ci/pack.js');
    expect(scripts['tarball']).toMatch(/^node \.ci\/pack\.js \S+$/);
    const { status, stderr } = spawnSync(process.execPath, ['.ci/pack.js'], { cwd: root, encoding: 'utf8' });
    expect([status, stderr]).toEqual([1, expect.stringContaining('Run "npm run tarball": it packs a copy.')]);
  });
});

describe('the address of the repository', () => {
  it('has the form from which npm derives the homepage and the address for bugs', () => {
    expect(repository.type).toBe('git');
    expect(repository.url).toMatch(/^git\+https:\/\/github\.com\/[\w-]+\/[\w.-]+\.git$/);
  });

  it('must name its owner before publishing', () => {
    const placeholder = source.replace(/github\.com\/[\w-]+\//, 'github.com/OWNER/');
    const { status, stderr } = check(placeholder);
    expect([status, stderr]).toEqual([1, expect.stringContaining('package.json: "repository" still names OWNER.')]);
    expect(check(placeholder.replace('github.com/OWNER/', 'github.com/acme/'))).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('the changelog', () => {
  const changelog = readFileSync(`${root}CHANGELOG.md`, 'utf8');

  it('describes 0.1.0 in at most 900 words', () => {
    const [entry = ''] = /^## 0\.1\.0\n[^]*?(?=^## |$(?![^]))/m.exec(changelog) ?? [];
    const words = entry.split(/\s+/).length;
    expect(words).toBeGreaterThan(300);
    expect(words).toBeLessThanOrEqual(900);
  });

  const isSentence = (changeset: string) => /^---\n[^]*?\n---\n\n[A-Z`<][^\n]*\.\n$/.test(changeset) && !/[.!?] [A-Z`]/.test(changeset);

  it('gets one sentence from each changeset', () => {
    const changesets = readdirSync(`${root}.changeset`).filter((file) => file.endsWith('.md'));
    expect(changesets.filter((file) => !isSentence(readFileSync(`${root}.changeset/${file}`, 'utf8')))).toEqual([]);
  });

  it.each([
    ['Checks are faster.', true],
    ['`check` is faster.', true],
    ['Checks are faster. Locks too.', false],
    ['Checks\nare faster.', false],
    ['Checks are faster', false],
  ])('would find a changeset that is no sentence: %j', (text, right) => {
    expect(isSentence(`---\n'jit-access': minor\n---\n\n${text}\n`)).toBe(right);
  });
});

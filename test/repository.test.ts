import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

describe('the address of the repository', () => {
  it('is checked before all else when the package is published', () => {
    expect(scripts['prepublishOnly']).toMatch(/^\.ci\/repository && /);
  });

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

import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { root, run } from './run.js';

/** What each example prints, line by line. */
const printed: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  'quickstart.ts': ['pending', 'no_grant', 'user:maya wrote to db-prod', /^db-prod:write until \d/],
  'manager-approver.ts': ['cite a ticket', "[ [ 'security' ] ]", 'pending', 'granted'],
  'journal-on-disk.ts': [
    /^page: system:approver issued \w+\.1$/,
    'true',
    'true',
    "{ ok: false, seq: 1, problem: 'was edited: its digest does not match' }",
  ],
  'http-guard.ts': ['401', '403', '200'],
};

/** Examples that other tests run. */
const elsewhere = ['demo.ts', 'store-from-the-docs.ts', 'fake-clock.ts'];

describe.concurrent('an example', () => {
  it.each(Object.entries(printed))('%s prints what its page says', async (file, lines) => {
    const { code, stdout, stderr } = await run({ file: `examples/${file}` });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const got = stdout.trimEnd().split('\n');
    expect(got).toHaveLength(lines.length);
    lines.forEach((line, i) => (typeof line === 'string' ? expect(got[i]).toBe(line) : expect(got[i]).toMatch(line)));
  });

  it('fake-clock.ts passes as a test suite of node:test', async () => {
    const { code, stdout } = await run({ file: 'examples/fake-clock.ts' });
    expect(code).toBe(0);
    expect(stdout).toContain('# pass 3');
  });

  it('quickstart.ts runs as CommonJS too', async () => {
    const { code, stdout } = await run({ file: 'examples/quickstart.ts' }, { format: 'cjs' });
    expect(code).toBe(0);
    expect(stdout).toContain('user:maya wrote to db-prod');
  });
});

it('every example is run by a test', () => {
  const files = readdirSync(`${root}examples`).filter((name) => name.endsWith('.ts'));
  expect(files.sort()).toEqual([...Object.keys(printed), ...elsewhere].sort());
});

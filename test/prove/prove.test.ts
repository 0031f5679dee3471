import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { scaled, type Proof, type ProofResult } from './proof.js';
import { proofs } from './proofs.js';
import { prove } from './run.js';

const proofOf = (name: string, result: Partial<ProofResult> | Error): Proof => ({
  name,
  laws: ['L1', 'L12'],
  what: `what ${name} does`,
  run: async () => {
    if (result instanceof Error) throw result;
    return { count: 1_200, unit: 'kills', violations: [], ...result };
  },
});

/** What it prints, and the code that it ends with. */
async function proved(list: readonly Proof[], ...args: string[]) {
  const printed: string[] = [];
  const code = await prove(args, list, (text) => printed.push(text));
  return { code, printed: printed.join('\n') };
}

describe('npm run prove', () => {
  it('prints one table of what was tried, and ends well where everything held', async () => {
    const { code, printed } = await proved([proofOf('one', {}), proofOf('other-one', { count: 3, unit: 'races' })], '--seed', '7');
    expect(code).toBe(0);
    const time = String.raw`\d+\.\d s`;
    expect(printed.trim().split('\n')).toEqual([
      '| proof     | laws   | count       | seed | violations | time  |',
      '| --------- | ------ | ----------- | ---- | ---------- | ----- |',
      expect.stringMatching(new RegExp(String.raw`^\| one       \| L1 L12 \| 1,200 kills \| 7    \| 0          \| ${time} \|$`)),
      expect.stringMatching(new RegExp(String.raw`^\| other-one \| L1 L12 \| 3 races     \| 7    \| 0          \| ${time} \|$`)),
    ]);
  });

  it.each([
    ['finds a violation', { violations: ['revoked and yet allowed', 'twice'] }, /revoked and yet allowed[^]*twice/],
    ['throws', new Error('the server is gone'), /it threw Error: the server is gone/],
    ['has tried nothing', { count: 0 }, /it tried 0 kills: that proves nothing/],
    ['has lost count', { count: Number.NaN }, /it tried NaN kills/],
  ] as const)('fails where a proof %s, and says how to see it again', async (_, broken, says) => {
    const { code, printed } = await proved([proofOf('fine', {}), proofOf('broken', broken)], '--seed', '7', '--scale', '0.5');
    expect(code).toBe(1);
    expect(printed).toMatch(says);
    expect(printed).toContain('npm run prove -- --only broken --seed 7 --scale 0.5');
    expect(printed).not.toContain('--only fine');
  });

  it('goes on behind a proof that failed', async () => {
    const { printed } = await proved([proofOf('broken', new Error('x')), proofOf('fine', {})]);
    expect(printed).toMatch(/\| fine +\| L1 L12 \| 1,200 kills/);
  });

  it('runs those that are named, with the seed and the scale that it was given, or with a seed that it says', async () => {
    const seen: unknown[] = [];
    const one: Proof = {
      ...proofOf('one', {}),
      run: async ({ seed, scale }) => (seen.push({ seed, scale }), { count: 1, unit: 'x', violations: [] }),
    };
    expect((await proved([one, proofOf('broken', new Error('x'))], '--only', 'one', '--seed', '5', '--scale', '0.01')).code).toBe(0);
    expect(seen).toEqual([{ seed: 5, scale: 0.01 }]);
    const { printed } = await proved([one]);
    expect(seen[1]).toMatchObject({ scale: 1 });
    expect(printed).toContain(`| ${(seen[1] as { seed: number }).seed} `);
  });

  it('lists them without running any', async () => {
    expect(await proved([proofOf('broken', new Error('x'))], '--list')).toEqual({
      code: 0,
      printed: '| proof  | laws   | what             |\n| ------ | ------ | ---------------- |\n| broken | L1 L12 | what broken does |',
    });
  });

  it.each([
    [['--only', 'nothing'], /there is no proof "nothing"; there are one/],
    [['--seed', '-1'], /--seed/],
    [['--seed=x'], /--seed/],
    [['--scale', '0'], /--scale/],
    [['--fast'], /--fast/],
  ] as const)('runs nothing for %j, which is no command', async (args, says) => {
    const { code, printed } = await proved([proofOf('one', {})], ...args);
    expect(code).toBe(2);
    expect(printed).toMatch(says);
    expect(printed).toContain('npm run prove -- [--only NAME]');
  });

  it('runs nothing where there is nothing to run', async () => {
    expect((await proved([])).code).toBe(2);
  });

  it('ends its process with that code', () => {
    const root = fileURLToPath(new URL('../../', import.meta.url));
    const run = (...args: string[]) =>
      spawnSync(process.execPath, ['--import', 'tsx', 'test/prove/prove.ts', ...args], {
        cwd: root,
        env: { ...process.env, TSX_TSCONFIG_PATH: 'test/tsconfig.json' },
        encoding: 'utf8',
      });
    expect(run('--only', 'no-such-proof')).toMatchObject({ status: 2, stderr: '' });
  });
});

describe('a proof', () => {
  it('has a name of its own, laws and a line that says what it does', () => {
    expect(new Set(proofs.map(({ name }) => name)).size).toBe(proofs.length);
    for (const { name, laws, what } of proofs) {
      expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(laws.length).toBeGreaterThan(0);
      for (const law of laws) expect(law).toMatch(/^L([1-9]|[12]\d|3[0-5])$/);
      expect(what).toMatch(/^[^\n|]{20,200}$/);
    }
  });

  it('is scaled to a part of a full run that is never nothing', () => {
    expect([scaled(200, 1), scaled(200, 0.01), scaled(20, 0.01), scaled(20, 0.5)]).toEqual([200, 2, 1, 10]);
  });
});

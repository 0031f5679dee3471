import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MadePart } from '../docs/made-part.js';
import { scaled, type Proof, type ProofResult } from './proof.js';
import { proofs } from './proofs.js';
import { assurance } from './assurance.js';
import { enoughTries } from './race-statistics.js';
import { prove, type Outcome } from './run.js';

const proofOf = (name: string, result: Partial<ProofResult> | Error): Proof => ({
  name,
  laws: ['L1', 'L12'],
  what: `what ${name} does`,
  run: async () => {
    if (result instanceof Error) throw result;
    return { count: 1_200, unit: 'kills', violations: [], ...result };
  },
});

/** The output, and the exit code. */
async function proved(list: readonly Proof[], ...args: string[]) {
  const printed: string[] = [];
  let written: readonly Outcome[] | undefined;
  const code = await prove(
    args,
    list,
    (text) => printed.push(text),
    async (outcomes) => void (written = outcomes),
  );
  return { code, printed: printed.join('\n'), written };
}

describe('npm run prove', () => {
  it('prints one table of what was tried, and exits with 0 where every proof held', async () => {
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
    ['returns an invalid count', { count: Number.NaN }, /it tried NaN kills/],
  ] as const)('fails where a proof %s, and prints how to repeat it', async (_, broken, says) => {
    const { code, printed } = await proved([proofOf('fine', {}), proofOf('broken', broken)], '--seed', '7', '--scale', '0.5');
    expect(code).toBe(1);
    expect(printed).toMatch(says);
    expect(printed).toContain('npm run prove -- --only broken --seed 7 --scale 0.5');
    expect(printed).not.toContain('--only fine');
  });

  it('runs the remaining proofs after a failed one', async () => {
    const { printed } = await proved([proofOf('broken', new Error('x')), proofOf('fine', {})]);
    expect(printed).toMatch(/\| fine +\| L1 L12 \| 1,200 kills/);
  });

  it('runs the named proofs, with the given seed and scale, or with a seed that it prints', async () => {
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

  it('prints the measurements, and stores them', async () => {
    const { printed, written } = await proved([proofOf('one', { notes: ['found after 3 tries'] })], '--write');
    expect(printed).toContain('\none: found after 3 tries');
    const page = assurance('', written ?? [], { seed: 1, day: '2026-01-01', proofs: [proofOf('one', {})] });
    expect(page).toContain('1,200 kills; found after 3 tries');
  });

  it('stores the results only with --write', async () => {
    expect((await proved([proofOf('one', {})])).written).toBeUndefined();
    expect((await proved([proofOf('one', {})], '--write')).written).toMatchObject([{ proof: { name: 'one' }, count: 1_200 }]);
    expect((await proved([proofOf('one', {})], '--list', '--write')).written).toEqual([]);
  });

  it('lists the proofs without running any', async () => {
    expect(await proved([proofOf('broken', new Error('x'))], '--list')).toEqual({
      code: 0,
      written: undefined,
      printed: '| proof  | laws   | what             |\n| ------ | ------ | ---------------- |\n| broken | L1 L12 | what broken does |',
    });
  });

  it.each([
    [['--only', 'nothing'], /there is no proof "nothing"; there are one/],
    [['--seed', '-1'], /--seed/],
    [['--seed=x'], /--seed/],
    [['--scale', '0'], /--scale/],
    [['--fast'], /--fast/],
  ] as const)('runs nothing for the invalid command %j', async (args, says) => {
    const { code, printed } = await proved([proofOf('one', {})], ...args);
    expect(code).toBe(2);
    expect(printed).toMatch(says);
    expect(printed).toContain('npm run prove -- [--only NAME]');
  });

  it('runs nothing without proofs', async () => {
    expect((await proved([])).code).toBe(2);
  });

  it('exits with the returned code', () => {
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

describe('docs/explanation/assurance.md', () => {
  const [one, two, three] = ['one', 'two', 'three'].map((name) => proofOf(name, {})) as [Proof, Proof, Proof];
  const outcome = (proof: Proof, count: number): Outcome => ({ proof, count, unit: 'kills', violations: [], seconds: 6 });
  const rows = (text: string) => text.split('\n').filter((line) => /^\| (one|two|three) /.test(line));

  it('keeps the rows of proofs that were not run, and marks the others as never run', () => {
    const first = assurance('', [outcome(one, 5), outcome(two, 6)], { seed: 1, day: '2026-01-01', proofs: [one, two, three] });
    const then = assurance(first, [outcome(two, 7_000)], { seed: 2, day: '2026-01-02', proofs: [two, one, three] });
    expect(rows(then).map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
      '| two | what two does | 7,000 kills | 2 | 0 | 6.0 s | 2026-01-02 |',
      '| one | what one does | 5 kills | 1 | 0 | 6.0 s | 2026-01-01 |',
      '| three | what three does | not run | | | | |',
    ]);
    expect(rows(assurance(then, [], { seed: 3, day: '2026-01-03', proofs: [one] }))).toHaveLength(1);
  });

  it('has a row for each law', () => {
    const lines = assurance('', [], { seed: 1, day: '2026-01-01', proofs: [one] }).split('\n');
    expect(lines.filter((line) => /^\| L\d+ /.test(line))).toHaveLength(47);
    expect(lines.find((line) => line.startsWith('| L12 '))).toMatch(/\| \d+ files +\| one +\|$/);
  });

  it('has a row for each existing proof', () => {
    const page = new MadePart('docs/explanation/assurance.md', 'npm run prove').read();
    for (const { name } of proofs) expect(page).toContain(`| ${name} `);
  });
});

describe('race-statistics', () => {
  it('requires as many clean tries as a buggy build takes, plus three deviations', () => {
    expect(enoughTries([2, 4, 4, 4, 5, 5, 7, 9])).toMatchObject({ mean: 5, enough: 12 });
    expect(enoughTries([1, 1, 1])).toEqual({ mean: 1, sigma: 0, enough: 1 });
  });
});

describe('a proof', () => {
  it('has a unique name, laws and a one-line description', () => {
    expect(new Set(proofs.map(({ name }) => name)).size).toBe(proofs.length);
    for (const { name, laws, what } of proofs) {
      expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(laws.length).toBeGreaterThan(0);
      for (const law of laws) expect(law).toMatch(/^L([1-9]|[123]\d|4[0-7])$/);
      expect(what).toMatch(/^[^\n|]{20,200}$/);
    }
  });

  it('is scaled to a part of a full run, but to at least one', () => {
    expect([scaled(200, 1), scaled(200, 0.01), scaled(20, 0.01), scaled(20, 0.5)]).toEqual([200, 2, 1, 10]);
  });
});

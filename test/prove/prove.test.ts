import { describe, expect, it } from 'vitest';
import { MadePart } from '../docs/made-part.js';
import type { Proof, ProofResult } from './proof.js';
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

/** The output, and the exit code. */
async function proved(list: readonly Proof[], ...args: string[]) {
  const printed: string[] = [];
  const code = await prove(
    args,
    list,
    (text) => printed.push(text),
    () => Promise.resolve(),
  );
  return { code, printed: printed.join('\n') };
}

describe('npm run prove', () => {
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
});

describe('docs/explanation/assurance.md', () => {
  it('has a row for each existing proof', () => {
    const page = new MadePart('docs/explanation/assurance.md', 'npm run prove').read();
    for (const { name } of proofs) expect(page).toContain(`| ${name} `);
  });
});

describe('a proof', () => {
  it('has a unique name, laws and a one-line description', () => {
    expect(new Set(proofs.map(({ name }) => name)).size).toBe(proofs.length);
    for (const { name, laws, what } of proofs) {
      expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(laws.length).toBeGreaterThan(0);
      for (const law of laws) expect(law).toMatch(/^L([1-9]|[123]\d|4[0-8])$/);
      expect(what).toMatch(/^[^\n|]{20,200}$/);
    }
  });
});

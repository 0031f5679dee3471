import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const { peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly peerDependencies: Readonly<Record<string, string>>;
};

describe('the peer ranges of package.json', () => {
  // An open range promises every later major, and lets npm install an earlier one beside it without a word.
  it.each(Object.entries(peerDependencies))('[NC8] names the majors that it was tried with: %s %s', (_, range) => {
    for (const part of range.split(' || ')) expect(part).toMatch(/^(?:\^\d+\.\d+\.\d+|>=\d+\.\d+\.\d+ <\d+\.\d+\.\d+)$/);
  });

  it('[NC8] takes only the AI SDK 7: on 6 no guarded tool runs', () => {
    expect(peerDependencies['ai']).toBe('^7.0.0');
  });
});

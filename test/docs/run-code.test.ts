import { describe, expect, it } from 'vitest';
import { run } from '../examples/run.js';
import { code, nameOf, programOf } from './blocks.js';

describe.concurrent('the code in README.md and docs runs', () => {
  it.each(code.filter((block) => block.info === 'ts run').map((block) => [nameOf(block), block] as const))(
    '%s, and prints the output that follows it',
    async (_, block) => {
      const { stdout, stderr, code: exit } = await run({ text: programOf(block) }, { bundlesCommonJs: block.code.includes("from 'koa'") });
      expect(stderr).toBe('');
      expect(exit).toBe(0);
      if (block.prints !== undefined) expect(stdout).toBe(block.prints);
    },
  );
});

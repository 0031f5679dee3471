import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

describe('an example of a store', () => {
  it.each([
    ['sqlite.ts', ['true', 'false']],
    ['two-processes-postgres.ts', ['process 2: approved, allowed true', 'process 1: allowed true', 'process 1: allowed false']],
  ])('%s prints the output in its docs', async (file, lines) => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', `examples/${file}`], {
      cwd: root,
      env: { ...process.env, TSX_TSCONFIG_PATH: 'examples/tsconfig.json' },
    });
    expect(stdout.trimEnd().split('\n')).toEqual(lines);
  });
});

import { describe, expect, it } from 'vitest';
import { chosenRuns } from './engines.js';

describe('npm run test:stores -- <url>', () => {
  const url = 'postgres://jit:secret@db.example:26257/jit_test';

  it('runs the tests of PostgreSQL against that server, and shows no password', () => {
    expect(chosenRuns([url], false)).toEqual([
      { name: 'db.example:26257/jit_test', args: ['test/contract/sql-postgres.test.ts', 'test/stores/sql'], env: { JIT_TEST_PG_URL: url } },
    ]);
  });

  it('runs only the contract suite with --portable', () => {
    expect(chosenRuns([url], false, true)).toEqual([
      {
        name: 'db.example:26257/jit_test',
        args: ['test/contract/sql-postgres.test.ts'],
        env: { JIT_TEST_PG_URL: url, JIT_TEST_PORTABLE: '1' },
      },
    ]);
  });

  it('refuses an engine that it does not know', () => {
    expect(() => chosenRuns(['mysql://db.example/jit'], false)).toThrow(
      /^there is no engine "mysql:\/\/db\.example\/jit"; there are sqlite, /,
    );
  });
});

import { describe, expect, it } from 'vitest';
import { chosenRuns } from './engines.js';

describe('npm run test:stores', () => {
  it('runs all tests of the stores first, then only further drivers', () => {
    const [first, ...others] = chosenRuns([], true);
    expect(first).toEqual({ name: 'every store', args: [], env: {} });
    for (const { name, env } of others) {
      expect(['better-sqlite3', 'postgres-15', 'valkey', 'kysely']).toContain(name);
      expect(env).not.toEqual({});
    }
  });

  it('runs a named engine, and its durable tests by the name that they have in titles', () => {
    expect(chosenRuns(['postgres'], false).map(({ name, args }) => [name, args.join(' ')])).toEqual([
      ['postgres', 'test/contract/sql-p test/stores/sql'],
      ['postgres, durable', 'test/stores/durable test/model/durable.test.ts -t postgres'],
    ]);
  });

  it('leaves the durable tests out with --short', () => {
    expect(chosenRuns(['sqlite'], true).map(({ name }) => name)).toEqual(['sqlite']);
  });

  it.each(['mongodb', 'toString'])('refuses %s and names the engines', (name) => {
    expect(() => chosenRuns([name], false)).toThrow(
      `there is no engine "${name}"; there are sqlite, better-sqlite3, postgres, postgres-15, redis, valkey, kysely`,
    );
  });
});

import { JitEngine, MemoryGrantStore, reviewers } from 'jit-access';
import type { GrantStore } from 'jit-access';
import { redisGrantStore } from 'jit-access/redis';
import { sqlGrantStore } from 'jit-access/sql';
import { describe, expect, it } from 'vitest';

const approver = reviewers({ members: ['user:sam'] });

/** The in-memory store with the declared durability of another store. */
function claiming(durability: GrantStore['durability'], namespace?: string): GrantStore {
  const store = new MemoryGrantStore(namespace === undefined ? {} : { namespace });
  return Object.defineProperty(store, 'durability', { value: durability });
}

const db = { executeQuery() {}, connection() {}, withoutPlugins: () => db };
const client = { send: () => Promise.resolve(null) };

describe('a store that outlives its process names its service [M10]', () => {
  it.each([
    ['sqlGrantStore on SQLite', () => sqlGrantStore({ db, dialect: 'sqlite' } as never)],
    ['sqlGrantStore on PostgreSQL', () => sqlGrantStore({ db, dialect: 'postgres', namespace: undefined } as never)],
    ['redisGrantStore', () => redisGrantStore({ client } as never)],
    ['redisGrantStore, undefined', () => redisGrantStore({ client, namespace: undefined } as never)],
  ])('%s refuses to be made without a namespace [M10]', (_, make) => {
    expect(make).toThrow("namespace must be the name of your service or tenant, for example 'payments' (it has no default); got undefined");
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'namespace' }) as Error);
  });

  it.each(['process', 'server'] as const)('an engine refuses the namespace default where durability is %s [M10]', (durability) => {
    const make = () => new JitEngine({ approver, store: claiming(durability) });
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'store.namespace' }) as Error);
  });

  it('an engine takes default in memory, and any other name anywhere [M10]', () => {
    expect(() => new JitEngine({ approver, store: claiming('memory') })).not.toThrow();
    expect(() => new JitEngine({ approver, store: claiming('server', 'payments') })).not.toThrow();
  });
});

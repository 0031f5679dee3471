import { provision } from 'jit-access/provisioning';
import { describe, expect, it, vi } from 'vitest';
import { reviewers, type GrantStore } from '../../src/index.js';
import { RecordingSink } from '../../src/testing.js';
import { entriesOf, MAYA, SCOPE } from './an-engine.js';

/** The platform functions that some runtimes forbid at module scope. Collects the calls. */
function watched(): { readonly called: string[]; readonly restore: () => void } {
  const called: string[] = [];
  const watch = (owner: object, name: string) => {
    const methods = owner as Record<string, (...args: unknown[]) => unknown>;
    const own = methods[name] as (...args: unknown[]) => unknown;
    vi.spyOn(methods, name).mockImplementation((...args) => {
      called.push(name);
      return Reflect.apply(own, owner, args);
    });
  };
  for (const name of ['getRandomValues', 'randomUUID']) watch(crypto, name);
  for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch']) watch(globalThis, name);
  watch(Math, 'random');
  return { called, restore: () => void vi.restoreAllMocks() };
}

/** A store that records every call. */
function aStore(inner: GrantStore): { readonly store: GrantStore; readonly calls: string[] } {
  const calls: string[] = [];
  const store = new Proxy(inner, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        calls.push(String(name));
        return Reflect.apply(value, target, args);
      };
    },
  });
  return { store, calls };
}

describe('new JitEngine()', () => {
  it('draws no randomness, starts no timer and does no I/O, with any options (L46)', async () => {
    const { JitEngine, MemoryGrantStore, consoleSink, callbackSink } = await import('../../src/index.js');
    const { notify } = await import('../../src/notify.js');
    const { webhookSink } = await import('../../src/webhook.js');
    const { store, calls } = aStore(new MemoryGrantStore());
    const sinks = [new RecordingSink(), new RecordingSink({ name: 'local', follow: 'local' })];
    const { called, restore } = watched();
    try {
      const engine = new JitEngine({
        approver: reviewers({ members: ['user:sam'] }),
        store,
        audit: [
          ...sinks,
          consoleSink(),
          callbackSink('callback', () => undefined),
          notify({ name: 'chat', send: () => undefined }),
          webhookSink({ name: 'siem', url: 'https://siem.example/', secrets: [`whsec_${'A'.repeat(43)}=`] }),
        ],
        standing: { [MAYA]: ['docs:read'] },
      });
      provision(engine, { name: 'roles', scopes: [SCOPE], apply: () => undefined });
      await Promise.resolve();
      expect({ called, calls }).toEqual({ called: [], calls: [] });
    } finally {
      restore();
    }
  });

  it('follows the journal from the first call of a verb, not from construction (L28, L46)', async () => {
    const { JitEngine, MemoryGrantStore } = await import('../../src/index.js');
    const store = new MemoryGrantStore();
    const local = new RecordingSink({ name: 'local', follow: 'local' });
    const shared = new RecordingSink();
    const approver = reviewers({ members: ['user:sam'] });
    const engine = new JitEngine({ approver, store, audit: [local, shared] });
    const other = new JitEngine({ approver, store });
    await other.requestAccess({ subject: MAYA, scope: 'before', ttl: '5m' });
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    await other.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '5m' });
    await engine.flushAudit();
    const entries = await entriesOf(store);
    expect(shared.entries.map(({ seq }) => seq)).toEqual(entries.map(({ seq }) => seq));
    expect(local.entries.map(({ seq }) => seq)).toEqual(entries.slice(2).map(({ seq }) => seq));
  });
});

describe('startSweeper()', () => {
  it('names the alternative in its error if the runtime has no lasting timers (L46)', async () => {
    const { JitEngine, MemoryGrantStore, startSweeper } = await import('../../src/index.js');
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: ['user:sam'] }) });
    const instead = /call engine\.sweep\(\) from a scheduled handler instead/;
    const start = () => startSweeper(engine, { every: '30s' });
    vi.stubGlobal('setTimeout', () => {
      throw new Error('Disallowed operation called within global scope');
    });
    try {
      expect(start).toThrow(expect.objectContaining({ code: 'ERR_JIT_CLOCK', message: expect.stringMatching(instead) as string }));
    } finally {
      vi.unstubAllGlobals();
    }
    for (const [name, value] of [
      ['setTimeout', undefined],
      ['navigator', { userAgent: 'Cloudflare-Workers' }],
    ] as const) {
      vi.stubGlobal(name, value);
      try {
        expect(start).toThrow(expect.objectContaining({ code: 'ERR_JIT_CLOCK', message: expect.stringMatching(instead) as string }));
      } finally {
        vi.unstubAllGlobals();
      }
    }
    await start().stop();
  });
});

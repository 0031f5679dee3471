import { expect } from 'vitest';
import {
  isJitError,
  JitEngine,
  MemoryGrantStore,
  reviewers,
  type AccessAsk,
  type AccessRequest,
  type AnyJitError,
  type AuditEntry,
  type Grant,
  type GrantStore,
  type JitEngineOptions,
  type JitErrorCode,
  type JsonObject,
} from '../../src/index.js';
import { LOCK_ROW } from '../../src/records/index.js';
import type { Row } from '../../src/store.js';
import { readJournal } from '../../src/journal.js';
import { aChange, FaultyStore, ManualClock, START_AT } from '../../src/testing.js';

export const MAYA = 'user:maya';
export const SAM = 'user:sam';
export const ANA = 'user:ana';
export const LEE = 'user:lee';
export const SCOPE = 'db-prod:write';
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/**
 * An engine on a clock that stands still, over a store that accepts injected faults. Collects what it reports to `onError`.
 * It allows windows of a millisecond, so that tests reach every bound without waiting for a second. It resolves a lost reply
 * by one immediate resend, so that no test has to move the clock for it.
 */
export function anEngine(options: Partial<JitEngineOptions> = {}) {
  const clock = (options.clock ?? new ManualClock()) as ManualClock;
  const store = (options.store ?? new FaultyStore(new MemoryGrantStore())) as FaultyStore;
  const told: { readonly error: unknown; readonly during: string }[] = [];
  const engine = new JitEngine({
    approver: reviewers({ members: [SAM, ANA, LEE] }),
    onError: (error, during) => told.push({ error, during }),
    ...options,
    limits: { minTtl: 1, resendMs: 0, ...options.limits },
    clock,
    store,
  });
  return { engine, clock, store, told };
}

/** Requests {@link SCOPE} as maya for 15 minutes, unless overridden. */
export function ask(engine: JitEngine, over: Partial<AccessAsk> = {}) {
  const scope = over.scopes === undefined ? { scope: SCOPE } : {};
  return engine.requestAccess({ subject: MAYA, ...scope, ttl: 15 * MINUTE, ...over });
}

export async function aPending(engine: JitEngine, over: Partial<AccessAsk> = {}): Promise<AccessRequest> {
  const result = await ask(engine, over);
  expect(result.outcome).toBe('pending');
  return result.request;
}

/** Requests access and has sam approve it. @returns the one grant */
export async function aGranted(engine: JitEngine, over: Partial<AccessAsk> = {}): Promise<Grant> {
  const [grant] = await grantsOf(engine, over);
  return grant as Grant;
}

export async function grantsOf(engine: JitEngine, over: Partial<AccessAsk> = {}): Promise<readonly Grant[]> {
  let result = await ask(engine, over);
  if (result.outcome === 'pending') result = await engine.approve(result.request.id, { by: SAM });
  if (result.outcome !== 'granted') throw new Error(`expected a grant, got ${result.outcome}`);
  return result.grants;
}

/** The error that a promise rejects with: a JitError, with this code if one is given. */
export async function refusal<Code extends JitErrorCode>(
  work: Promise<unknown> | (() => unknown),
  code?: Code,
): Promise<Extract<AnyJitError, { code: Code }>> {
  let error: unknown;
  try {
    const value = await (typeof work === 'function' ? work() : work);
    error = new Error(`expected ${code ?? 'a refusal'}, but it resolved to ${JSON.stringify(value)}`);
  } catch (thrown) {
    error = thrown;
  }
  if (!isJitError(error)) throw error;
  if (code !== undefined && error.code !== code) throw new Error(`expected ${code}, got ${error.code}`, { cause: error });
  return error as Extract<AnyJitError, { code: Code }>;
}

/** Writes entries of callers, at least one for each ask: once they are more than half of these, the journal confirms the clock (L39). */
export async function confirmNow(engine: JitEngine, asks: number): Promise<void> {
  for (let i = 0; i < asks; i++) await ask(engine, { subject: `user:confirms-${i}`, scope: 'confirms' });
}

/** Copies the one lock of a store, which is on a subject, until the row is full: 256 locks, of other subjects and with the same `until`. */
export async function fillLocks(store: GrantStore): Promise<void> {
  const row = (await store.get([LOCK_ROW]))[0] as Row;
  const [lock = {}] = row.body['locks'] as readonly JsonObject[];
  const copies = Array.from({ length: 255 }, (_, i) => ({ ...lock, id: `copy-${i}`, subject: `user:copy-${i}` }));
  await store.commit(aChange({ put: [{ ...row, version: row.version + 1, body: { ...row.body, locks: [lock, ...copies] } }] }));
}

export async function entriesOf(store: GrantStore): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for await (const entry of readJournal(store)) entries.push(entry);
  return entries;
}

export const typesOf = async (store: GrantStore): Promise<readonly string[]> => (await entriesOf(store)).map((entry) => entry.type);

export const at = (ms: number): number => START_AT + ms;

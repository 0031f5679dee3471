import { createAuthzenHandler, type AuthzenHandler } from 'jit-access/authzen';
import { autoApprove, JitEngine, MemoryGrantStore, type GrantStore } from 'jit-access';
import { isInstalled } from '../../stores/redis/started.js';
import type { Engine } from '../stores/engines/engine.js';
import { postgres } from '../stores/engines/postgres.js';
import { redis } from '../stores/engines/redis.js';
import { sqlite } from '../stores/engines/sqlite.js';
import { quantile } from './figure.js';
import { markdown } from './table.js';

/** Evaluations through the AuthZEN handler beside `check` of the same engine, with this many calls in flight. */
export interface EvaluationRate {
  readonly store: string;
  readonly inFlight: number;
  /** Medians of the rounds, a second. */
  readonly checks: number;
  readonly evaluations: number;
  /** How many checks take the time of one evaluation: the median of the ratios of the rounds, and its quartiles. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

const IN_FLIGHT = [1, 32] as const;
const GRANTS = 1_000;
const URL = 'https://pdp.example.com';
const NAMESPACE = 'evaluations';

const subjectOf = (n: number): string => `user:${n}`;
const scopeOf = (n: number): string => `db:prod-${n % 10}:write`;
const bodyOf = (n: number): string =>
  JSON.stringify({ subject: { type: 'user', id: String(n) }, resource: { type: 'db', id: `prod-${n % 10}` }, action: { name: 'write' } });

/** The stores by name, and the calls of one round: some tenths of a second. */
const STORES: Readonly<Record<string, { readonly calls: number; readonly open: () => Promise<Opened> }>> = {
  memory: { calls: 5_000, open: () => Promise.resolve({ name: 'memory', store: new MemoryGrantStore(), close: () => Promise.resolve() }) },
  sqlite: { calls: 3_000, open: () => openOn(sqlite) },
  postgres: { calls: 1_000, open: () => openOn(postgres) },
  redis: { calls: 2_000, open: () => openOn(redis) },
};
/** The stores that can start on this machine. */
export const EVALUATION_STORES = Object.keys(STORES).filter((name) => name !== 'redis' || isInstalled);

interface Opened {
  readonly name: string;
  readonly store: GrantStore;
  close(): Promise<void>;
}

async function openOn(start: () => Promise<Engine>): Promise<Opened> {
  const engine = await start();
  const opened = await engine.open(0);
  if (opened === undefined) throw new Error(`${engine.name} does not open`);
  const close = async () => {
    await opened.close();
    await engine.close();
  };
  return { name: engine.name, store: opened.store.in(NAMESPACE), close };
}

/** Every call is allowed. The rounds of `check` and of the handler alternate, so that a busy machine slows both alike. */
export async function evaluationRates(name: string, rounds: number): Promise<readonly EvaluationRate[]> {
  const { calls, open } = STORES[name] as (typeof STORES)[string];
  const { name: store, store: grants, close } = await open();
  const engine = new JitEngine({ store: grants, approver: autoApprove(() => true) });
  try {
    await inFlightOf(32, GRANTS, (n) => engine.requestAccess({ subject: subjectOf(n), scope: scopeOf(n), ttl: '8h' }));
    const authzen = createAuthzenHandler(engine, {
      publicUrl: URL,
      identify: () => ({ subject: 'service:gateway' }),
      tokenKeys: [{ id: 'k1', secret: 'k'.repeat(32) }],
    });
    const check = async (i: number) => {
      const { allowed } = await engine.check(subjectOf(i % GRANTS), scopeOf(i % GRANTS));
      if (!allowed) throw new Error(`${subjectOf(i % GRANTS)} was denied`);
    };
    const evaluate = (i: number) => evaluateWith(authzen, bodies[i % GRANTS] as string);
    const bodies = Array.from({ length: GRANTS }, (_, n) => bodyOf(n));
    const rates: EvaluationRate[] = [];
    for (const inFlight of IN_FLIGHT) {
      const times: { readonly check: number; readonly evaluation: number }[] = [];
      for (let round = 0; round <= rounds; round++) {
        const time = { check: await inFlightOf(inFlight, calls, check), evaluation: await inFlightOf(inFlight, calls, evaluate) };
        // The first round is for the compiler.
        if (round > 0) times.push(time);
      }
      const perSecond = (ms: readonly number[]) => (calls * 1_000) / quantile(ms, 0.5);
      const ratios = times.map(({ check: known, evaluation }) => evaluation / known);
      rates.push({
        store,
        inFlight,
        checks: perSecond(times.map(({ check: ms }) => ms)),
        evaluations: perSecond(times.map(({ evaluation }) => evaluation)),
        ratio: quantile(ratios, 0.5),
        low: quantile(ratios, 0.25),
        high: quantile(ratios, 0.75),
      });
    }
    return rates;
  } finally {
    await engine.close();
    await close();
  }
}

async function evaluateWith(authzen: AuthzenHandler, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await authzen(new Request(`${URL}/access/v1/evaluation`, { method: 'POST', headers, body }));
  const { decision } = (await response.json()) as { readonly decision?: boolean };
  if (decision !== true) throw new Error(`${body} was answered with ${response.status}`);
}

/** Makes the calls with this many in flight. @returns the milliseconds that all of them take */
async function inFlightOf(inFlight: number, count: number, call: (i: number) => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return performance.now() - started;
}

/** The ratios alone. */
export function evaluationRatios(rates: readonly EvaluationRate[]): string {
  const ratios = rates.map(({ store, inFlight, ratio, low, high }) => [
    store,
    String(inFlight),
    `${ratio.toFixed(2)}x (${low.toFixed(2)} to ${high.toFixed(2)})`,
  ]);
  return markdown(['store', 'in flight', 'one evaluation, in checks'], ratios);
}

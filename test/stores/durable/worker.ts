import { provision } from 'jit-access/provisioning';
/*
 * A process with an engine, which executes the messages of its parent process one at a time. It ends when the parent
 * ends, or is killed.
 *
 * worker.mjs <JSON of WorkerOptions>
 */
import { isJitError, JitEngine, type JitEngineOptions } from 'jit-access';
import { purge } from 'jit-access/retention';
import { ManualClock } from 'jit-access/testing';
import { viewOf, type LiveView } from 'jit-access/view';
import { linksOf } from '../../features/links/links-of.js';
import { lookAt } from './answers.js';
import { churn, NothingGranted } from './churn.js';
import { count } from './count.js';
import { engineOptions } from './door.js';
import { JumpingClock, machineTime } from './jumping-clock.js';
import { openStore } from './place.js';
import { sinkOf } from './sinks.js';
import type { Answer, Order, WorkerOptions } from './workers.js';

const options = JSON.parse(process.argv[2] ?? '') as WorkerOptions;
process.on('disconnect', () => process.exit());

let stopsWhile: string | undefined;
const { store, fill } = await openStore(options.place, {
  namespace: options.namespace,
  timeoutMs: options.timeoutMs,
  onStatement(sql) {
    if (stopsWhile === undefined || !sql.includes(stopsWhile)) return;
    stopsWhile = undefined;
    // It stops here, in the middle of a transaction, before the next statement is sent.
    process.kill(process.pid, 'SIGSTOP');
  },
});
const told: string[] = [];
const engineIn = (namespace: string, over: Pick<JitEngineOptions, 'audit'> = {}) =>
  new JitEngine({
    ...engineOptions(),
    ...over,
    store: store.in(namespace),
    clock: manual ?? jumping,
    onError: (error) => told.push(String(error)),
  });
const jumping = new JumpingClock(options.aheadMs);
let manual = options.at === undefined ? undefined : new ManualClock(options.at);
let engine = engineIn(options.namespace);
let view: LiveView | undefined;

/** External calls wait until all of them are released; later calls do not wait. */
let letGo: () => void = () => undefined;
const released = new Promise<void>((resolve) => (letGo = resolve));

/** The external system: no message that was sent is lost when this process dies. */
const arrived = (message: object) => new Promise<void>((resolve) => process.send?.(message, undefined, {}, () => resolve()));

const resting = new AbortController();
/** After a suspension, the server may have rolled back a commit. */
const OUTAGES = new Set(['ERR_JIT_STORE', 'ERR_JIT_OUTCOME_UNKNOWN']);
/** Where processes set their clocks a day ahead one after the other: what a life asked for may have ended, and be gone. */
const OVERTAKEN = /^ERR_JIT_(DEADLINE|DECIDED|DENIED|ENDED|LIMIT|LOCKED|NOT_FOUND|UNDECIDED)$/;
/** By {@link machineTime}. `Infinity`: the clocks have not been set yet. */
let setFrom = Infinity;
let setUntil = 0;

function toleratesIn({ outages, looks }: Extract<Order, { readonly do: 'churn' }>, error: unknown, since: number): boolean {
  const code = isJitError(error) ? error.code : '';
  if (looks === true) process.send?.({ refused: code });
  if (outages === true && OUTAGES.has(code)) return true;
  // A process that was started while faster ones wrote creates nothing until one of them has confirmed its clock (L39).
  if (looks === true && code === 'ERR_JIT_CLOCK') return true;
  const isOvertaken = setFrom !== Infinity && since <= setUntil;
  // The end of a lock may have passed before the lock is set.
  const isPast = isJitError(error) && error.code === 'ERR_JIT_INVALID_ARGUMENT' && error.argument === 'until';
  return isOvertaken && (OVERTAKEN.test(code) || isPast || error instanceof NothingGranted);
}

const DAY_MS = 86_400_000;

/** Removes what ended a day ago, by this clock alone if `force` is given. */
async function purgeDay(force: boolean): Promise<void> {
  await purge(engine, { before: jumping.now() - DAY_MS, by: 'user:root', force });
}

const look = async (subject: string, scope: string): Promise<void> => {
  view ??= viewOf(engine, { maxStaleMs: options.maxStaleMs, countedGrants: 'allow' });
  process.send?.({ seen: await lookAt({ subject, scope }, jumping, engine, [view]) });
};

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'call': {
      // All processes start at one instant.
      while (Date.now() < order.at);
      return Promise.all(order.calls.map(outcomeOf));
    }
    case 'clock':
      return manual?.set(order.at);
    case 'jump':
      if (order.overtakes === 'begins') setFrom = Math.min(setFrom, machineTime());
      jumping.jump(order.ms);
      setUntil = order.overtakes === 'begins' ? Infinity : order.overtakes === 'ends' ? machineTime() : setUntil;
      return undefined;
    case 'fill':
      return fill?.(order.isFull);
    case 'purge':
      return purgeDay(true).catch((error: unknown) => {
        if (!isJitError(error) || !OUTAGES.has(error.code)) throw error;
      });
    case 'look':
      return look(order.subject, order.scope);
    case 'move': {
      await engine.close();
      manual = options.at === undefined ? undefined : new ManualClock(options.at);
      engine = engineIn(order.namespace);
      return undefined;
    }
    case 'churn':
      return churn(engine, {
        ...order,
        signal: resting.signal,
        tolerates: (error, since) => toleratesIn(order, error, since),
        ...(order.looks === true ? { look, purge: purgeDay } : {}),
        onAck: (ack, began) => process.send?.({ ack, began, at: machineTime() }),
      });
    case 'count':
      return count({
        ...order,
        store,
        checksRows: options.place.kind !== 'redis',
        signal: resting.signal,
        onReport: (counted) => process.send?.({ counted }),
      });
    case 'rest':
      resting.abort();
      return undefined;
    case 'stop while':
      stopsWhile = order.sql;
      return undefined;
    case 'follow':
      provision(engine, {
        name: 'roles',
        scopes: order.scopes,
        async apply({ subject, scope, held: holds, seq, id, signal: _ }) {
          await arrived({ outside: { subject, scope, held: holds, seq, id } });
          await released;
        },
      });
      return undefined;
    case 'notify': {
      await engine.close();
      engine = engineIn(options.namespace, {
        audit: sinkOf(order.over, async (id) => {
          await arrived({ sent: id });
          await released;
        }),
      });
      return undefined;
    }
    case 'let go':
      letGo();
      return undefined;
    case 'told':
      return told;
  }
}

async function outcomeOf([verb, ...args]: readonly [string, ...unknown[]]): Promise<{ readonly value?: unknown; readonly code?: string }> {
  try {
    const target = verb === 'redeem' ? linksOf(engine) : engine;
    const method = target[verb as never] as (...args: readonly unknown[]) => Promise<unknown>;
    return { value: await method.apply(target, args) };
  } catch (error) {
    return { code: isJitError(error) ? error.code : String(error) };
  }
}

process.on('message', (order: Order & { readonly n: number }) => {
  const answer = (reply: Omit<Answer, 'n'>) => process.send?.({ n: order.n, ...reply });
  obey(order).then(
    (value) => answer({ value }),
    (error: unknown) => answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.send?.({ ready: true });

import { provision } from 'jit-access/provisioning';
/*
 * A process with an engine, which executes the messages of its parent process one at a time. It ends when the parent
 * ends, or is killed.
 *
 * worker.mjs <JSON of WorkerOptions>
 */
import { isJitError, JitEngine, systemClock, type AnyJitError, type JitEngineOptions } from 'jit-access';
import { ManualClock } from 'jit-access/testing';
import { linksOf } from '../../features/links/links-of.js';
import { churn } from './churn.js';
import { count } from './count.js';
import { engineOptions } from './door.js';
import { openStore } from './place.js';
import { sinkOf } from './sinks.js';
import type { Answer, Order, WorkerOptions } from './workers.js';

const options = JSON.parse(process.argv[2] ?? '') as WorkerOptions;
process.on('disconnect', () => process.exit());

let stopsWhile: string | undefined;
const { store } = await openStore(options.place, {
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
    clock: manual ?? { ...systemClock, now: () => systemClock.now() + (options.aheadMs ?? 0) },
    onError: (error) => told.push(String(error)),
  });
let manual = options.at === undefined ? undefined : new ManualClock(options.at);
let engine = engineIn(options.namespace);

/** External calls wait until all of them are released; later calls do not wait. */
let letGo: () => void = () => undefined;
const released = new Promise<void>((resolve) => (letGo = resolve));

/** The external system: no message that was sent is lost when this process dies. */
const arrived = (message: object) => new Promise<void>((resolve) => process.send?.(message, undefined, {}, () => resolve()));

const resting = new AbortController();
/** After a suspension, the server may have rolled back a commit. */
const isOutage = ({ code }: AnyJitError) => code === 'ERR_JIT_STORE' || code === 'ERR_JIT_OUTCOME_UNKNOWN';

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'call': {
      // All processes start at one instant.
      while (Date.now() < order.at);
      return Promise.all(order.calls.map(outcomeOf));
    }
    case 'clock':
      return manual?.set(order.at);
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
        tolerates: (error) => order.outages === true && isOutage(error),
        onAck: (ack) => process.send?.({ ack }),
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

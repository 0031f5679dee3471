import { provision } from 'jit-access/provisioning';
import { startRetention } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import { callbackSink, JitEngine, startSweeper, type JitEngineOptions } from '../../src/index.js';
import { ScriptedApprover } from '../../src/testing.js';
import { aGranted, anEngine, aPending, ask, SCOPE } from './an-engine.js';

type Made = ReturnType<typeof anEngine>;
const forever = () => new Promise<never>(() => undefined);
const turns = async () => {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
};

const hangingSink = async (): Promise<Made> => {
  const made = anEngine({ audit: callbackSink('siem', forever) });
  await ask(made.engine);
  return made;
};

const hangingStore = async (): Promise<Made> => {
  const made = anEngine();
  await aPending(made.engine);
  await made.engine.idle();
  made.store.inject('all', { fault: 'hang' });
  return made;
};

const hangingTarget = async (): Promise<Made> => {
  const made = anEngine();
  provision(made.engine, { name: 'roles', scopes: [SCOPE], apply: forever });
  await aGranted(made.engine);
  return made;
};

const hangingApprover = async (): Promise<Made> => {
  const made = anEngine({ approver: new ScriptedApprover({ decide: forever }), limits: { approverTimeout: '20s' } });
  void ask(made.engine).catch(() => undefined);
  await turns();
  await made.clock.advance('20s');
  await turns();
  await made.clock.advance('30s');
  void made.engine.sweep();
  await turns();
  return made;
};

/** Each verb that waits for other code, beside other code that hangs. */
const WAITS: readonly (readonly [
  verb: string,
  beside: string,
  world: () => Promise<Made>,
  wait: (made: Made) => Promise<unknown>,
  awaited: string,
])[] = [
  ['close', 'a sink', hangingSink, ({ engine }) => engine.close(), 'sink siem'],
  ['flushAudit', 'a sink', hangingSink, ({ engine }) => engine.flushAudit(), 'sink siem'],
  ['idle', 'a sink', hangingSink, ({ engine }) => engine.idle(), 'sink siem'],
  [
    'close',
    'a store',
    hangingStore,
    ({ engine }) => (void engine.sweep().catch(() => undefined), engine.close()),
    'a sweep, or an approver that it asks',
  ],
  ['close', 'an external system', hangingTarget, ({ engine }) => engine.close(), 'target roles'],
  ['close', 'an approver', hangingApprover, ({ engine }) => engine.close(), 'a sweep, or an approver that it asks'],
  [
    'stop',
    'a store, of a sweeper',
    hangingStore,
    ({ engine, told }) => startSweeper(engine, { every: '10s', onError: (error) => told.push({ error, during: 'stop' }) }).stop(),
    'a pass',
  ],
  ['stop', 'a store, of a retention', hangingStore, ({ engine }) => startRetention(engine, { keep: '400d' }).stop(), 'a purge'],
];

describe('a verb that waits', () => {
  it.each(WAITS)('[A4] reports after 5 seconds, once, what it waits for: %s beside %s', async (verb, _, world, wait, awaited) => {
    const made = await world();
    await turns();
    made.told.length = 0;
    let isOver = false;
    void wait(made).finally(() => (isOver = true));
    await turns();
    await made.clock.advance(4_999);
    await turns();
    expect(made.told).toEqual([]);
    await made.clock.advance(1);
    await turns();
    const message = `${verb}() has waited for 5 seconds, for ${awaited}`;
    expect(made.told.map(({ error, during }) => [(error as Error).message, during])).toEqual([[message, verb]]);
    await made.clock.advance('10s');
    await turns();
    expect([made.told.length, isOver]).toEqual([1, false]);
  });

  it('[A4] ends 30 seconds after a sink began to hang', async () => {
    const { engine, clock } = await hangingSink();
    let isOver = false;
    void engine.close().finally(() => (isOver = true));
    await turns();
    await clock.advance(29_999);
    await turns();
    expect(isOver).toBe(false);
    await clock.advance(1);
    await turns();
    expect(isOver).toBe(true);
  });

  it.each<Partial<JitEngineOptions>>([{}, { audit: callbackSink('siem', () => undefined) }])(
    '[A4] reports nothing otherwise',
    async (options) => {
      const { engine, clock, told } = anEngine(options);
      await ask(engine);
      await engine.flushAudit();
      await engine.idle();
      await engine.close();
      expect(clock.sleepers).toBe(0);
      await clock.advance('1m');
      expect(told).toEqual([]);
      expect(engine).toBeInstanceOf(JitEngine);
    },
  );
});

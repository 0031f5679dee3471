import { isJitError, JitEngine, type AccessResult, type EntryType, type Grant, type JitErrorCode } from 'jit-access';
import { ManualClock, START_AT } from 'jit-access/testing';
import { engineOptions, ESCALATE_AFTER, IDLE_TTL, OWED_WITHIN, REVIEW_WITHIN, WARN_BEFORE } from './door.js';
import { openStore, type Opened } from './place.js';
import type { Durable } from './servers.js';
import { entriesOf, wrongsOf } from './verdict.js';
import { atOnce, Worker, type Call } from './workers.js';
import { linksOf } from '../../features/links/links-of.js';

/** The number of concurrent calls, over all processes. */
const WAYS = 64;

const MINUTE = 60_000;
const MAYA = 'user:maya';
const SCOPE = 'db:write';
const ROOT = { by: 'user:root' };

/** What one transition must do that all processes make at once. */
interface Race {
  /** Prepares the store. @returns the call of each process, the `i`th in turn */
  prepare(engine: JitEngine): Promise<(i: number) => Call>;
  /** How long after the start the race is run. */
  readonly after?: number;
  /** How many entries of each type the whole journal has afterwards. */
  readonly entries: Partial<Record<EntryType, number>>;
  /** Where several transitions compete: exactly one of these is recorded. */
  readonly oneOf?: readonly EntryType[];
  /** How many calls are fulfilled; default: all. */
  readonly wins?: number;
  /** Codes that the other calls may reject with. Never a conflict (L9, L12). */
  readonly codes?: readonly JitErrorCode[];
  /** Afterwards no check allows the scope. */
  readonly denied?: true;
}

const ask = (engine: JitEngine, justification: string, over: object = {}) =>
  engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '15m', justification, ...over });
const granted = async (work: Promise<AccessResult>): Promise<Grant> => {
  const result = await work;
  const grant = result.outcome === 'granted' ? result.grants[0] : undefined;
  if (grant === undefined) throw new Error(`expected a grant, got ${result.outcome}`);
  return grant;
};
const reviewer = (i: number) => ({ by: `user:r${i}` });
const all = (call: Call) => () => call;
const sweep = async () => all(['sweep']);

export const races: Readonly<Record<string, Race>> = {
  approve: {
    async prepare(engine) {
      const { request } = await ask(engine, 'review');
      return (i) => ['approve', request.id, reviewer(i)];
    },
    entries: { 'request.approved': 1, 'request.reviewed': 1, 'grant.issued': 1 },
    wins: 1,
    codes: ['ERR_JIT_DECIDED'],
  },
  deny: {
    async prepare(engine) {
      const { request } = await ask(engine, 'review');
      return (i) => ['deny', request.id, reviewer(i)];
    },
    entries: { 'request.denied': 1, 'request.reviewed': 1, 'grant.issued': 0 },
    wins: 1,
    codes: ['ERR_JIT_DECIDED'],
  },
  cancel: {
    async prepare(engine) {
      const { request } = await ask(engine, 'review');
      return all(['cancel', request.id, { by: MAYA }]);
    },
    entries: { 'request.cancelled': 1, 'grant.issued': 0 },
    codes: ['ERR_JIT_DECIDED'],
  },
  'approve, deny and cancel': {
    async prepare(engine) {
      const { id } = (await ask(engine, 'review')).request;
      return (i) =>
        [
          ['approve', id, reviewer(i)],
          ['deny', id, reviewer(i)],
          ['cancel', id, { by: MAYA }],
        ][i % 3] as unknown as Call;
    },
    entries: {},
    oneOf: ['request.approved', 'request.denied', 'request.cancelled'],
    codes: ['ERR_JIT_DECIDED'],
  },
  'redeem one approval link': {
    async prepare(engine) {
      const { request } = await ask(engine, 'review');
      const token = await linksOf(engine).create(request.id, { reviewer: 'user:r1', decision: 'approve' });
      return all(['redeem', token, { by: 'user:r1' }]);
    },
    entries: { 'request.approved': 1, 'grant.issued': 1 },
    wins: 1,
    codes: ['ERR_JIT_LINK', 'ERR_JIT_DECIDED'],
  },
  'repeat of an ask that the approver has not answered': {
    async prepare(engine) {
      const once = { subject: MAYA, scope: SCOPE, ttl: '15m', justification: 'later', idempotencyKey: 'k' } as const;
      const undecided = await engine.requestAccess(once).catch((error: unknown) => error);
      const id = isJitError(undecided) && undecided.code === 'ERR_JIT_APPROVER' ? undecided.requestId : undefined;
      if (id === undefined) throw new Error('the request was not left undecided');
      return all(['requestAccess', once]);
    },
    entries: { 'request.approved': 1, 'grant.issued': 1 },
  },
  'request under one idempotency key': {
    async prepare() {
      const once = { subject: MAYA, scope: SCOPE, ttl: '15m', justification: 'now', idempotencyKey: 'k' };
      return all(['requestAccess', once]);
    },
    entries: { 'request.created': 1, 'request.approved': 1, 'grant.issued': 1 },
  },
  'request under one idempotency key that is decided in a second commit': {
    async prepare() {
      const once = { subject: MAYA, scope: SCOPE, ttl: '15m', justification: 'later', idempotencyKey: 'k' };
      return all(['requestAccess', once]);
    },
    entries: { 'request.created': 1, 'request.approved': 1, 'grant.issued': 1 },
  },
  'request that repeats another': {
    async prepare() {
      return all(['requestAccess', { subject: MAYA, scope: SCOPE, ttl: '15m', justification: 'now' }]);
    },
    entries: { 'request.created': 1, 'request.approved': 1, 'grant.issued': 1 },
  },
  'use break-glass under one idempotency key': {
    async prepare() {
      return all(['breakGlass', { subject: MAYA, scope: SCOPE, ttl: '15m', justification: 'fire', idempotencyKey: 'k' }]);
    },
    entries: { 'request.created': 1, 'grant.issued': 1 },
  },
  reviewBreakGlass: {
    async prepare(engine) {
      const { request } = await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: '15m', justification: 'fire' });
      return (i) => ['reviewBreakGlass', request.id, { ...reviewer(i), verdict: 'justified' }];
    },
    entries: { 'breakGlass.reviewed': 1 },
    wins: 1,
    codes: ['ERR_JIT_DECIDED'],
  },
  'extend under one idempotency key': {
    async prepare(engine) {
      const { id } = await granted(ask(engine, 'now'));
      return all(['extend', id, { requestedBy: MAYA, ttl: '15m', idempotencyKey: 'k' }]);
    },
    entries: { 'request.created': 2 },
  },
  'approve an extension, and revoke what it extends': {
    async prepare(engine) {
      const { id } = await granted(ask(engine, 'now'));
      const more = await engine.extend(id, { requestedBy: MAYA, ttl: '15m' });
      return (i) => (i % 2 === 0 ? ['approve', more.request.id, reviewer(i)] : ['revoke', id, ROOT]);
    },
    entries: {},
    codes: ['ERR_JIT_DECIDED', 'ERR_JIT_ENDED'],
    denied: true,
  },
  revoke: {
    async prepare(engine) {
      const { id } = await granted(ask(engine, 'now'));
      return all(['revoke', id, ROOT]);
    },
    entries: { 'grant.revoked': 1 },
    denied: true,
  },
  release: {
    async prepare(engine) {
      const { id } = await granted(ask(engine, 'now'));
      return all(['release', id, { by: MAYA }]);
    },
    entries: { 'grant.revoked': 1 },
    denied: true,
  },
  'revoke, release and revokeAll': {
    async prepare(engine) {
      const { id } = await granted(ask(engine, 'now'));
      return (i) =>
        [
          ['revoke', id, ROOT],
          ['release', id, { by: MAYA }],
          ['revokeAll', { subject: MAYA }, ROOT],
        ][i % 3] as unknown as Call;
    },
    entries: { 'grant.revoked': 1 },
    denied: true,
  },
  'consume the last use': {
    async prepare(engine) {
      await granted(ask(engine, 'once'));
      return all(['consume', MAYA, SCOPE]);
    },
    entries: { 'grant.used': 1 },
    wins: 1,
    codes: ['ERR_JIT_DENIED'],
    denied: true,
  },
  'consume under one idempotency key': {
    async prepare(engine) {
      await granted(ask(engine, 'once'));
      return all(['consume', MAYA, SCOPE, { idempotencyKey: 'k' }]);
    },
    entries: { 'grant.used': 1 },
    denied: true,
  },
  'start: check and sweep': {
    async prepare(engine) {
      await granted(ask(engine, 'now', { startsAt: START_AT + 5 * MINUTE }));
      return (i) => (i % 2 === 0 ? ['check', MAYA, SCOPE] : ['sweep']);
    },
    after: 5 * MINUTE,
    entries: { 'grant.activated': 1 },
  },
  'end: sweep': {
    async prepare(engine) {
      await granted(ask(engine, 'now'));
      return all(['sweep']);
    },
    after: 15 * MINUTE,
    entries: { 'grant.expired': 1, 'grant.revoked': 0 },
    denied: true,
  },
  'end: sweep, and revoke': {
    async prepare(engine) {
      const { id } = await granted(ask(engine, 'now'));
      return (i) => (i % 2 === 0 ? ['sweep'] : ['revoke', id, ROOT]);
    },
    after: 15 * MINUTE,
    entries: {},
    oneOf: ['grant.expired', 'grant.revoked'],
    denied: true,
  },
  'idle end: sweep': {
    async prepare(engine) {
      await granted(ask(engine, 'idle'));
      return all(['sweep']);
    },
    after: IDLE_TTL,
    entries: { 'grant.expired': 1 },
    denied: true,
  },
  'review deadline: sweep': {
    async prepare(engine) {
      await ask(engine, 'review');
      return sweep();
    },
    after: REVIEW_WITHIN,
    entries: { 'request.expired': 1, 'grant.issued': 0 },
  },
  'escalation: sweep': {
    async prepare(engine) {
      await ask(engine, 'review');
      return sweep();
    },
    after: ESCALATE_AFTER,
    entries: { 'request.escalated': 1 },
  },
  'warning: sweep': {
    async prepare(engine) {
      await granted(ask(engine, 'now'));
      return sweep();
    },
    after: 15 * MINUTE - WARN_BEFORE,
    entries: { 'grant.warned': 1 },
  },
  'missed break-glass review: sweep': {
    async prepare(engine) {
      await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: '15m', justification: 'fire' });
      return sweep();
    },
    after: OWED_WITHIN,
    entries: { 'breakGlass.overdue': 1 },
  },
};

/** Runs one race over these processes, which share an empty namespace, and returns what went wrong. */
async function run(name: string, race: Race, opened: Opened, workers: readonly Worker[]): Promise<readonly string[]> {
  const { store } = opened;
  const clock = new ManualClock();
  // Here, unlike in the workers, the approver leaves `later` requests undecided.
  const engine = new JitEngine({ ...engineOptions(false), store, clock });
  const call = await race.prepare(engine);
  const at = START_AT + (race.after ?? 0);
  await Promise.all(workers.map((worker) => worker.order({ do: 'clock', at })));
  await clock.set(at);
  const called = await atOnce(
    workers,
    Array.from({ length: WAYS }, (_, i) => call(i)),
  );

  const wrong: string[] = [];
  const won = called.filter(({ code }) => code === undefined).length;
  const codes = [...new Set(called.flatMap(({ code }) => code ?? []))];
  if (race.wins !== undefined && won !== race.wins) wrong.push(`${won} won, not ${race.wins}`);
  const others = codes.filter((code) => !(race.codes ?? []).includes(code as JitErrorCode));
  if (others.length > 0) wrong.push(`refused with ${others.join(', ')}`);
  const types = (await entriesOf(store)).map(({ type }) => type);
  const count = (wanted: readonly string[]) => types.filter((type) => wanted.includes(type)).length;
  for (const [type, wanted] of Object.entries(race.entries)) {
    if (count([type]) !== wanted) wrong.push(`${type} is on record ${count([type])} times, not ${wanted}`);
  }
  if (race.oneOf !== undefined && count(race.oneOf) !== 1) wrong.push(`${count(race.oneOf)} of ${race.oneOf.join(', ')} are on record`);
  if (race.denied && (await engine.isAllowed(MAYA, SCOPE))) wrong.push('it is still allowed');
  wrong.push(...(await wrongsOf(store)));
  await engine.close();
  return wrong.map((one) => `${name}, ${WAYS} at once: ${one}`);
}

/**
 * Every transition, made by 64 concurrent callers in separate processes: it is recorded once, whichever call wins.
 *
 * @param rounds how often each is run
 */
export async function runRaces(
  durable: Durable,
  processes: number,
  rounds: number,
): Promise<{ readonly count: number; readonly violations: readonly string[] }> {
  const violations: string[] = [];
  let count = 0;
  const namespace = durable.namespace();
  const workers = await Worker.startMany(processes, { place: durable.place, namespace, at: START_AT });
  const opened = await openStore(durable.place, { namespace });
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [name, race] of Object.entries(races)) {
        const own = durable.namespace();
        await Promise.all(workers.map((worker) => worker.order({ do: 'move', namespace: own })));
        violations.push(...(await run(name, race, { ...opened, store: opened.store.in(own) }, workers)));
        count += 1;
      }
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.kill()));
    await opened.close();
  }
  return { count, violations };
}

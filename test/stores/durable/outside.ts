import { failedChanges, provision } from 'jit-access/provisioning';
import { JitEngine, type AuditEntry } from 'jit-access';
import { ManualClock, START_AT } from 'jit-access/testing';
import type { Ack } from './churn.js';
import { engineOptions } from './door.js';
import { openStore } from './place.js';
import { Seeded } from './seeded.js';
import type { Durable } from './servers.js';
import { sinkOf, type SinkKind } from './sinks.js';
import { entriesOf, wrongsOf } from './verdict.js';
import { spin } from './spin.js';
import { suspend } from './suspend.js';
import { Worker, type Outside } from './workers.js';

const LANES = 2;
/** A process is killed or suspended after at most this many messages of a kind. */
const MAX_TOLD = 80;
const SCOPES = ['db:read', 'db:write', 'billing:refund'];
/** Longer than any lease. */
const STEP_MS = 5 * 60_000;
const TURNS = 20;
/** How long PostgreSQL lets a suspended process keep the head. */
const HOLDER_MS = 1_000;

type Call = Pick<Outside, 'subject' | 'scope' | 'held' | 'seq' | 'id'>;

/** What reached the external systems, in the order of arrival. */
class Arrived {
  readonly calls: Call[] = [];
  readonly sent: string[] = [];
  /** The entries of the sink that no fault affects. */
  readonly reference: string[] = [];
}

/**
 * A process works, applies access to an external system and sends notices. At a random moment it is killed with -9,
 * or (each third one) suspended and resumed after another process took over (L28, L32).
 */
export async function struckOutside(
  durable: Durable,
  count: number,
  seed: number,
  progress?: (sofar: string) => void,
): Promise<{ readonly count: number; readonly told: number; readonly violations: readonly string[] }> {
  const violations: string[] = [];
  let told = 0;
  for (let which = 0; which < count; which++) {
    const [how, over] = [which % 3 === 2 ? 'suspended' : 'killed', which % 2 === 0 ? 'notify' : 'webhookSink'] as const;
    const life = await oneStrike(durable, how, over, new Seeded(seed, which));
    told += life.told;
    violations.push(...life.wrong.map((wrong) => `${which}, ${how} over ${over} on ${durable.place.kind}: ${wrong}`));
    if (which % 10 === 9) progress?.(`${which + 1} of ${count}`);
  }
  return { count, told, violations };
}

async function oneStrike(
  durable: Durable,
  how: 'killed' | 'suspended',
  over: SinkKind,
  chance: Seeded,
): Promise<{ readonly told: number; readonly wrong: readonly string[] }> {
  const { place } = durable;
  const namespace = durable.namespace();
  const arrived = new Arrived();
  const acks: Ack[] = [];
  const worker = await Worker.start({ place, namespace, at: START_AT, timeoutMs: HOLDER_MS });
  const enough = 1 + chance.below(MAX_TOLD);
  let [told, isStruck] = [0, false];
  let struck: () => void = () => undefined;
  const strike = new Promise<void>((resolve) => (struck = resolve));
  const count = (more: number): void => {
    told += more;
    if (isStruck || told < enough) return;
    isStruck = true;
    spin(chance.below(3_000));
    struck();
  };
  worker.onOutside = (call) => void (arrived.calls.push(call), count(1));
  worker.onSent = (id) => void (arrived.sent.push(id), count(1));
  worker.onAck = (ack) => void (acks.push(...ack), count(ack.length));
  // From here on the external systems answer at once.
  await worker.order({ do: 'let go' });
  await worker.order({ do: 'notify', over });
  await worker.order({ do: 'follow', scopes: SCOPES });
  const churned = worker
    .order({ do: 'churn', seed: chance.below(2 ** 31), name: 'w', lanes: LANES, outages: how === 'suspended' })
    .catch((error: unknown) => (isStruck ? undefined : Promise.reject(error as Error)));
  await Promise.race([strike, churned]);
  if (how === 'killed') await worker.kill();
  else await suspend(worker, place);

  const { store, close } = await openStore(place, { namespace, timeoutMs: 4 * HOLDER_MS });
  const clock = new ManualClock();
  const engine = new JitEngine({
    ...engineOptions(),
    store,
    clock,
    audit: [
      sinkOf(over, (id) => void arrived.sent.push(id)),
      { ...sinkOf(over, (id) => void arrived.reference.push(id)), name: 'reference' },
    ],
  });
  provision(engine, { name: 'roles', scopes: SCOPES, apply: ({ signal: _, ...call }) => void arrived.calls.push(call) });
  const goOn = async () => {
    await clock.advance(STEP_MS);
    await engine.sweep();
    // Entries of provisioning are appended while the sinks still receive earlier entries.
    for (let turn = 0; turn < TURNS; turn++) if ((await engine.flushAudit()).caughtUp) return true;
    return false;
  };
  const wrong: string[] = [];
  try {
    if (!(await goOn())) wrong.push('another has not gone on with it when its leases were over');
    if (how === 'suspended') {
      worker.resume();
      await worker.order({ do: 'clock', at: clock.now() });
      await worker.order({ do: 'rest' });
      await churned;
      await worker.call(['flushAudit']);
      await worker.kill();
    }
    await goOn();
    if (!(await goOn())) wrong.push('something is left to be told');
    const entries = await entriesOf(store);
    wrong.push(...notTold(arrived, entries, how), ...(await notSo(engine, arrived, entries)), ...(await wrongsOf(store, acks)));
  } finally {
    await worker.kill();
    await engine.close();
    await close();
  }
  return { told: arrived.calls.length + arrived.sent.length, wrong };
}

const listed = (list: readonly unknown[]): string => list.slice(0, 5).map(String).join(', ');

/** At least once, with the first deliveries in order and stable ids; and no message counts as sent that was not. */
function notTold({ calls, sent, reference }: Arrived, entries: readonly AuditEntry[], how: 'killed' | 'suspended'): readonly string[] {
  const wrong: string[] = [];
  const first = [...new Set(sent)];
  const missing = reference.filter((id) => !first.includes(id));
  if (missing.length > 0) wrong.push(`nobody was sent ${listed(missing)}`);
  else if (first.join() !== reference.join()) wrong.push(`sent in another order: ${listed(first.filter((id, i) => id !== reference[i]))}`);
  const byId = new Map<string, string>();
  const highest = new Map<string, number>();
  for (const { subject, scope, held, seq, id } of calls) {
    const [key, said] = [`${subject} ${scope}`, `${subject} ${scope} ${held} ${seq}`];
    if ((byId.get(id) ?? said) !== said) wrong.push(`one id for "${byId.get(id)}" and "${said}"`);
    // A late call may come from a process that was suspended, but not from a dead one.
    if (how === 'killed' && seq < (highest.get(key) ?? 0)) wrong.push(`"${said}" was told after ${highest.get(key)}`);
    byId.set(id, said);
    highest.set(key, Math.max(seq, highest.get(key) ?? 0));
  }
  const known = new Set(byId.values());
  for (const { type, data } of entries) {
    const { subject, scope, held, seq } = data as Partial<Call>;
    if (type === 'provisioning.done' && !known.has(`${subject} ${scope} ${held} ${seq}`))
      wrong.push(`"${subject} ${scope} ${held} ${seq}" is on record as told, and was not`);
  }
  return wrong;
}

/** Both external systems have the current state: the one that keeps the last call, and the one that keeps the newest number. */
async function notSo(engine: JitEngine, { calls }: Arrived, entries: readonly AuditEntry[]): Promise<readonly string[]> {
  const wrong: string[] = [];
  const last = new Map(calls.map((call) => [`${call.subject} ${call.scope}`, call]));
  const newest = new Map(calls.toSorted((a, b) => a.seq - b.seq).map((call) => [`${call.subject} ${call.scope}`, call]));
  const issued = entries.flatMap(({ type, data }) => (type === 'grant.issued' ? [data as { subject: string; scope: string }] : []));
  for (const { subject, scope } of [...issued, ...calls]) {
    const holds = await engine.isAllowed(subject, scope);
    for (const [how, system] of Object.entries({ last, newest })) {
      const says = system.get(`${subject} ${scope}`)?.held ?? false;
      if (says !== holds) wrong.push(`by what came ${how}, ${subject} ${says ? 'holds' : 'does not hold'} ${scope}; that is not so`);
    }
  }
  for (const { subject, scope } of await failedChanges(engine)) wrong.push(`stuck: ${subject} ${scope}`);
  return [...new Set(wrong)];
}

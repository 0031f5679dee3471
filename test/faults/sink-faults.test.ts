import { describe, expect, it } from 'vitest';
import { isJitError, type AuditEntry, type AuditSink } from '../../src/index.js';
import { notify, type Notice } from '../../src/notify.js';
import { RecordingSink, type ManualClock } from '../../src/testing.js';
import { yieldToOthers } from '../../src/core/turns.js';
import { anEngine, entriesOf, SCOPE } from '../engine/an-engine.js';
import { hangs, rejections, THROWS, type BrokenAnswer } from './broken-answers.js';
import { everything, expectWhole, prepared, VERBS, type Prepared } from './verbs.js';

/** More than the longest time of one delivery. */
const LEASE = 31_000;

/** A sink that changes the entries that it receives, and then rejects. */
const SCRIBBLES: BrokenAnswer = {
  what: 'scribbles',
  answer: () => Promise.reject(new Error('full')),
};
const FAULTS: readonly BrokenAnswer[] = [...THROWS, ...rejections(undefined), ...hangs(undefined), SCRIBBLES];

/** The result of a sink is ignored: these sinks have received the entries, and answered in an unusual way. */
const HAS_TAKEN: ReadonlySet<string> = new Set([
  'is a thenable that resolves with null, and then with yes',
  'becomes a thenable that never settles after the first read',
  // Too late for an approver; a sink has longer.
  'says yes too late',
]);

function scribble(entries: readonly AuditEntry[]): void {
  for (const change of [
    () => ((entries as AuditEntry[])[0] = {} as AuditEntry),
    () => (entries as AuditEntry[]).reverse(),
    () => ((entries as AuditEntry[]).length = 0),
    () => ((entries[0] as { actor: string }).actor = 'user:nobody'),
    () => ((entries[0]?.data as { version: number }).version = 99),
  ]) {
    try {
      change();
    } catch {
      // The entries are frozen.
    }
  }
}

/** Sinks and notices: for each fault one that fails in that way while `isBroken`. */
function broken(kind: 'sink' | 'notice', follow: 'shared' | 'local', fault: BrokenAnswer, world: World): Told {
  const name = `${kind} ${follow} ${fault.what}`;
  const ids: string[] = [];
  const answer = (id: readonly string[]): unknown => {
    if (!world.isBroken || HAS_TAKEN.has(fault.what)) ids.push(...id);
    return world.isBroken ? fault.answer(world.clock as never) : undefined;
  };
  const sink: AuditSink =
    kind === 'sink'
      ? {
          name,
          follow,
          write: (entries) => {
            const all = entries.map(({ id }) => id);
            if (fault === SCRIBBLES) scribble(entries);
            return answer(all) as Promise<void>;
          },
        }
      : notify({ name, follow, send: (notice: Notice) => answer([notice.id]) as Promise<void> });
  return { name, kind, follow, fault, ids, sink };
}

interface Told {
  readonly name: string;
  readonly kind: 'sink' | 'notice';
  readonly follow: 'shared' | 'local';
  readonly fault: BrokenAnswer;
  readonly ids: string[];
  readonly sink: AuditSink;
}

interface World {
  isBroken: boolean;
  clock: unknown;
}

/** The world of a verb with all failing sinks together: none may delay a verb, or another sink. */
async function worldOf() {
  const world: World = { isBroken: false, clock: undefined };
  const well = [new RecordingSink({ name: 'well' }), new RecordingSink({ name: 'well too', follow: 'local' })] as const;
  const notices: string[] = [];
  const told = (['sink', 'notice'] as const).flatMap((kind) =>
    (['shared', 'local'] as const).flatMap((follow) => FAULTS.map((fault) => broken(kind, follow, fault, world))),
  );
  const wellNotified = notify({ name: 'well notified', send: ({ id }) => void notices.push(id) });
  const made = await prepared([...told.map(({ sink }) => sink), ...well, wellNotified]);
  world.clock = made.clock;
  await made.engine.flushAudit();
  return { ...made, world, well, sinks: told, notices };
}

/** The result of a verb, in a form that can be compared between two worlds. */
const gist = (answer: unknown): unknown => {
  if (typeof answer !== 'object' || answer === null) return typeof answer === 'string' ? 'a text' : answer;
  if (Array.isArray(answer)) return answer.length;
  const { outcome, allowed, reason, usesLeft, status, items, ended, seq } = answer as Record<string, unknown>;
  return { outcome, allowed, reason, usesLeft, status, items: gist(items), ended: gist(ended), seq };
};

const typesOf = async (made: Prepared & { store: Parameters<typeof everything>[0] }) =>
  (await everything(made.store)).types.filter((type) => type !== 'attempt.refused');

/** These verbs return what has been delivered, so they wait for a delivery, up to its time limit. */
const WAITS: ReadonlySet<string> = new Set(['flushAudit', 'provision', 'resync', 'reconcile']);

/** Moves the clock until a promise has settled. */
async function inTime<T>({ clock }: { readonly clock: ManualClock }, work: Promise<T>): Promise<T> {
  let isOver = false;
  const done = work.finally(() => (isOver = true));
  for (let times = 0; !isOver; times++) {
    if (times === 10) throw new Error(`it does not come to an end: ${clock.sleepers} sleep`);
    for (let turn = 0; !isOver && turn < 50; turn++) await yieldToOthers();
    if (!isOver) await clock.advance(LEASE);
  }
  return done;
}

async function settled(made: Awaited<ReturnType<typeof worldOf>>, verb: string): Promise<unknown> {
  let isOver = false;
  const call = (VERBS[verb] as (made: Prepared) => Promise<unknown>)(made)
    .catch((error: unknown) => {
      if (!isJitError(error)) throw new Error(`${verb}: not an error of ours`, { cause: error });
      return error.code;
    })
    .finally(() => (isOver = true));
  for (let turn = 0; !isOver && turn < 200; turn++) await yieldToOthers();
  expect(isOver || WAITS.has(verb), `${verb} waits for a sink`).toBe(true);
  return inTime(made, call);
}

const sorted = (ids: readonly string[]) => [...new Set(ids)].sort();

describe('JitEngine', () => {
  describe('with sinks and notices that fail', () => {
    for (const verb of Object.keys(VERBS)) {
      it(`L25 L28 L30 ${verb} has the same result, each failure is reported, and each sink gets everything in order once it works`, async () => {
        const [plain, made] = [await worldOf(), await worldOf()];
        const expected = gist(await settled(plain, verb));
        made.world.isBroken = true;
        const answer = gist(await settled(made, verb));
        if (!WAITS.has(verb)) expect(answer).toEqual(expected);
        // No subject gets access that it would not get otherwise.
        const others = (one: typeof plain) => one.engine.filterAllowed('user:bob', [SCOPE, 'burning', 'asked', 'new']);
        const own = (one: typeof plain) => one.engine.filterAllowed('user:maya', [SCOPE, 'burning', 'asked', 'new']);
        expect(await own(made)).toEqual(await own(plain));
        expect(await others(made)).toEqual(await others(plain));
        const { followers } = await inTime(made, made.engine.flushAudit());
        // Working sinks have everything, in order, regardless of the others.
        const entries = await entriesOf(made.store);
        const ids = entries.map(({ id }) => id);
        expect(made.well[0].entries).toEqual(entries);
        expect(made.well[1].entries).toEqual(entries);
        expect(await typesOf(made)).toEqual(await typesOf(plain));
        // An undelivered entry does not count as delivered, and its error is visible.
        const head = ids.length;
        for (const { name, kind, ids: given } of made.sinks) {
          const follower = followers.find((one) => one.name === name);
          const before = kind === 'sink' ? given.length : undefined;
          if (before !== undefined) expect(follower?.seq, name).toBe(before);
          if (before !== undefined && before < head) expect(follower?.error, name).toBeDefined();
          if (follower?.error !== undefined)
            expect(
              made.told.map(({ during }) => during),
              name,
            ).toContain(`sink ${name}`);
        }
        expect(made.sinks.some(({ ids: given }) => given.length < head)).toBe(true);

        made.world.isBroken = false;
        await inTime(made, made.engine.flushAudit());
        for (const { name, kind, follow, fault, ids: given } of made.sinks) {
          // A sink whose write never settles gets nothing more from this process.
          if (fault.hangs !== true || HAS_TAKEN.has(fault.what))
            expect(given, `${name}: first deliveries in order`).toEqual(kind === 'sink' ? ids : made.notices);
          else expect((kind === 'sink' ? ids : made.notices).slice(0, given.length), `${name}, ${follow}`).toEqual(given);
        }
        // A process that takes over delivers the rest to the shared sinks.
        await made.clock.advance(LEASE);
        const shared = made.sinks.filter(({ follow }) => follow === 'shared');
        const next = anEngine({ store: made.store, clock: made.clock, audit: shared.map(({ sink }) => sink) });
        expect((await next.engine.flushAudit()).caughtUp).toBe(true);
        // In the meantime a timer has recorded the use of a check.
        const all = (await entriesOf(made.store)).map(({ id }) => id);
        for (const { name, kind, ids: given } of shared) {
          expect(sorted(given), `${name}: everything`).toEqual(sorted(kind === 'sink' ? all : made.notices));
          const firsts = given.filter((id, i) => given.indexOf(id) === i);
          expect(firsts, `${name}: in order`).toEqual(kind === 'sink' ? all : made.notices);
        }
        await expectWhole(made.store, made.engine);
      });
    }
  });
});

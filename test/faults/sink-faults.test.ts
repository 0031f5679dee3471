import { describe, expect, it } from 'vitest';
import { isJitError, type AuditEntry, type AuditSink } from '../../src/index.js';
import { notify, type Notice } from '../../src/notify.js';
import { RecordingSink, type ManualClock } from '../../src/testing.js';
import { yieldToOthers } from '../../src/core/time.js';
import { anEngine, entriesOf, SCOPE } from '../engine/an-engine.js';
import { hangs, rejections, THROWS, type BrokenAnswer } from './broken-answers.js';
import { everything, expectWhole, prepared, VERBS, type Prepared } from './verbs.js';

/** How long one delivery may take, with some to spare. */
const LEASE = 31_000;

/** A sink that scribbles over what it is given, and then says that it has failed. */
const SCRIBBLES: BrokenAnswer = {
  what: 'scribbles',
  answer: () => Promise.reject(new Error('full')),
};
const FAULTS: readonly BrokenAnswer[] = [...THROWS, ...rejections(undefined), ...hangs(undefined), SCRIBBLES];

/** What a sink answers matters to nobody: these have taken what they were given, in an odd way. */
const HAS_TAKEN: ReadonlySet<string> = new Set([
  'is a thenable that says nothing, and then yes',
  'turns into a thenable that never settles, once it has been looked at',
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
      // It is frozen.
    }
  }
}

/** What can be told something, and for each fault one that fails that way from `isBroken` on. */
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

/** Every verb's world, with all broken ones at once: none may hold up a verb, or another one. */
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

/** What a verb came to, as it can be compared between two worlds. */
const gist = (answer: unknown): unknown => {
  if (typeof answer !== 'object' || answer === null) return typeof answer === 'string' ? 'a text' : answer;
  if (Array.isArray(answer)) return answer.length;
  const { outcome, allowed, reason, usesLeft, status, items, ended, seq } = answer as Record<string, unknown>;
  return { outcome, allowed, reason, usesLeft, status, items: gist(items), ended, seq };
};

const typesOf = async (made: Prepared & { store: Parameters<typeof everything>[0] }) =>
  (await everything(made.store)).types.filter((type) => type !== 'attempt.refused');

/** These say what has been delivered, and so wait for it: not longer than a delivery may take. */
const WAITS: ReadonlySet<string> = new Set(['flushAudit', 'provision', 'resync', 'reconcile']);

/** Moves the clock on until something has come to an end. */
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
      it(`L25 L28 L30 ${verb} comes to the same, each of them is told, and each has everything in order once it is well`, async () => {
        const [plain, made] = [await worldOf(), await worldOf()];
        const expected = gist(await settled(plain, verb));
        made.world.isBroken = true;
        const answer = gist(await settled(made, verb));
        if (!WAITS.has(verb)) expect(answer).toEqual(expected);
        // Nobody is let in who would not be.
        const others = (one: typeof plain) => one.engine.filterAllowed('user:bob', [SCOPE, 'burning', 'asked', 'new']);
        const own = (one: typeof plain) => one.engine.filterAllowed('user:maya', [SCOPE, 'burning', 'asked', 'new']);
        expect(await own(made)).toEqual(await own(plain));
        expect(await others(made)).toEqual(await others(plain));
        const { followers } = await inTime(made, made.engine.flushAudit());
        // Those that are well have everything, in order, without the others.
        const entries = await entriesOf(made.store);
        const ids = entries.map(({ id }) => id);
        expect(made.well[0].entries).toEqual(entries);
        expect(made.well[1].entries).toEqual(entries);
        expect(await typesOf(made)).toEqual(await typesOf(plain));
        // What could not be delivered is not taken for delivered, and whoever looks sees why.
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
          // One whose write never settles gets nothing more from this process.
          if (fault.hangs !== true || HAS_TAKEN.has(fault.what))
            expect(given, `${name}: first deliveries in order`).toEqual(kind === 'sink' ? ids : made.notices);
          else expect((kind === 'sink' ? ids : made.notices).slice(0, given.length), `${name}, ${follow}`).toEqual(given);
        }
        // A process that takes over gives the shared ones the rest.
        await made.clock.advance(LEASE);
        const shared = made.sinks.filter(({ follow }) => follow === 'shared');
        const next = anEngine({ store: made.store, clock: made.clock, audit: shared.map(({ sink }) => sink) });
        expect((await next.engine.flushAudit()).caughtUp).toBe(true);
        for (const { name, kind, ids: given } of shared) {
          expect(sorted(given), `${name}: everything`).toEqual(sorted(kind === 'sink' ? ids : made.notices));
          const firsts = given.filter((id, i) => given.indexOf(id) === i);
          expect(firsts, `${name}: in order`).toEqual(kind === 'sink' ? ids : made.notices);
        }
        await expectWhole(made.store, made.engine);
      });
    }
  });
});

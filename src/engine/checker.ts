import { DeniedError } from '../errors.js';
import { readField, readList } from '../input.js';
import { awaitsActivation, isScheduled, isUsable, type Held } from '../lifecycle/status.js';
import type { MaybePromise, Row, ScopeMatcher } from '../ports.js';
import { beginsAt, decodeGrant, heldUntil, isCounted, isObject, type Decision, type Effect, type Grant } from '../records.js';
import { readScope } from '../scope.js';
import { indexOf, MemoryGrantStore, type LiveIndex } from '../stores/memory.js';
import { isThenable, type Reading, type Timekeeper } from '../time.js';
import type { AccessStatus } from './answers.js';
import { heldAmong, paired, usageRow } from './held.js';
import type { Ledger } from './ledger.js';
import type { Settings } from './options.js';
import { standingFor } from './standing.js';
import type { Starting } from './starting.js';

/** A scope, or anything that has one. */
export type Action<Scope extends string = string> = Scope | { readonly scope: Scope };

/** What a decision by grants rests on. */
export interface Coverage {
  readonly decision: Decision;
  /** The live grants that reach the scope, whether or not they are usable now. */
  readonly held: readonly Held[];
  /** The clock's reading before the store was asked: what this says was so then or later. Epoch milliseconds. */
  readonly begunAt: number;
  /** The reading after it had answered, at which all was judged. */
  readonly reading: Reading;
}

/**
 * The check. It awaits nothing when the store answers at once, reads the clock once, after the store has answered, so
 * that a slow answer can't carry a yes past the end, and makes one decision. Until then the store is asked from the
 * highest reading so far on, which can only be too early.
 *
 * What it costs over such a store, counted by test/engine/check-cost.test.ts: one promise, the verb's own, and no await.
 * It makes the question, the answer's list, the reading, what is held with its list, and the decision; a record only at
 * the first look at a row that can't change, at each look at one that may.
 *
 * The ordinary yes of the in-memory store is shorter still: the store's index knows the window of a grant that nothing
 * but time decides about, and the same kind of reading lies in it or not; of all the above that makes the decision and,
 * at the first look, the record, and for `isAllowed` not even those. Whatever is less ordinary goes the long way, a no
 * with it: a second row on the scope, a usage, scopes that are patterns, standing access, ids that `canonicalId` has to
 * read.
 */
export class Checker {
  readonly #settings: Settings;
  readonly #keeper: Timekeeper;
  readonly #ledger: Ledger;
  readonly #starting: Starting;
  /** Where nothing but a grant of exactly what is asked could allow it. */
  readonly #index: LiveIndex | undefined;

  constructor(settings: Settings, keeper: Timekeeper, ledger: Ledger, starting: Starting) {
    this.#settings = settings;
    this.#keeper = keeper;
    this.#ledger = ledger;
    this.#starting = starting;
    this.#index = settings.isPlain ? indexOf(ledger.store) : undefined;
  }

  read(subject: unknown, action: unknown): { readonly subject: string; readonly scope: string } {
    return { subject: this.#settings.readId('subject', subject), scope: readAction('scope', action) };
  }

  check(subjectGiven: unknown, action: unknown): MaybePromise<Decision> {
    const index = this.#indexNow();
    const place = index?.placeOf(subjectGiven, action) ?? -1;
    if (index !== undefined && place !== -1) {
      const reading = this.#keeper.read();
      if (index.allowsAt(place, reading)) {
        const validUntil = index.untilAt(place) - this.#settings.leewayMs;
        return decision(subjectGiven as string, action as string, reading.now, 'granted', index.grantAt(place), validUntil);
      }
    }
    return this.#long(subjectGiven, action);
  }

  /** The check without its reasons, which needs no decision where there is but one grant to look at. */
  allows(subjectGiven: unknown, action: unknown): MaybePromise<boolean> {
    const index = this.#indexNow();
    const place = index?.placeOf(subjectGiven, action) ?? -1;
    if (index !== undefined && place !== -1 && index.allowsAt(place, this.#keeper.read())) return true;
    const answer = this.#long(subjectGiven, action);
    return isThenable(answer) ? answer.then(({ allowed }) => allowed) : answer.allowed;
  }

  /** Nothing either where `live` has been replaced since: whoever makes the store fail means the check, too (L30). */
  #indexNow(): LiveIndex | undefined {
    return this.#ledger.store.live === MemoryGrantStore.prototype.live ? this.#index : undefined;
  }

  #long(subjectGiven: unknown, action: unknown): MaybePromise<Decision> {
    const { subject, scope } = this.read(subjectGiven, action);
    return this.decide(subject, scope);
  }

  /** The check of what has been read at the door. */
  decide(subject: string, scope: string): MaybePromise<Decision> {
    const standing = this.standing(subject, scope);
    if (standing !== undefined) return standing;
    const answer = this.#ask(subject, scope);
    if (isThenable(answer)) return answer.then((told) => this.#started(told, subject, scope));
    return answer.reason === 'not_activated' ? this.#started(answer, subject, scope) : answer;
  }

  /** The yes that needs no grant, and so no store; `undefined`: only a grant could allow this. */
  standing(subject: string, scope: string): Decision | undefined {
    const pattern = standingFor(this.#settings.standing(subject), scope);
    if (pattern === undefined) return undefined;
    return decision(subject, scope, this.#keeper.read().now, 'standing', undefined, undefined, pattern);
  }

  /**
   * A check by grants alone, with all that it rests on, from one read of the store. What could be activated is; that is
   * waited for only where nothing else allows, for an approver that hangs must not hold up what is covered anyway.
   *
   * @param waits false: not even then; the activation goes on by itself, and its entry says when it is there
   */
  async coverage(subject: string, scope: string, waits = true): Promise<Coverage> {
    const tried = new Set<string>();
    for (;;) {
      const begunAt = this.#keeper.read().now;
      const rows = await this.#live(subject, this.#settings.scopes.exact ? scope : undefined);
      const reading = this.#keeper.read();
      const held = this.#reaching(rows, subject, scope);
      const decision = this.judge(held, subject, scope, reading);
      const waiting = held.filter((one) => awaitsActivation(one, reading) && !tried.has(one.grant.id));
      const asked = waiting.map(async ({ grant }) => (tried.add(grant.id), this.#activate(grant.id, subject)));
      if (asked.length === 0 || decision.allowed || !waits) return { decision, held, begunAt, reading };
      if (!(await Promise.all(asked)).includes(true)) return { decision, held, begunAt, reading };
    }
  }

  /** The live grants that reach a scope, whether or not they are usable now. */
  async covering(subject: string, scope: string): Promise<readonly Held[]> {
    return this.#reaching(await this.#live(subject, this.#settings.scopes.exact ? scope : undefined), subject, scope);
  }

  async filter<T>(subjectGiven: unknown, actions: readonly T[]): Promise<readonly T[]> {
    const subject = this.#settings.readId('subject', subjectGiven);
    const list = readList('actions', actions) as readonly T[];
    const scopes = list.map((action, i) => readAction(`actions[${i}]`, action));
    const patterns = this.#settings.standing(subject);
    const isStanding = scopes.map((scope) => standingFor(patterns, scope) !== undefined);
    // Standing access needs no store, here as in a check.
    if (isStanding.every(Boolean)) return list;
    const asked = scopes.filter((_, i) => isStanding[i] === false);
    const { rows, reading } = await this.#activated(subject, (granted, rows, reading) =>
      // As in a check: an approver that hangs must not hold up what is covered anyway.
      asked.some((scope) => reaches(this.#settings.scopes, granted, scope) && !this.#judge(rows, subject, scope, reading).allowed),
    );
    return list.filter((_, i) => isStanding[i] === true || this.#judge(rows, subject, scopes[i] as string, reading).allowed);
  }

  /** @param stuckOf the changes about a subject that no system outside has taken */
  async status(subjectGiven: unknown, stuckOf: (subject: string) => Promise<readonly Effect[]>): Promise<AccessStatus> {
    const { readId, decodeAll, standing, leewayMs } = this.#settings;
    const subject = readId('subject', subjectGiven);
    const stuck = await stuckOf(subject);
    const { rows, reading } = await this.#activated(subject, () => true);
    const all = heldAmong(rows, subject, decodeAll);
    const held = all.filter((one) => isUsable(one, reading)).sort((a, b) => endOf(a) - endOf(b));
    const scheduled = all.filter((one) => isScheduled(one, reading)).sort((a, b) => a.grant.startsAt - b.grant.startsAt);
    // By the rule of a check, asked for the instant of the start.
    const certain = scheduled.filter((one) => {
      const begin = beginsAt(one.grant);
      return isUsable(one, { now: begin, late: begin + leewayMs });
    });
    const changes = [
      ...[...held, ...scheduled].map((one) => endOf(one) - leewayMs),
      ...scheduled.map(({ grant }) => beginsAt(grant)).filter((begin) => begin > reading.now),
    ];
    return {
      subject,
      at: reading.now,
      standing: standing(subject),
      held: held.map(({ grant }) => grant),
      scheduled: scheduled.map(({ grant }) => grant),
      windows: [...held, ...certain].map((one) => ({
        grantId: one.grant.id,
        scope: one.grant.scope,
        startsAt: beginsAt(one.grant),
        endsAt: endOf(one) - leewayMs,
      })),
      changesAt: changes.length === 0 ? undefined : Math.min(...changes),
      stuck,
    };
  }

  #live(subject: string, scope?: string): MaybePromise<readonly Row[]> {
    return this.#ledger.live({ subject, scope, at: this.#keeper.highest });
  }

  #ask(subject: string, scope: string): MaybePromise<Decision> {
    const rows = this.#live(subject, this.#settings.scopes.exact ? scope : undefined);
    return isThenable(rows) ? rows.then((answer) => this.#judge(answer, subject, scope)) : this.#judge(rows, subject, scope);
  }

  /** Where all that is missing is an activation, asks for it and judges anew; one that can't be had leaves the no. */
  async #started(answer: Decision, subject: string, scope: string): Promise<Decision> {
    let told = answer;
    const tried = new Set<string>();
    while (told.reason === 'not_activated' && told.grant !== undefined && !tried.has(told.grant.id)) {
      tried.add(told.grant.id);
      if (!(await this.#activate(told.grant.id, subject))) return told;
      told = await this.#ask(subject, scope);
    }
    return told;
  }

  /** What is live, once whatever could be activated of it has been. */
  async #activated(
    subject: string,
    wanted: (granted: string, rows: readonly Row[], reading: Reading) => boolean,
  ): Promise<{ readonly rows: readonly Row[]; readonly reading: Reading }> {
    const rows = await this.#live(subject);
    const reading = this.#keeper.read();
    const waiting = heldAmong(rows, subject, this.#settings.decodeAll).filter(
      (held) => awaitsActivation(held, reading) && wanted(held.grant.scope, rows, reading),
    );
    if (waiting.length === 0) return { rows, reading };
    await Promise.all(waiting.map(({ grant }) => this.#activate(grant.id, subject)));
    return { rows: await this.#live(subject), reading: this.#keeper.read() };
  }

  /** Never rejects. */
  async #activate(grantId: string, subject: string): Promise<boolean> {
    try {
      if (!this.#starting.isWorthAsking(grantId)) return false;
      await this.#starting.activate(grantId, subject);
      return true;
    } catch (error) {
      this.#settings.onError(error, 'activation');
      return false;
    }
  }

  #judge(rows: readonly Row[], subject: string, scope: string, reading: Reading = this.#keeper.read()): Decision {
    return this.judge(this.#reaching(rows, subject, scope), subject, scope, reading);
  }

  /** Only rows that reach the scope are decoded: one for an ordinary yes. One that is malformed allows nothing and is told. */
  #reaching(rows: readonly Row[], subject: string, scope: string): readonly Held[] {
    const { scopes, decodeAll, onError } = this.#settings;
    const reaching: Held[] = [];
    for (const row of rows) {
      if (isObject(row) && (row.kind !== 'grant' || row.subject !== subject || !reaches(scopes, row.scope, scope))) continue;
      try {
        const grant = decodeGrant(row);
        reaching.push(isCounted(grant) ? paired(grant, usageRow(rows, grant), decodeAll) : { grant, usage: undefined });
      } catch (error) {
        onError(error, 'check');
      }
    }
    return reaching;
  }

  /** Allow only if one of these, which all reach the scope, is usable. */
  judge(reaching: readonly Held[], subject: string, scope: string, reading: Reading): Decision {
    const { leewayMs } = this.#settings;
    let usable: Held | undefined;
    let waiting: Held | undefined;
    let upcoming: Held | undefined;
    for (const held of reaching) {
      // The one that ends last and the one that begins next bound how long the answer stands.
      if (isUsable(held, reading)) {
        if (usable === undefined || endOf(held) > endOf(usable)) usable = held;
      } else if (awaitsActivation(held, reading)) {
        if (waiting === undefined || endOf(held) > endOf(waiting)) waiting = held;
      } else if (isScheduled(held, reading)) {
        if (upcoming === undefined || beginsAt(held.grant) < beginsAt(upcoming.grant)) upcoming = held;
      }
    }
    const { now } = reading;
    if (usable !== undefined) return this.#granted(usable, subject, scope, reading);
    // It may be confirmed at any moment.
    if (waiting !== undefined) return decision(subject, scope, now, 'not_activated', waiting.grant, now);
    if (upcoming !== undefined) {
      const { grant } = upcoming;
      // A leeway may end it before it has begun.
      const validUntil = Math.min(beginsAt(grant), endOf(upcoming) - leewayMs);
      return decision(subject, scope, now, 'not_started', grant, validUntil);
    }
    return decision(subject, scope, now, 'no_grant', undefined, undefined);
  }

  #granted(held: Held, subject: string, scope: string, { now }: Reading): Decision {
    return decision(subject, scope, now, 'granted', held.grant, endOf(held) - this.#settings.leewayMs);
  }
}

/** What to throw for a no. */
export function denied(decision: Decision): DeniedError {
  const { subject, scope, reason } = decision;
  return new DeniedError(`${subject} has no access to ${scope} now (${reason})`, subject, decision);
}

const endOf = ({ grant, usage }: Held): number => heldUntil(grant, usage);

/** One literal, so that all decisions have one hidden class. */
function decision(
  subject: string,
  scope: string,
  at: number,
  reason: Decision['reason'],
  grant: Grant | undefined,
  validUntil: number | undefined,
  pattern?: string,
): Decision {
  return { allowed: reason === 'granted' || reason === 'standing', reason, subject, scope, at, grant, pattern, validUntil };
}

/** Whether what a row is for covers a scope. */
export function reaches(matcher: ScopeMatcher, granted: string | undefined, scope: string): boolean {
  return granted !== undefined && (matcher.exact ? granted === scope : matcher.covers(granted, scope));
}

function readAction(argument: string, action: unknown): string {
  return readScope(argument, isObject(action) ? readField(argument, action, 'scope') : action);
}

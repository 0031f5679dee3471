import { readField, readList } from '../input.js';
import { grantStatus, isUsable } from '../lifecycle/status.js';
import type { MaybePromise, Row, ScopeMatcher } from '../ports.js';
import { decodeGrant, isObject, type Decision, type Grant } from '../records.js';
import { readScope } from '../scope.js';
import { isThenable, type Reading, type Timekeeper } from '../time.js';
import type { AccessStatus } from './answers.js';
import type { Ledger } from './ledger.js';
import type { Settings } from './options.js';
import { standingFor } from './standing.js';

/** A scope, or anything that has one. */
export type Action<Scope extends string = string> = Scope | { readonly scope: Scope };

/**
 * The check. It awaits nothing when the store answers at once, reads the clock once, after the store has answered, so
 * that a slow answer can't carry a yes past the end, and makes one decision. Until then the store is asked from the
 * highest reading so far on, which can only be too early.
 */
export class Checker {
  readonly #settings: Settings;
  readonly #keeper: Timekeeper;
  readonly #ledger: Ledger;

  constructor(settings: Settings, keeper: Timekeeper, ledger: Ledger) {
    this.#settings = settings;
    this.#keeper = keeper;
    this.#ledger = ledger;
  }

  check(subjectGiven: unknown, action: unknown): MaybePromise<Decision> {
    const subject = this.#settings.readId('subject', subjectGiven);
    const scope = readAction('scope', action);
    const pattern = standingFor(this.#settings.standing(subject), scope);
    if (pattern !== undefined) return decision(subject, scope, this.#keeper.read(), { reason: 'standing', pattern });
    const rows = this.#live(subject, this.#settings.scopes.exact ? scope : undefined);
    return isThenable(rows) ? rows.then((answer) => this.#judge(answer, subject, scope)) : this.#judge(rows, subject, scope);
  }

  async filter<T>(subjectGiven: unknown, actions: readonly T[]): Promise<readonly T[]> {
    const subject = this.#settings.readId('subject', subjectGiven);
    const list = readList('actions', actions) as readonly T[];
    const scopes = list.map((action, i) => readAction(`actions[${i}]`, action));
    const patterns = this.#settings.standing(subject);
    const isStanding = scopes.map((scope) => standingFor(patterns, scope) !== undefined);
    // Standing access needs no store, here as in a check.
    if (isStanding.every(Boolean)) return list;
    const rows = await this.#live(subject);
    const reading = this.#keeper.read();
    return list.filter((_, i) => isStanding[i] === true || this.#judge(rows, subject, scopes[i] as string, reading).allowed);
  }

  async status(subjectGiven: unknown): Promise<AccessStatus> {
    const { readId, decodeAll, standing, leewayMs } = this.#settings;
    const subject = readId('subject', subjectGiven);
    const rows = await this.#live(subject);
    const reading = this.#keeper.read();
    const grants = decodeAll(
      rows.filter((row) => !isObject(row) || (row.kind === 'grant' && row.subject === subject)),
      decodeGrant,
    );
    const held = grants.filter((grant) => isUsable(grant.end === undefined, grant.startsAt, grant.expiresAt, reading));
    const scheduled = grants.filter((grant) => grantStatus(grant, reading.now) === 'scheduled');
    const changes = [...held.map((grant) => grant.expiresAt - leewayMs), ...scheduled.map((grant) => grant.startsAt)];
    return {
      subject,
      at: reading.now,
      standing: standing(subject),
      held: held.sort((a, b) => a.expiresAt - b.expiresAt),
      scheduled: scheduled.sort((a, b) => a.startsAt - b.startsAt),
      changesAt: changes.length === 0 ? undefined : Math.min(...changes),
    };
  }

  #live(subject: string, scope?: string): MaybePromise<readonly Row[]> {
    return this.#ledger.live({ subject, scope, at: this.#keeper.highest });
  }

  /**
   * Allow only if some grant covers the scope, has no recorded end, and `startsAt <= now` and `late < expiresAt`. Only
   * rows that reach the scope are decoded: one for an ordinary yes. One that is malformed allows nothing and is told.
   */
  #judge(rows: readonly Row[], subject: string, scope: string, reading: Reading = this.#keeper.read()): Decision {
    const { scopes, leewayMs, onError } = this.#settings;
    let usable: Grant | undefined;
    let upcoming: Grant | undefined;
    for (const row of rows) {
      if (isObject(row) && (row.kind !== 'grant' || row.subject !== subject || !reaches(scopes, row.scope, scope))) continue;
      let grant: Grant;
      try {
        grant = decodeGrant(row);
      } catch (error) {
        onError(error, 'check');
        continue;
      }
      // The one that ends last and the one that begins next bound how long the answer stands.
      if (isUsable(grant.end === undefined, grant.startsAt, grant.expiresAt, reading)) {
        if (usable === undefined || grant.expiresAt > usable.expiresAt) usable = grant;
      } else if (grantStatus(grant, reading.now) === 'scheduled') {
        if (upcoming === undefined || grant.startsAt < upcoming.startsAt) upcoming = grant;
      }
    }
    if (usable !== undefined)
      return decision(subject, scope, reading, { reason: 'granted', grant: usable, validUntil: usable.expiresAt - leewayMs });
    if (upcoming !== undefined)
      return decision(subject, scope, reading, { reason: 'not_started', grant: upcoming, validUntil: upcoming.startsAt });
    return decision(subject, scope, reading, { reason: 'no_grant' });
  }
}

/** One literal, so that all decisions have one hidden class. */
function decision(
  subject: string,
  scope: string,
  { now: at }: Reading,
  { reason, grant, pattern, validUntil }: Pick<Decision, 'reason'> & Partial<Decision>,
): Decision {
  return { allowed: reason === 'granted' || reason === 'standing', reason, subject, scope, at, grant, pattern, validUntil };
}

function reaches(matcher: ScopeMatcher, granted: string | undefined, scope: string): boolean {
  return granted !== undefined && (matcher.exact ? granted === scope : matcher.covers(granted, scope));
}

function readAction(argument: string, action: unknown): string {
  return readScope(argument, isObject(action) ? readField(argument, action, 'scope') : action);
}

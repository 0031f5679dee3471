import { isJitError } from '../errors.js';
import { invalid, readId, readOptions } from '../input.js';
import { cancelRequest } from '../lifecycle/decision.js';
import { grantIds } from '../lifecycle/grant.js';
import { endGrant, type EndCommand } from '../lifecycle/line.js';
import { moment } from '../lifecycle/step.js';
import { decodeGrant, decodeRequest, type AccessRequest, type Grant, type StoredRecord } from '../records.js';
import { patternScopes, readPattern } from '../scope.js';
import type { Timekeeper } from '../time.js';
import type { RevokeAllReport } from './answers.js';
import type { Facts } from './facts.js';
import type { Ledger } from './ledger.js';
import type { Settings } from './options.js';

/**
 * What to end on the bad day: exactly one of the three. By scope it reaches whatever overlaps the pattern; by request also
 * what extends its grants.
 */
export type RevokeAllTarget = { readonly subject: string } | { readonly scope: string } | { readonly requestId: string };

/** Ends what lives: one grant, one request, or everything that a target reaches. */
export class Ending {
  readonly #settings: Settings;
  readonly #keeper: Timekeeper;
  readonly #ledger: Ledger;
  readonly #facts: Facts;

  constructor(settings: Settings, keeper: Timekeeper, ledger: Ledger, facts: Facts) {
    this.#settings = settings;
    this.#keeper = keeper;
    this.#ledger = ledger;
    this.#facts = facts;
  }

  async grant(id: string, actor: string, command: EndCommand): Promise<Grant> {
    return (await this.#endLine(id, actor, command)).grant;
  }

  /** @returns the grant, and all that was written with it: what goes on from it ends too */
  async #endLine(id: string, actor: string, command: EndCommand) {
    const written: StoredRecord[] = [];
    for (;;) {
      let put: readonly StoredRecord[] = [];
      const end = async () => {
        const held = await this.#ledger.held(id);
        const line = await this.#facts.line(held.grant);
        const step = endGrant(held, line, command, moment(this.#keeper, actor));
        ({ put } = step);
        return step;
      };
      const grant = await this.#ledger.run(end, true);
      written.push(...put);
      // An end by time doesn't block an extension, and one may have been asked for while the line was read. Now that the
      // end is on record none can be any more: what there is, is found by going over the line once more.
      if (!put.some((record) => record.kind === 'grant' && record.end?.status === 'expired')) return { grant, written };
    }
  }

  async request(id: string, actor: string, command: Parameters<typeof cancelRequest>[1]): Promise<AccessRequest> {
    const stubborn = command.cause === 'revoked';
    const cancel = async () => cancelRequest(await this.#ledger.request(id), command, moment(this.#keeper, actor));
    return (await this.#ledger.run(cancel, stubborn)).request;
  }

  /**
   * Goes over everything until a pass finds nothing that was there when it began. Requests before grants: one that is
   * approved in between leaves its grants for the second half of the pass. What comes in meanwhile is ended too where a
   * pass meets it, but doesn't call for another, or an agent that asks in a loop would keep this going for ever.
   *
   * A record that can't be ended stops none of the others; its error is thrown after the pass.
   */
  async all(given: RevokeAllTarget, actor: string, reason: string | undefined): Promise<RevokeAllReport> {
    const target = this.#readTarget(given);
    const requests = new Map<string, AccessRequest>();
    const grants = new Map<string, Grant>();
    const failures: unknown[] = [];
    const command = { cause: 'revoked', reason } as const;
    const begun = this.#keeper.read().late;
    // At least two, for clocks of other processes may be ahead of this one.
    for (let pass = 1, found = true; found || pass <= 2; pass++) {
      found = false;
      for await (const { id, createdAt } of target.requests()) {
        found ||= createdAt <= begun;
        const ended = await this.request(id, actor, command).catch((error: unknown) => unlessDecided(error, failures));
        if (ended?.end?.status === 'cancelled') requests.set(id, ended);
      }
      for await (const { id, issuedAt } of target.grants()) {
        const ended = await this.#endLine(id, actor, command).catch((error: unknown) => unlessDecided(error, failures));
        const written = ended?.written ?? [];
        found ||= written.length > 0 && issuedAt <= begun;
        for (const record of written) {
          if (record.kind === 'grant' && record.end?.status === 'revoked') grants.set(record.id, record);
          if (record.kind === 'request' && record.end?.status === 'cancelled') requests.set(record.id, record);
        }
      }
      if (failures.length > 0) throw failures[0];
    }
    return { grants: [...grants.values()], requests: [...requests.values()] };
  }

  #readTarget(target: RevokeAllTarget): Reach {
    const given = readOptions('target', target, ['subject', 'scope', 'requestId']);
    if (Object.values(given).filter((part) => part !== undefined).length !== 1) {
      throw invalid('target', 'exactly one of subject, scope, requestId', target);
    }
    const { scopes, readId: readActorId } = this.#settings;
    if (given.requestId !== undefined) return this.#ofRequest(readId('target.requestId', given.requestId));
    if (given.subject !== undefined) return this.#whatIsOpen(readActorId('target.subject', given.subject), () => true);
    // Always a pattern, whatever the engine's scopes are: on the bad day a wildcard must not be an error, nor end nothing.
    const pattern = readPattern('target.scope', given.scope);
    return this.#whatIsOpen(undefined, (scope) => patternScopes.overlaps(pattern, scope) || scopes.overlaps(pattern, scope));
  }

  #whatIsOpen(subject: string | undefined, reaches: (scope: string) => boolean): Reach {
    const { decodeAll } = this.#settings;
    const pages = (kind: string) => this.#ledger.pages({ kind, subject, open: true });
    return {
      async *requests() {
        for await (const rows of pages('request')) {
          // One that is open for the review that it owes has nothing left to cancel.
          yield* decodeAll(rows, decodeRequest).filter(({ end, scopes }) => end === undefined && scopes.some(reaches));
        }
      },
      async *grants() {
        for await (const rows of pages('grant')) yield* decodeAll(rows, decodeGrant).filter(({ scope }) => reaches(scope));
      },
    };
  }

  /** Its grants that have ended too: what extends them goes on from this request. */
  #ofRequest(id: string): Reach {
    const ledger = this.#ledger;
    return {
      async *requests() {
        const request = await ledger.request(id);
        if (request.end === undefined) yield request;
      },
      async *grants() {
        const held = await ledger.heldAll(grantIds(await ledger.request(id)));
        yield* held.map(({ grant }) => grant);
      },
    };
  }
}

/** What a target names, read anew at each pass. */
interface Reach {
  requests(): AsyncIterable<AccessRequest>;
  grants(): AsyncIterable<Grant>;
}

/** A request that was decided meanwhile is no failure; its grants, if any, are found next. */
function unlessDecided(error: unknown, failures: unknown[]): undefined {
  if (!isJitError(error) || error.code !== 'ERR_JIT_DECIDED') failures.push(error);
}

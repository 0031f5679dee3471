import { isJitError } from '../errors.js';
import { invalid, readId, readOptions } from '../input.js';
import { endGrant, type EndCommand } from '../lifecycle/line.js';
import { cancelRequest } from '../lifecycle/decision.js';
import { moment } from '../lifecycle/step.js';
import { decodeGrant, decodeRequest, type AccessRequest, type Grant } from '../records.js';
import { readPattern, readScope } from '../scope.js';
import type { Timekeeper } from '../time.js';
import type { RevokeAllReport } from './answers.js';
import type { Facts } from './facts.js';
import type { Ledger } from './ledger.js';
import type { Settings } from './options.js';

/** What to end on the bad day: exactly one of the three. By scope it reaches whatever overlaps the pattern. */
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

  grant(id: string, actor: string, command: EndCommand): Promise<Grant> {
    const end = async () => {
      const held = await this.#ledger.held(id);
      const line = await this.#facts.line(held.grant);
      return endGrant(held, line, command, moment(this.#keeper, actor));
    };
    return this.#ledger.run(end, true);
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
  async all(target: RevokeAllTarget, actor: string, reason: string | undefined): Promise<RevokeAllReport> {
    const { subject, request: reachesRequest, grant: reachesGrant } = this.#readTarget(target);
    const requests = new Map<string, AccessRequest>();
    const grants = new Map<string, Grant>();
    const failures: unknown[] = [];
    const command = { cause: 'revoked', reason } as const;
    const begun = this.#keeper.read().late;
    // At least two, for clocks of other processes may be ahead of this one.
    for (let pass = 1, found = true; found || pass <= 2; pass++) {
      found = false;
      for await (const rows of this.#ledger.pages({ kind: 'request', subject, open: true })) {
        for (const { id, createdAt, end } of this.#settings.decodeAll(rows, decodeRequest).filter(reachesRequest)) {
          // One that is open for the review that it owes has nothing left to cancel.
          if (end !== undefined) continue;
          found ||= createdAt <= begun;
          const ended = await this.request(id, actor, command).catch((error: unknown) => unlessDecided(error, failures));
          if (ended?.end?.status === 'cancelled') requests.set(id, ended);
        }
      }
      for await (const rows of this.#ledger.pages({ kind: 'grant', subject, open: true })) {
        for (const { id, issuedAt } of this.#settings.decodeAll(rows, decodeGrant).filter(reachesGrant)) {
          found ||= issuedAt <= begun;
          const ended = await this.grant(id, actor, command).catch((error: unknown) => unlessDecided(error, failures));
          if (ended?.end?.status === 'revoked') grants.set(id, ended);
        }
      }
      if (failures.length > 0) throw failures[0];
    }
    return { grants: [...grants.values()], requests: [...requests.values()] };
  }

  #readTarget(target: RevokeAllTarget) {
    const given = readOptions('target', target, ['subject', 'scope', 'requestId']);
    if (Object.values(given).filter((part) => part !== undefined).length !== 1) {
      throw invalid('target', 'exactly one of subject, scope, requestId', target);
    }
    const { scopes, readId: readActorId } = this.#settings;
    if (given.subject !== undefined) {
      return { subject: readActorId('target.subject', given.subject), request: () => true, grant: () => true };
    }
    if (given.requestId !== undefined) {
      const id = readId('target.requestId', given.requestId);
      return { subject: undefined, request: (one: AccessRequest) => one.id === id, grant: (one: Grant) => one.requestId === id };
    }
    const pattern = (scopes.exact ? readScope : readPattern)('target.scope', given.scope);
    const overlaps = (scope: string) => scopes.overlaps(pattern, scope);
    return { subject: undefined, request: (one: AccessRequest) => one.scopes.some(overlaps), grant: (one: Grant) => overlaps(one.scope) };
  }
}

/** A request that was decided meanwhile is no failure; its grants, if any, are found next. */
function unlessDecided(error: unknown, failures: unknown[]): undefined {
  if (!isJitError(error) || error.code !== 'ERR_JIT_DECIDED') failures.push(error);
}

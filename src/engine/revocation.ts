import { isJitError, NotFoundError, PartialError, type EndFailure } from '../core/errors.js';
import { invalid, readId, readOptions } from '../core/parse.js';
import { cancelRequest } from '../lifecycle/decision.js';
import { anyGrantIds, grantIds } from '../lifecycle/grant.js';
import { endGrant, type EndCommand } from '../lifecycle/extension-chain.js';
import { moment } from '../lifecycle/transition.js';
import type { Row } from '../core/store-port.js';
import { agentOf, decodeGrant, decodeRequest, isReachedBy, type AccessRequest, type Grant, type StoredRecord } from '../records/index.js';
import { isScope, patternScopes, readPattern } from '../core/scope.js';
import type { EngineClock } from '../core/time.js';
import type { RevokeAllReport } from './answers.js';
import { loadChain } from '../kernel/context.js';
import { decodeEach, type Ledger } from '../kernel/ledger.js';
import type { Settings } from '../kernel/settings.js';
import { inBatches, RevokeAllTally } from './revoke-all.js';
import type { Kernel } from '../kernel/kernel.js';

/**
 * What to end on the bad day: exactly one of the three. By scope it reaches whatever overlaps the pattern; by request also
 * what extends its grants.
 */
export type RevokeAllTarget = { readonly subject: string } | { readonly scope: string } | { readonly requestId: string };

/** Ends what lives: one grant, one request, or everything that a target reaches. */
export class Revocation {
  readonly #settings: Settings;
  readonly #keeper: EngineClock;
  readonly #ledger: Ledger;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#settings = kernel.settings;
    this.#keeper = kernel.clock;
    this.#ledger = kernel.ledger;
    this.#kernel = kernel;
  }

  /** @throws PartialError where a grant that goes on from this one can not be read, and so was not ended with it */
  async grant(id: string, actor: string, command: EndCommand): Promise<Grant> {
    const { grant, written, failures } = await this.#endLine(id, actor, command);
    if (written.length === 0) await this.#ledger.confirmDurable();
    if (failures.length === 0) return grant;
    const tally = new RevokeAllTally();
    tally.addWritten(written);
    throw new PartialError(tally.ended, failures);
  }

  /**
   * Ends what goes on from grants whose use was not justified, and is left.
   *
   * @param ended have their end, in the commit of the review
   * @param unreadable what that commit could not end
   * @throws PartialError
   */
  async each(ended: readonly Grant[], actor: string, reason: string | undefined, unreadable: readonly EndFailure[]): Promise<void> {
    const tally = new RevokeAllTally();
    tally.addWritten(ended);
    for (const { kind, id, error } of unreadable) tally.fail(kind, id, error);
    for (const { id } of ended) await this.#revoke(id, actor, { cause: 'unjustified', reason }, tally);
    await this.#confirmDurable(tally);
    tally.report();
  }

  /** @returns the grant, all that was written with it (what goes on from it ends too), and what of that could not be read */
  async #endLine(id: string, actor: string, command: EndCommand) {
    const written: StoredRecord[] = [];
    for (;;) {
      let put: readonly StoredRecord[] = [];
      let failures: EndFailure[] = [];
      const end = async () => {
        failures = [];
        const held = await this.#ledger.held(id);
        const line = await loadChain(this.#kernel, held.grant, (row, error) => failures.push({ kind: 'grant', id: row.id, error }));
        const step = endGrant(held, line, command, moment(this.#keeper, actor));
        ({ put } = step);
        return step;
      };
      const grant = await this.#ledger.run(end, true);
      written.push(...put);
      // An end by time doesn't block an extension, and one may have been asked for while the line was read. Now that the
      // end is on record none can be any more: what there is, is found by going over the line once more.
      if (!put.some((record) => record.kind === 'grant' && record.end?.status === 'expired')) return { grant, written, failures };
    }
  }

  async request(id: string, actor: string, command: Parameters<typeof cancelRequest>[1]): Promise<AccessRequest> {
    const stubborn = command.cause === 'revoked';
    const cancel = async () => cancelRequest(await this.#ledger.request(id), command, moment(this.#keeper, actor));
    return (await this.#ledger.runDurably(cancel, stubborn)).request;
  }

  /**
   * Goes over everything until a pass finds nothing that was there when it began. Requests before grants: one that is
   * approved in between leaves its grants for the second half of the pass. What comes in meanwhile is ended too where a
   * pass meets it, but doesn't call for another, or an agent that asks in a loop would keep this going for ever.
   *
   * A record that can't be read, or not be ended, stops none of the others. Each pass tries it again; what is left after
   * the last is an error, for an acknowledged `revokeAll` after which a process still allows is worse than none.
   *
   * @throws PartialError
   */
  async all(given: RevokeAllTarget, actor: string, reason: string | undefined): Promise<RevokeAllReport> {
    const target = this.#readTarget(given);
    const tally = new RevokeAllTally();
    const command = { cause: 'revoked', reason } as const;
    const begun = this.#keeper.read().forEnds;
    // At least two, for clocks of other processes may be ahead of this one.
    for (let pass = 1, found = true; found || pass <= 2; pass++) {
      found = false;
      tally.beginPass();
      await eachPage('request', target.requests(), tally, async (rows) => {
        const requests = decodeEach(rows, decodeRequest, (row, error) => tally.fail('request', row.id, error));
        await inBatches(requests.filter(target.isRequest), async ({ id, createdAt }) => {
          const isEnded = await this.#cancel(id, actor, command, tally);
          found ||= isEnded && createdAt <= begun;
        });
      });
      await eachPage('grant', target.grants(), tally, async (rows) => {
        const grants = decodeEach(rows, decodeGrant, (row, error) => {
          if (target.mayBeGrant(row)) tally.fail('grant', row.id, error);
        });
        await inBatches(grants.filter(target.isGrant), async ({ id, issuedAt }) => {
          const isEnded = await this.#revoke(id, actor, command, tally);
          found ||= isEnded && issuedAt <= begun;
        });
      });
    }
    await this.#confirmDurable(tally);
    return tally.report();
  }

  /** The passes write nothing for what another caller has ended already, and that end may not be durable yet. */
  async #confirmDurable(tally: RevokeAllTally): Promise<void> {
    await this.#ledger.confirmDurable().catch((error: unknown) => tally.fail('grant', undefined, error));
  }

  /** @returns whether the request was open, and is no longer */
  async #cancel(id: string, actor: string, command: Parameters<typeof cancelRequest>[1], tally: RevokeAllTally): Promise<boolean> {
    try {
      tally.addWritten([await this.request(id, actor, command)]);
    } catch (error) {
      // One that was decided meanwhile is no failure; its grants, if any, are found next.
      if (!isJitError(error) || error.code !== 'ERR_JIT_DECIDED') {
        tally.fail('request', id, error);
        return false;
      }
    }
    return true;
  }

  /** @returns whether anything was written: the grant, or what goes on from it */
  async #revoke(id: string, actor: string, command: EndCommand, tally: RevokeAllTally): Promise<boolean> {
    try {
      const { written, failures } = await this.#endLine(id, actor, command);
      tally.addWritten(written);
      for (const failure of failures) tally.fail(failure.kind, failure.id, failure.error);
      return written.length > 0;
    } catch (error) {
      tally.fail('grant', id, error);
      return false;
    }
  }

  #readTarget(target: RevokeAllTarget): RevokeTarget {
    const given = readOptions('target', target, ['subject', 'scope', 'requestId']);
    if (Object.values(given).filter((part) => part !== undefined).length !== 1) {
      throw invalid('target', 'exactly one of subject, scope, requestId', target);
    }
    const { scopes, readId: readActorId } = this.#settings;
    if (given.requestId !== undefined) return this.#ofRequest(readId('target.requestId', given.requestId));
    if (given.subject !== undefined) return this.#ofSubject(readActorId('target.subject', given.subject));
    // Always a pattern, whatever the engine's scopes are: on the bad day a wildcard must not be an error, nor end nothing.
    const pattern = readPattern('target.scope', given.scope);
    return this.#whatIsOpen(undefined, (scope) => patternScopes.overlaps(pattern, scope) || scopes.overlaps(pattern, scope));
  }

  /** An agent's runs are subjects of their own that no index leads to: for an agent, the pass goes over the namespace. */
  #ofSubject(id: string): RevokeTarget {
    const hasRuns = this.#settings.isAgent(id) && agentOf(id) === undefined;
    return hasRuns
      ? this.#whatIsOpen(
          undefined,
          () => true,
          (row) => isReachedBy(row.subject, id),
        )
      : this.#whatIsOpen(id, () => true);
  }

  #whatIsOpen(subject: string | undefined, reaches: (scope: string) => boolean, isMeant: (row: Row) => boolean = () => true): RevokeTarget {
    const ledger = this.#ledger;
    const pages = async function* (kind: string) {
      for await (const rows of ledger.pages({ kind, subject, open: true })) yield rows.filter(isMeant);
    };
    return {
      requests: () => pages('request'),
      grants: () => pages('grant'),
      // One that is open for the review that it owes has nothing left to cancel.
      isRequest: ({ end, scopes }) => end === undefined && scopes.some(reaches),
      isGrant: ({ scope }) => reaches(scope),
      // By its column: a check finds the grant under no other scope.
      mayBeGrant: ({ scope }) => !isScope(scope) || reaches(scope),
    };
  }

  /** Its grants that have ended too: what extends them goes on from this request. */
  #ofRequest(id: string): RevokeTarget {
    const ledger = this.#ledger;
    const rowOf = async (): Promise<Row> => {
      const row = await ledger.row('request', id);
      if (row === undefined) throw new NotFoundError('request', id);
      return row;
    };
    return {
      async *requests() {
        yield [await rowOf()];
      },
      async *grants() {
        let ids: readonly string[] = [];
        // A request that can't be read doesn't say how many grants it has: any that it may have are looked for.
        decodeEach(
          [await rowOf()],
          (row) => (ids = grantIds(decodeRequest(row))),
          () => (ids = anyGrantIds(id)),
        );
        const rows = await ledger.rows(ids.map((grantId) => ({ kind: 'grant', id: grantId })));
        yield rows.filter((row) => row !== undefined);
      },
      isRequest: ({ end }) => end === undefined,
      isGrant: () => true,
      mayBeGrant: () => true,
    };
  }
}

/** What a target names, read anew at each pass. */
interface RevokeTarget {
  /** @throws NotFoundError where the target is a request that is not there */
  requests(): AsyncIterable<readonly Row[]>;
  grants(): AsyncIterable<readonly Row[]>;
  readonly isRequest: (request: AccessRequest) => boolean;
  readonly isGrant: (grant: Grant) => boolean;
  /** Of a row that can't be read. */
  readonly mayBeGrant: (row: Row) => boolean;
}

/** Where the store can't list one kind, the other is ended all the same. */
async function eachPage(
  kind: EndFailure['kind'],
  pages: AsyncIterable<readonly Row[]>,
  tally: RevokeAllTally,
  handle: (rows: readonly Row[]) => Promise<void>,
): Promise<void> {
  try {
    for await (const rows of pages) await handle(rows);
  } catch (error) {
    if (isJitError(error) && error.code === 'ERR_JIT_NOT_FOUND') throw error;
    tally.fail(kind, undefined, error);
  }
}

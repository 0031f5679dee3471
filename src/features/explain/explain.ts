import { CorruptError, isJitError } from '../../core/errors.js';
import { readOptions } from '../../core/parse.js';
import { reaches } from '../../lifecycle/check.js';
import {
  findReason,
  groupsToApprove,
  narrow,
  reasonOfNothing,
  type Finding,
  type OnRecord,
  type ScopeRelation,
} from '../../lifecycle/explain.js';
import type { GrantUse } from '../../lifecycle/status.js';
import type { Row } from '../../core/store-port.js';
import { decodeGrant, decodeRequest, hasUsageRow, type AccessRequest, type Grant } from '../../records/index.js';
import type { EngineClock } from '../../core/time.js';
import type { Duration } from '../../core/duration.js';
import type { AccessPreview } from '../../engine/answers.js';
import type { Explanation, ExplanationReason } from './explanation.js';
import { AskReader, type AccessAsk, type ParsedAsk } from '../../engine/ask.js';
import type { Action, Checker } from '../../engine/checker.js';
import type { JitEngine } from '../../engine/engine.js';
import { EngineChecker } from '../../engine/engine-checker.js';
import { Requests } from '../../engine/requests.js';
import { withUsage } from '../../kernel/grant-use.js';
import type { Ledger } from '../../kernel/ledger.js';
import type { Settings } from '../../kernel/settings.js';
import { readHorizon } from '../../kernel/horizon.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import type { Kernel } from '../../kernel/kernel.js';

/** What `explain` takes besides. */
export interface ExplainOptions {
  /** What would be asked for, if it were asked for now. `ttl`: 15 minutes by default, or as much as the limits allow. */
  readonly ask?:
    (Pick<AccessAsk, 'justification' | 'ticket' | 'metadata' | 'startsAt'> & { readonly ttl?: Duration | undefined }) | undefined;
}

/**
 * Why the subject may do this, or why not: the record that decides, when time may change that, who may approve, and what would
 * become of an ask. For people to read. It records nothing itself; it begins with a check, which confirms a start that is
 * due. An approver that fails takes only its own part from the answer, and the engine reports it to `onError`.
 *
 * Gotcha: it reads every record of the subject, and asks the approver. Gate on `assertAllowed`.
 *
 * @throws CorruptError `ERR_JIT_CORRUPT` where the grant that would say why there is no access can't be read;
 *   InvalidArgumentError, StoreError, ClockError, ClosedError
 * @example
 * const { reason, approvers } = await explain(engine, 'user:maya', 'db-prod:write');
 */
export async function explain<Scope extends string>(
  engine: JitEngine<Scope>,
  subject: string,
  action: Action<NoInfer<Scope>>,
  options: ExplainOptions = {},
): Promise<Explanation> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  return kernel.part(Explainer).explain(subject, action, options);
}

const DEFAULT_TTL_MS = 15 * 60_000;

/** Where access is there, or on its way, nobody needs to ask for it. */
const ON_ITS_WAY: ReadonlySet<ExplanationReason> = new Set<ExplanationReason>(['granted', 'not_activated', 'not_started', 'pending']);

/** Why, or why not: reads what is on record about a subject, and asks what would become of an ask. It records nothing of its own. */
class Explainer {
  readonly #settings: Settings;
  readonly #keeper: EngineClock;
  readonly #ledger: Ledger;
  readonly #checker: Checker;
  readonly #requests: Requests;
  readonly #asks: AskReader;

  constructor(kernel: Kernel) {
    this.#settings = kernel.settings;
    this.#keeper = kernel.clock;
    this.#ledger = kernel.ledger;
    this.#checker = kernel.part(EngineChecker);
    this.#requests = kernel.part(Requests);
    this.#asks = new AskReader(kernel.settings);
  }

  async explain(subjectGiven: unknown, action: unknown, options: unknown): Promise<Explanation> {
    const checker = this.#checker;
    const { subject, scope } = checker.read(subjectGiven, action);
    const ask = this.#readAsk(subjectGiven, scope, options);
    const about = { subject, scope };
    // First a check like any other, so that both say the same; where a start is due, it has it confirmed.
    const decision = await checker.decide(subject, scope);
    if (decision.allowed) {
      const { at, grant, pattern, validUntil } = decision;
      const reason = pattern === undefined ? 'granted' : 'standing';
      const request = grant && (await this.#requestOf(grant));
      if (!this.#isOver(validUntil)) return explanation({ ...about, at, reason, request, grant, pattern, changesAt: validUntil });
    }
    return this.#fromRecords(about, ask);
  }

  async #fromRecords(about: Pick<Explanation, 'subject' | 'scope'>, ask: ParsedAsk): Promise<Explanation> {
    const { subject, scope } = about;
    const { scopes } = this.#settings;
    const reach: ScopeRelation = {
      covers: (named) => reaches(scopes, named, scope),
      overlaps: (named) => scopes.overlaps(named, scope),
    };
    const again = () => this.#fromRecords(about, ask);
    const begun = this.#keeper.read();
    const known = await this.#onRecord(subject, reach);
    const reading = this.#keeper.read();
    const at = reading.now;
    const found = findReason(known, reach, reading);
    // What has run out meanwhile is read again: a row from before doesn't say that nobody ended or decided it in time.
    if (found?.reason === 'expired' && findReason(known, reach, begun)?.reason !== 'expired') return again();
    if (found?.reason === 'unreadable') {
      await this.#refuseUnreadable(found);
      return again();
    }
    const asking = found !== undefined && ON_ITS_WAY.has(found.reason) ? undefined : await this.#preview(ask);
    const isLost = await this.#mayBePurged(subject, found);
    if (found === undefined || isLost) {
      const isIneligible = asking?.outcome === 'refused' && asking.code === 'ERR_JIT_INELIGIBLE';
      const reason = reasonOfNothing(isLost, isIneligible);
      return explanation({ ...about, at, reason, asking, approvers: approversIn(asking, at) });
    }
    const { reason } = found;
    const { grant, changesAt } = found;
    const request = grant === undefined ? found.request : await this.#requestOf(grant);
    if (reason === 'granted' && this.#isOver(changesAt)) return again();
    const approvers = reason === 'pending' && request !== undefined ? await this.#approversOf(request, at) : approversIn(asking, at);
    return explanation({ ...about, at, reason, request, grant, changesAt, asking, approvers });
  }

  /** What has ended while more was read about it is told as ended. */
  #isOver(changesAt: number | undefined): boolean {
    return changesAt !== undefined && !(this.#keeper.read().highWater < changesAt);
  }

  /** @throws CorruptError unless a purge has taken the request, which takes its grants in the same commit, between two reads */
  async #refuseUnreadable({ request }: Finding): Promise<void> {
    const { id } = request as AccessRequest;
    if ((await this.#ledger.row('request', id)) === undefined) return;
    throw new CorruptError('request', id, 'is approved, but its grant, or how that was used, is missing or can not be read');
  }

  /** All that the subject has on record, a page at a time, and of each page what may decide. */
  async #onRecord(subject: string, reach: ScopeRelation): Promise<OnRecord> {
    const { decodeAll } = this.#settings;
    let known: OnRecord = { requests: [], held: [] };
    for await (const rows of this.#ledger.pages({ kind: 'request', subject })) {
      const requests = decodeAll(rows, decodeRequest).filter((one) => one.subject === subject);
      known = narrow({ ...known, requests: [...known.requests, ...requests] }, reach, this.#keeper.read());
    }
    for await (const rows of this.#ledger.pages({ kind: 'grant', subject })) {
      const grants = decodeAll(rows, decodeGrant).filter((one) => one.subject === subject);
      known = narrow({ ...known, held: [...known.held, ...(await this.#withUsage(grants))] }, reach, this.#keeper.read());
    }
    return known;
  }

  /** How those have been used whose end may have come without being on record. */
  async #withUsage(grants: readonly Grant[]): Promise<readonly GrantUse[]> {
    const counted = grants.filter((grant) => grant.end === undefined && hasUsageRow(grant));
    const rows = await this.#ledger.rows(counted.map(({ id }) => ({ kind: 'usage', id })));
    const usages = new Map<string, Row | undefined>(counted.map(({ id }, i) => [id, rows[i]]));
    return grants.map((grant) => withUsage(grant, usages.get(grant.id), this.#settings.decodeAll));
  }

  /** `undefined` where it is gone, or can't be read: the grant has decided without it. */
  async #requestOf({ requestId }: Grant): Promise<AccessRequest | undefined> {
    const row = await this.#ledger.row('request', requestId);
    return row && this.#settings.decodeAll([row], decodeRequest)[0];
  }

  /**
   * Whether what decides may have been purged: where there is nothing, and where what is left ended before the horizon.
   * Whatever opens a request writes its subject's row, and no purge takes that. The horizon is on record before a row goes,
   * so it is read last.
   */
  async #mayBePurged(subject: string, found: Finding | undefined): Promise<boolean> {
    if (found === undefined) return (await this.#ledger.row('subject', subject)) !== undefined && (await readHorizon(this.#ledger)) > 0;
    return found.endedAt !== undefined && found.endedAt < (await readHorizon(this.#ledger));
  }

  /** Nobody can, while the approver has not said who. */
  async #approversOf(request: AccessRequest, now: number): Promise<Explanation['approvers']> {
    if (request.quorum === undefined) return undefined;
    return { groups: groupsToApprove(request, now), people: await this.#requests.reviewersOf(request) };
  }

  /** What would become of the ask; `undefined` where that can't be told, which takes nothing from the rest of the answer. */
  async #preview(ask: ParsedAsk): Promise<AccessPreview | undefined> {
    try {
      return await this.#requests.preview(ask);
    } catch (error) {
      if (!isJitError(error) || error.code === 'ERR_JIT_STORE') throw error;
      this.#settings.onError(error, 'explain');
      return undefined;
    }
  }

  #readAsk(subject: unknown, scope: string, options: unknown): ParsedAsk {
    const { ask = {} } = readOptions('options', options, ['ask']);
    const { ttl, ...rest } = readOptions('ask', ask, ['ttl', 'justification', 'ticket', 'metadata', 'startsAt']);
    const { maxTtlMs, maxTotalMs } = this.#settings.limits;
    const longest = Math.min(DEFAULT_TTL_MS, maxTtlMs, maxTotalMs);
    return this.#asks.access({ subject, scope, ...rest, ttl: ttl === undefined ? longest : ttl });
  }
}

/** Who would be asked. */
const approversIn = (asking: AccessPreview | undefined, now: number): Explanation['approvers'] =>
  asking?.outcome === 'pending' ? { groups: groupsToApprove(asking.request, now), people: asking.reviewers } : undefined;

function explanation(told: Pick<Explanation, 'subject' | 'scope' | 'at' | 'reason'> & Partial<Explanation>): Explanation {
  const { subject, scope, at, reason, request, grant, pattern, changesAt, approvers, asking } = told;
  const allowed = reason === 'granted' || reason === 'standing';
  return { allowed, reason, subject, scope, at, request, grant, pattern, changesAt, approvers, asking };
}

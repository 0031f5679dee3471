import type { IssueFacts } from '../lifecycle/grant.js';
import { walkChain, walkToFirst } from './walk-chain.js';
import type { ExtensionChain } from '../lifecycle/extension-chain.js';
import { limitMet, type OpenFacts } from '../lifecycle/request.js';
import { MAX_DENIED, recentDenials, type DenialFacts, type RecentDenial } from '../lifecycle/same-ask.js';
import { hasEnded, type GrantUse } from '../lifecycle/status.js';
import { moment, SWEEPER, type Moment } from '../lifecycle/transition.js';
import { findDuplicate, grantLimitMet, isPending, type SubjectFacts } from '../lifecycle/subject.js';
import { recordTime, workOn, workOnRequest } from '../lifecycle/sweep.js';
import type { Row } from '../core/store-port.js';
import { decodeGrant, decodeRequest, decodeSubject, type AccessRequest, type Grant } from '../records/index.js';
import type { EngineClock, TurnBudget } from '../core/time.js';
import type { ApproverClient } from './approver-client.js';
import { grantsAmong } from './grant-use.js';
import type { Ledger } from './ledger.js';
import type { Settings } from './settings.js';
import type { Kernel } from './kernel.js';

/** Reads what a rule needs to know besides the record that it is about. */
export class ContextLoader {
  readonly #settings: Settings;
  readonly #keeper: EngineClock;
  readonly #ledger: Ledger;
  readonly #desk: ApproverClient;

  constructor(kernel: Kernel) {
    this.#settings = kernel.settings;
    this.#keeper = kernel.clock;
    this.#ledger = kernel.ledger;
    this.#desk = kernel.approver;
  }

  /** Whether two scopes have anything in common, by the engine's matcher. */
  readonly overlaps = (a: string, b: string): boolean => this.#settings.scopes.overlaps(a, b);

  /**
   * A subject's row first, then its set: whatever joins the set after that changes the row.
   *
   * All grants without a recorded end, so that an end by time which no sweep has recorded frees no place by itself.
   */
  async ofSubject(id: string): Promise<SubjectFacts> {
    const subject = await this.#ledger.subject(id);
    const rows = await this.#ledger.live({ subject: id, at: 0 });
    return { subject, live: grantsAmong(rows, id, this.#settings.decodeAll), given: NONE_GIVEN };
  }

  /**
   * What issuing this request's grants would rest on. Where a limit would refuse them, what time has ended is recorded
   * first, so that a service without a sweeper locks nobody out.
   */
  async forIssuing(request: AccessRequest, { isBreakGlass = false, dryRun = false } = {}): Promise<IssueFacts> {
    const { limits } = this.#settings;
    const facts = await this.#belowLimit(
      () => this.ofSubject(request.subject),
      (known) => grantLimitMet(limits, request, known, isBreakGlass) !== undefined,
      dryRun,
    );
    const chain = await this.#chain(request);
    const origin = request.extension && (await this.#ledger.row('grant', request.extension.grantId));
    return { ...facts, chain, limits, asksAtStart: this.#desk.asksAtStart, origin: origin && decodeGrant(origin) };
  }

  /** What opening this request would rest on, but for the grant that it extends; as {@link forIssuing}. */
  async forOpening(request: AccessRequest, { dryRun = false } = {}): Promise<Omit<OpenFacts, 'origin'>> {
    const { limits } = this.#settings;
    return this.#belowLimit(
      () => this.#opening(request),
      (known) => {
        const now = moment(this.#keeper, SWEEPER);
        return findDuplicate(request, known.open, known, now) === undefined && limitMet(request, limits, known, now) !== undefined;
      },
      dryRun,
    );
  }

  async #opening(request: AccessRequest): Promise<Omit<OpenFacts, 'origin'>> {
    const { subject, requestedBy, scopes } = request;
    const { overlaps } = this;
    const requester = requestedBy === subject ? undefined : await this.#ledger.subject(requestedBy);
    const facts = await this.ofSubject(subject);
    const touched = facts.live.filter(({ grant }) => scopes.some((scope) => overlaps(grant.scope, scope)));
    const stands = this.#settings.limits.askAgainAfterMs !== undefined && request.extension === undefined;
    return {
      ...facts,
      chain: await this.#chain(request),
      given: await this.#given(touched),
      open: await this.openRequests(subject),
      denied: stands ? await this.requests(facts.subject?.denied ?? []) : [],
      requester,
      openedForOthers: (await this.requests(requester?.openedForOthers ?? [])).filter(({ end }) => end === undefined),
      overlaps,
    };
  }

  /**
   * The ids of all grants of the chain that a request extends: from its first grant on, over every branch. A new grant of the
   * chain writes the subject's row, so read that row first: then no two approvals count the same place.
   */
  async #chain({ extension }: AccessRequest): Promise<ReadonlySet<string>> {
    if (extension === undefined) return NO_CHAIN;
    const ancestors = await walkToFirst(extension.grantId, async (id) => (await this.#ledger.grantsWithUsage([id]))[0]?.grant);
    return (await walkChain(ancestors, (ids) => this.#ledger.grantsWithUsage(ids))).ids;
  }

  /**
   * Facts under which no limit is met for the sake of what has ended: where one is, it is looked up who asked for each
   * grant; where it still is, the ends that time has brought are recorded, and everything is read again.
   *
   * @param dryRun nothing is recorded, and what time has ended is left out
   */
  async #belowLimit<T extends SubjectFacts & Partial<OpenFacts>>(
    load: () => Promise<T>,
    isMet: (facts: T) => boolean,
    dryRun: boolean,
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      let facts = await load();
      if (!isMet(facts)) return facts;
      facts = { ...facts, given: await this.#given(facts.live) };
      if (!isMet(facts)) return facts;
      const now = moment(this.#keeper, SWEEPER);
      if (dryRun) return withoutEnded(facts, now);
      const ended = [
        ...facts.live.filter((held) => workOn(held, now) === 'ended'),
        ...uniqueById([...(facts.open ?? []), ...(facts.openedForOthers ?? [])]).filter((one) => workOnRequest(one, now) === 'expired'),
      ];
      // The set changes all the while, and only to be read again: the commit of the ask says so.
      if (ended.length === 0 || tries === MAX_READS) return facts;
      await this.#ledger.commitTransition(recordTime(ended.slice(0, MAX_ENDED), now));
    }
  }

  /** The requests of these grants, by their id. */
  async #given(live: readonly GrantUse[]): Promise<ReadonlyMap<string, AccessRequest>> {
    if (live.length === 0) return NONE_GIVEN;
    const requests = await this.requests([...new Set(live.map(({ grant }) => grant.requestId))]);
    return new Map(requests.map((request) => [request.id, request]));
  }

  /** Those of these requests that are there and can be read. */
  async requests(ids: readonly string[]): Promise<readonly AccessRequest[]> {
    const rows = await this.#ledger.rows(ids.map((id) => ({ kind: 'request', id })));
    return this.#settings.decodeAll(
      rows.filter((row) => row !== undefined),
      decodeRequest,
    );
  }

  /** The requests of a subject that have no recorded end. */
  async openRequests(subject: string): Promise<readonly AccessRequest[]> {
    const open: AccessRequest[] = [];
    for await (const rows of this.#ledger.pages({ kind: 'request', subject, open: true })) {
      open.push(...this.#settings.decodeAll(rows, decodeRequest).filter((request) => request.end === undefined));
    }
    return open;
  }

  /** What noting a denial rests on; `undefined` where the subject's row can't be read: it keeps nobody from denying. */
  async forDenial({ subject: id }: AccessRequest): Promise<DenialFacts | undefined> {
    const row = await this.#ledger.row('subject', id);
    const [subject] = row === undefined ? [] : this.#settings.decodeAll([row], decodeSubject);
    if (row !== undefined && subject === undefined) return undefined;
    return { subject, denied: (subject?.denied.length ?? 0) < MAX_DENIED ? [] : await this.requests(subject?.denied ?? []) };
  }

  /** The denials that reviewers of these requests should know of. Few questions, however many requests there are. */
  async denials(
    requests: readonly AccessRequest[],
    turns: TurnBudget,
  ): Promise<{ of(request: AccessRequest, now: Moment): readonly RecentDenial[] }> {
    const subjects = [...new Set(requests.map(({ subject }) => subject))];
    const rows: Row[] = [];
    for (let i = 0; i < subjects.length; i += MAX_KEYS) {
      await turns.spend(MAX_KEYS);
      const found = await this.#ledger.rows(subjects.slice(i, i + MAX_KEYS).map((id) => ({ kind: 'subject', id })));
      rows.push(...found.filter((row) => row !== undefined));
    }
    const ids = this.#settings.decodeAll(rows, decodeSubject).flatMap(({ denied }) => denied);
    const bySubject = new Map<string, AccessRequest[]>();
    for (let i = 0; i < ids.length; i += MAX_KEYS) {
      await turns.spend(MAX_KEYS);
      for (const request of await this.requests(ids.slice(i, i + MAX_KEYS))) {
        bySubject.set(request.subject, [...(bySubject.get(request.subject) ?? []), request]);
      }
    }
    const { denialsShownMs } = this.#settings;
    return {
      of: (request, now) => recentDenials(request, bySubject.get(request.subject) ?? [], denialsShownMs, this.overlaps, now),
    };
  }

  /**
   * What goes on from a grant, and ends when it is ended: its successors, theirs, and the open requests to extend any of them.
   *
   * @param onUnreadable called for each successor that can not be read, and so can not be ended
   */
  async line(grant: Grant, onUnreadable?: (row: Row, error: unknown) => void): Promise<ExtensionChain> {
    // An approval moves what is open behind a grant, and writes that grant. So what is open is read first: whatever is
    // approved since is found behind the grant, or refuses the change. A grant that has its end is not written again,
    // and so must be read again.
    const open = await this.openRequests(grant.subject);
    const [root] = grant.end === undefined ? [] : await this.#ledger.grantsWithUsage([grant.id]);
    const { successors, ids } = await walkChain([root?.grant ?? grant], (next) => this.#ledger.grantsWithUsage(next, onUnreadable));
    return { successors, requests: open.filter(({ extension }) => extension !== undefined && ids.has(extension.grantId)) };
  }
}

const NO_CHAIN: ReadonlySet<string> = new Set();
const NONE_GIVEN: ReadonlyMap<string, AccessRequest> = new Map();

/** How many ends one change records: it has a greatest size (L42). */
const MAX_ENDED = 250;
const MAX_READS = 64;
/** How many rows are asked for at a time. */
const MAX_KEYS = 200;

const uniqueById = (requests: readonly AccessRequest[]): readonly AccessRequest[] => [
  ...new Map(requests.map((request) => [request.id, request])).values(),
];

/** As if what time has ended were recorded. */
function withoutEnded<T extends SubjectFacts & Partial<OpenFacts>>(facts: T, now: Moment): T {
  const isOpen = (request: AccessRequest): boolean => isPending(request, now);
  return {
    ...facts,
    live: facts.live.filter((held) => !hasEnded(held, now)),
    ...(facts.open && { open: facts.open.filter(isOpen) }),
    ...(facts.openedForOthers && { openedForOthers: facts.openedForOthers.filter(isOpen) }),
  };
}

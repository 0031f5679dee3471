import { CorruptError, PurgedError } from '../core/errors.js';
import { invalid, readCount, readOptions } from '../core/parse.js';
import { requestStatus, wasHeldAt, wasHeldDuring, type GrantUse, type RequestStatus } from '../lifecycle/status.js';
import type { MaybePromise, Page } from '../core/ports.js';
import type { FindQuery, Row } from '../core/store-port.js';
import { decodeGrant, decodeRequest, hasUsageRow, MAX_LOOK, placeOf, readPlace, type AccessRequest, type Grant } from '../records/index.js';
import { readScope } from '../core/scope.js';
import { nextTurn, type EngineClock } from '../core/time.js';
import { readInstant, type Instant } from '../core/instant.js';
import type { DecodeAll } from '../kernel/enforcement.js';
import { withUsage } from '../kernel/grant-use.js';
import type { Ledger } from '../kernel/ledger.js';
import type { Settings } from '../kernel/settings.js';
import { readHorizon } from '../kernel/horizon.js';
import type { Kernel } from '../kernel/kernel.js';

/** Which part of a longer answer. */
export interface Paging {
  /** The `next` of the page before. A page may be short, or empty, and still have one: it looks at no more than 1,000 records. */
  readonly after?: string | undefined;
  /** How many at most, 1 to 1,000. Default: 100. */
  readonly limit?: number | undefined;
}

export interface RequestQuery extends Paging {
  readonly subject?: string | undefined;
  /** As it is now, whether or not a sweep has recorded it. */
  readonly status?: RequestStatus | undefined;
}

export interface HolderQuery<Scope extends string = string> extends Paging {
  readonly scope: Scope;
  /** An instant that has come: epoch milliseconds or a `Date`. */
  readonly at: Instant;
}

export interface HistoryQuery<Scope extends string = string> extends Paging {
  readonly subject?: string | undefined;
  readonly scope?: Scope | undefined;
  /** The span `[from, to)`: epoch milliseconds or `Date`s. */
  readonly from: Instant;
  readonly to: Instant;
}

/** A malformed row throws: an answer about the past that left something out would be a wrong answer. */
const decodeStrictly: DecodeAll = (rows, decode) => rows.map(decode);

const STATUSES: ReadonlySet<unknown> = new Set<RequestStatus>(['pending', 'approved', 'denied', 'cancelled', 'expired']);

/** Questions about what is, and was, on record. */
export class History {
  readonly #settings: Settings;
  readonly #keeper: EngineClock;
  readonly #ledger: Ledger;

  constructor(kernel: Kernel) {
    this.#settings = kernel.settings;
    this.#keeper = kernel.clock;
    this.#ledger = kernel.ledger;
  }

  async requests(query: RequestQuery): Promise<Page<AccessRequest>> {
    const { subject, status, ...paging } = readOptions('query', query, ['subject', 'status', 'after', 'limit']);
    if (status !== undefined && !STATUSES.has(status)) throw invalid('status', 'a request status', status);
    const now = this.#keeper.read().forEnds;
    const wanted = (request: AccessRequest) => status === undefined || requestStatus(request, now) === status;
    const select = (requests: readonly AccessRequest[]) => requests.filter(wanted);
    return this.#collect({ kind: 'request', subject: this.#subject(subject) }, paging, decodeRequest, select);
  }

  async whoHadAccess(query: HolderQuery): Promise<Page<Grant>> {
    const read = readOptions('query', query, ['scope', 'at', 'after', 'limit']);
    const at = readInstant('at', read.at);
    this.#readPast('at', at);
    const covers = this.#covers(read.scope);
    return this.#grants({ from: at, until: at + 1 }, undefined, read, ({ grant, usage }) => covers(grant) && wasHeldAt(grant, at, usage));
  }

  async history(query: HistoryQuery): Promise<Page<Grant>> {
    const read = readOptions('query', query, ['subject', 'scope', 'from', 'to', 'after', 'limit']);
    const from = readInstant('from', read.from);
    const to = readInstant('to', read.to);
    if (to <= from) throw invalid('to', 'an instant after from', to);
    // What has not begun by now is no history.
    const until = Math.min(to, this.#readPast('from', from) + 1);
    const covers = read.scope === undefined ? () => true : this.#covers(read.scope);
    const wanted = ({ grant, usage }: GrantUse) => covers(grant) && wasHeldDuring(grant, from, until, usage);
    return this.#grants({ from, until }, this.#subject(read.subject), read, wanted);
  }

  /**
   * Refuses an instant of which nobody can say yet who will have held what. After a step back of the clock those up to
   * the highest reading have come all the same: this engine has judged by them.
   *
   * @returns the last instant that has come
   */
  #readPast(argument: string, at: number): number {
    const { highWater } = this.#keeper.read();
    if (at > highWater) throw invalid(argument, 'an instant that has come', at);
    return highWater;
  }

  #subject(subject: unknown): string | undefined {
    return subject === undefined ? undefined : this.#settings.readId('subject', subject);
  }

  #covers(given: unknown): (grant: Grant) => boolean {
    const scope = readScope('scope', given);
    return (grant) => this.#settings.covers(grant.scope, scope);
  }

  /** The horizon is looked at after the answer, as a purge may have begun meanwhile: refused, never answered from half of the rows. */
  async #grants(
    during: { readonly from: number; readonly until: number },
    subject: string | undefined,
    paging: Partial<Record<keyof Paging, unknown>>,
    wanted: (held: GrantUse) => boolean,
  ): Promise<Page<Grant>> {
    const page = await this.#collect({ kind: 'grant', subject, during }, paging, decodeGrant, async (grants) => {
      const held = await this.#withUsage(grants);
      return held.filter(wanted).map(({ grant }) => grant);
    });
    const horizon = await readHorizon(this.#ledger);
    if (during.from < horizon) throw new PurgedError(horizon);
    return page;
  }

  /** Only of those that have an idle end which may have come without being on record does the usage matter. */
  async #withUsage(grants: readonly Grant[]): Promise<readonly GrantUse[]> {
    const counted = grants.filter((grant) => grant.end === undefined && hasUsageRow(grant));
    const rows = await this.#ledger.rows(counted.map(({ id }) => ({ kind: 'usage', id })));
    const usages = new Map(rows.map((row) => [row?.id, row]));
    const held = grants.map((grant) => withUsage(grant, usages.get(grant.id), decodeStrictly));
    const unproven = held.filter(({ grant, usage }) => grant.end === undefined && hasUsageRow(grant) && usage === undefined);
    const gone = await this.#gone(unproven.map(({ grant }) => grant));
    return held.filter(({ grant }) => !gone.has(grant.id));
  }

  /**
   * A grant and its usage come and go in one commit: where the one is there without the other, a purge has come between
   * the two reads, and what it took had ended before any instant that may be asked about.
   *
   * @throws CorruptError where the grant is still there
   */
  async #gone(grants: readonly Grant[]): Promise<ReadonlySet<string>> {
    const rows = await this.#ledger.rows(grants.map(({ id }) => ({ kind: 'grant', id })));
    const kept = rows.find((row) => row !== undefined);
    if (kept !== undefined) throw new CorruptError('usage', kept.id, 'is missing, or is not that of the grant, which is there');
    return new Set(grants.map(({ id }) => id));
  }

  /**
   * A page of what is wanted, the newest first, filled over as many pages of the store as it takes to look at 1,000 rows (L42):
   * it may be short, or empty, and still have a `next`. A malformed row throws, see above.
   */
  async #collect<T extends AccessRequest | Grant>(
    query: Omit<FindQuery, 'after' | 'limit' | 'order'>,
    { after, limit: given = 100 }: Partial<Record<keyof Paging, unknown>>,
    decode: (row: Row) => T,
    select: (records: readonly T[]) => MaybePromise<readonly T[]>,
  ): Promise<Page<T>> {
    const limit = readCount('limit', given, 1, 1_000);
    if (after !== undefined) readPlace(after);
    const items: T[] = [];
    for (let from = after as string | undefined, looked = 0; ;) {
      const page = await this.#ledger.find({ ...query, order: 'newest', after: from, limit: limit + 1 });
      items.push(...(await select(decodeStrictly(page.items, decode))));
      const last = items[limit - 1];
      if (items.length > limit && last !== undefined) return { items: items.slice(0, limit), next: nextOf(last) };
      // A short page that has a next is one for which the store has looked at as many rows as it may.
      looked += page.items.length > limit ? page.items.length : MAX_LOOK;
      if (page.next === undefined || looked >= MAX_LOOK) return { items, next: page.next };
      from = page.next;
      await nextTurn();
    }
  }
}

const nextOf = (record: AccessRequest | Grant): string =>
  placeOf({ createdAt: record.kind === 'request' ? record.createdAt : record.issuedAt, sortAt: undefined, id: record.id }, 'newest');

import { PurgedError } from '../core/errors.js';
import { assertBoolean, invalid, readOptions } from '../core/parse.js';
import type { AuditEntry } from '../records/index.js';
import { readInstant, type Instant } from '../core/instant.js';
import { countDecisions, type DecisionFigures } from './report/decisions.js';
import { heldGrants } from './report/held.js';
import { measureScopes, measureSubjects, type ScopeReport, type SubjectReport } from './report/scopes.js';
import { countUse, measureRules, type RuleUse, type UseFigures } from './report/use.js';
import { replay } from './replay.js';

export type { DecisionFigures, RuleUse, ScopeReport, SubjectReport, UseFigures };

/** The access that was held in a span, compared with standing access, its use, and the decisions that gave it. */
export interface AccessReport {
  /** The span `[from, to)`, epoch milliseconds. */
  readonly from: number;
  /** The end of the span, exclusive. Epoch milliseconds. */
  readonly to: number;
  /** One report for each scope that was held at some instant of the span, sorted by scope. A granted pattern is one scope. */
  readonly scopes: readonly ScopeReport[];
  /** The same by subject: one report for each subject that held a scope at some instant of the span, sorted by subject. */
  readonly subjects: readonly SubjectReport[];
  /** The sum of `heldMs` over all scopes, in milliseconds. */
  readonly heldMs: number;
  /** The sum of `standingMs` over all scopes, in milliseconds. */
  readonly standingMs: number;
  /** `heldMs / standingMs`, 0 to 1. `undefined`: no scope was held. */
  readonly ratio: number | undefined;
  /** How many of the held grants were used. */
  readonly use: UseFigures;
  /** The use by rule, sorted by approver and rule, with a shorter `maxTtl` if the recorded uses allow one. */
  readonly rules: readonly RuleUse[];
  /** Counts of the decisions in the span. */
  readonly decisions: DecisionFigures;
  /** The numbers of requested and issued extensions. */
  readonly extensions: {
    /** Requests that were made in the span: `from <= createdAt < to`. */
    readonly requests: number;
    /** Of these, those that asked to extend a grant. */
    readonly asked: number;
    /** Grants that were issued in the span: `from <= issuedAt < to`. */
    readonly grants: number;
    /** Of these, those that extend another. */
    readonly given: number;
  };
}

/** The span `[from, to)` of an access report: epoch milliseconds or `Date`s. */
export interface ReportSpan {
  /** The start of the span. Epoch milliseconds or a `Date`. */
  readonly from: Instant;
  /** The end of the span, exclusive. Epoch milliseconds or a `Date`. */
  readonly to: Instant;
  /**
   * Whether every process that checks has recorded use throughout the span: engines with the option `recordUse`, and no checker or
   * view. Then a grant without a recorded use counts as never used. Otherwise it is unknown. Default: false.
   */
  readonly recordsUse?: boolean | undefined;
}

/**
 * Measures a span of the journal. It reports how long each scope was held compared with standing access, which grants were used,
 * who decided, the waiting times, and the number of extensions. It proposes a shorter `maxTtl` for each rule whose grants were
 * never used to their end. It reads only the entries.
 *
 * Ends are effective ends: a grant counts up to its expiry or idle end, whether or not a sweep has recorded it. Standing access
 * is not part of the history, so it does not count.
 *
 * Gotcha: a grant that has not ended counts up to its planned end. A span that reaches into the future counts access that may
 * still end early. Pass a `to` that has passed.
 *
 * Gotcha: recorded use is a lower bound: uses that were not written before a crash are missing.
 *
 * Gotcha: like `replay`, it does not verify the chain, and it keeps all records in memory.
 *
 * @param entries the whole journal in order: what `readJournal` or `readJsonLines` yields
 * @throws PurgedError `ERR_JIT_PURGED` when a purge's horizon lies after `from`
 * @throws CorruptError `ERR_JIT_CORRUPT`, naming the seq, if an entry does not follow from the entries before it
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * const report = await accessReport(readJournal(store), { from: Date.UTC(2026, 0, 1), to: Date.UTC(2026, 1, 1) });
 */
export async function accessReport(entries: Iterable<AuditEntry> | AsyncIterable<AuditEntry>, span: ReportSpan): Promise<AccessReport> {
  const { recordsUse = false, ...given } = readOptions<keyof ReportSpan>('span', span, ['from', 'to', 'recordsUse']);
  const from = readInstant('span.from', given.from);
  const to = readInstant('span.to', given.to);
  if (to <= from) throw invalid('span.to', 'an instant after span.from', to);
  assertBoolean('span.recordsUse', recordsUse);
  const replayed = await replay(entries);
  if (replayed.horizon > from) throw new PurgedError(replayed.horizon);

  const isIn = (at: number): boolean => from <= at && at < to;
  const held = await heldGrants(replayed, from, to);
  const scopes = measureScopes(held, { from, to, recordsUse });
  const heldMs = sum(scopes.map((scope) => scope.heldMs));
  const standingMs = sum(scopes.map((scope) => scope.standingMs));
  const requests = [...replayed.requests.values()];
  const issued = [...replayed.grants.values()].filter(({ issuedAt }) => isIn(issuedAt));
  const made = requests.filter(({ createdAt }) => isIn(createdAt));
  return Object.freeze({
    from,
    to,
    scopes,
    subjects: measureSubjects(held, { from, to, recordsUse }),
    heldMs,
    standingMs,
    ratio: standingMs === 0 ? undefined : heldMs / standingMs,
    use: Object.freeze(countUse(held, recordsUse)),
    rules: await measureRules(replayed, held, recordsUse),
    decisions: countDecisions(requests, isIn),
    extensions: Object.freeze({
      requests: made.length,
      asked: made.filter(({ extension }) => extension !== undefined).length,
      grants: issued.length,
      given: issued.filter((grant) => grant.extends !== undefined).length,
    }),
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

import { inTurns } from '../../core/turns.js';
import { effectiveStart } from '../../records/index.js';
import type { Replayed } from '../replay.js';
import type { HeldGrant } from './held.js';

/** How many grants were used, according to the recorded uses. The first number is the sum of the others. */
export interface UseFigures {
  /** The number of grants that were held at some instant of the span. */
  readonly grants: number;
  /** Of `grants`, those of which a use is recorded, at any time: by the options `recordUse` and `touch`, or by `consume`. */
  readonly used: number;
  /** Of `grants`, those without a recorded use, if `recordsUse` says that every check records its use. */
  readonly neverUsed: number;
  /** Of `grants`, those without a recorded use, if it is not known that every check records its use. */
  readonly unknown: number;
}

/** The grants of one rule, and a shorter `maxTtl` for it. */
export interface RuleUse extends UseFigures {
  /** The approver that decided. `undefined`: the approver of a request without a decision of its own. */
  readonly approver: string | undefined;
  /** The approver's name for the rule. `undefined`: it named none. */
  readonly rule: string | undefined;
  /** The longest window of these grants. Milliseconds. */
  readonly longestTtlMs: number;
  /** The longest time from the start of a grant to its last recorded use. `undefined`: none was used. Milliseconds. */
  readonly longestUseMs: number | undefined;
  /**
   * The least usual duration that covers every recorded use, if it is shorter than the longest window. `undefined`: no shorter
   * window is proposed, none was used, or `recordsUse` is not set. Milliseconds.
   */
  readonly proposedMaxTtlMs: number | undefined;
}

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
/** The durations that a proposal takes, up to a day; above, whole days. */
const USUAL_MS = [1, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1_440].map((minutes) => minutes * MINUTE);

/** @param recordsUse whether every check records its use */
export function countUse(grants: readonly Pick<HeldGrant, 'lastUsedAt'>[], recordsUse: boolean): UseFigures {
  const used = grants.filter(({ lastUsedAt }) => lastUsedAt !== undefined).length;
  const rest = grants.length - used;
  const neverUsed = recordsUse ? rest : 0;
  return { grants: grants.length, used, neverUsed, unknown: rest - neverUsed };
}

type RuleGrants = Pick<RuleUse, 'approver' | 'rule'> & { readonly grants: HeldGrant[] };

/** One report for each rule by which a grant was issued, sorted by approver and rule. */
export async function measureRules(
  { requests }: Pick<Replayed, 'requests'>,
  held: readonly HeldGrant[],
  recordsUse: boolean,
): Promise<readonly RuleUse[]> {
  const byRule = new Map<string, RuleGrants>();
  for await (const one of inTurns(held)) {
    const { approver, rule } = requests.get(one.grant.requestId) ?? {};
    // JSON, because a composite key must be injective (L24).
    const key = JSON.stringify([approver ?? null, rule ?? null]);
    const group = byRule.get(key) ?? { approver, rule, grants: [] };
    byRule.set(key, group);
    group.grants.push(one);
  }
  const sorted = [...byRule.keys()].sort().map((key) => byRule.get(key) as RuleGrants);
  return Object.freeze(sorted.map(({ grants, ...of }) => ruleUse(of, grants, recordsUse)));
}

function ruleUse(of: Pick<RuleUse, 'approver' | 'rule'>, grants: readonly HeldGrant[], recordsUse: boolean): RuleUse {
  let longestTtlMs = 0;
  let longestUseMs: number | undefined;
  for (const { grant, lastUsedAt } of grants) {
    longestTtlMs = Math.max(longestTtlMs, grant.expiresAt - grant.startsAt);
    if (lastUsedAt !== undefined) longestUseMs = Math.max(longestUseMs ?? 0, lastUsedAt - effectiveStart(grant));
  }
  const proposed = recordsUse ? usualAbove(longestUseMs ?? Infinity) : Infinity;
  const proposedMaxTtlMs = proposed < longestTtlMs ? proposed : undefined;
  return Object.freeze({ ...of, ...countUse(grants, recordsUse), longestTtlMs, longestUseMs, proposedMaxTtlMs });
}

/** Longer than `ms`: at the end of a window, a check denies. */
const usualAbove = (ms: number): number => USUAL_MS.find((usual) => usual > ms) ?? (Math.floor(ms / DAY) + 1) * DAY;

import type { HeldGrant } from './held.js';
import { countUse, type UseFigures } from './use.js';

/** How long a scope was held in a span, and how many of its grants were used. */
export interface ScopeReport extends UseFigures {
  /** The scope as it was granted. A pattern counts as one scope. */
  readonly scope: string;
  /** The number of subjects that held it at some instant of the span. */
  readonly subjects: number;
  /** The time in milliseconds for which each subject held the scope, summed over the subjects. Overlapping grants count once. */
  readonly heldMs: number;
  /** The time in milliseconds if the same subjects had standing access: `subjects * (to - from)`. */
  readonly standingMs: number;
  /** `heldMs / standingMs`, above 0 and at most 1. */
  readonly ratio: number;
}

/** How long a subject held access in a span, and how many of its grants were used. */
export interface SubjectReport extends UseFigures {
  /** The subject that held the access. */
  readonly subject: string;
  /** The number of scopes that the subject held at some instant of the span. A granted pattern is one scope. */
  readonly scopes: number;
  /** The time in milliseconds for which the subject held each scope, summed over the scopes. Overlapping grants count once. */
  readonly heldMs: number;
  /** The time in milliseconds if the subject had standing access to the same scopes: `scopes * (to - from)`. */
  readonly standingMs: number;
  /** `heldMs / standingMs`, above 0 and at most 1. */
  readonly ratio: number;
}

interface MeasuredSpan {
  readonly from: number;
  readonly to: number;
  readonly recordsUse: boolean;
}

/** One report for each scope of these grants, sorted by scope. */
export const measureScopes = (held: readonly HeldGrant[], span: MeasuredSpan): readonly ScopeReport[] =>
  measured(held, 'scope', 'subject', span, (scope, subjects, figures) => ({ scope, subjects, ...figures }));

/** One report for each subject of these grants, sorted by subject. */
export const measureSubjects = (held: readonly HeldGrant[], span: MeasuredSpan): readonly SubjectReport[] =>
  measured(held, 'subject', 'scope', span, (subject, scopes, figures) => ({ subject, scopes, ...figures }));

type Side = 'scope' | 'subject';
type Figures = Omit<ScopeReport, Side | 'subjects'>;

/** Both tables sum the same pairs of a subject and a scope, so their sums are equal. */
function measured<Report>(
  held: readonly HeldGrant[],
  by: Side,
  other: Side,
  { from, to, recordsUse }: MeasuredSpan,
  reported: (key: string, others: number, figures: Figures) => Report,
): readonly Report[] {
  const groups = new Map<string, Map<string, HeldGrant[]>>();
  for (const one of held) {
    const group = groups.get(one.grant[by]) ?? new Map<string, HeldGrant[]>();
    groups.set(one.grant[by], group);
    const own = group.get(one.grant[other]) ?? [];
    group.set(one.grant[other], own);
    own.push(one);
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.freeze(
    sorted.map(([key, group]) => {
      const windows = [...group.values()];
      const heldMs = windows.reduce((total, own) => total + unionMs(own), 0);
      const standingMs = group.size * (to - from);
      const figures = { ...countUse(windows.flat(), recordsUse), heldMs, standingMs, ratio: heldMs / standingMs };
      return Object.freeze(reported(key, group.size, figures));
    }),
  );
}

/** The length of the union of these windows, in milliseconds. */
function unionMs(windows: readonly Pick<HeldGrant, 'from' | 'until'>[]): number {
  let total = 0;
  let reached = 0;
  for (const { from, until } of [...windows].sort((a, b) => a.from - b.from)) {
    total += Math.max(0, until - Math.max(from, reached));
    reached = Math.max(reached, until);
  }
  return total;
}

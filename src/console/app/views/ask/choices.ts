import type { CanAsk, Requestable } from '../../../../explain.js';
import { patternScopes } from '../../../../index.js';
import { formatDuration } from '../../../../internal/page.js';

/* What a person may choose from: scopes by words, and windows by their length. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The lengths that people use. A shorter one than 15 minutes is offered only if the rule allows no longer one. */
const LENGTHS = [15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY];

/** How many lengths a form offers. A person who needs another one writes it. */
const MOST_LENGTHS = 5;

/** The rule's bounds of a window. Milliseconds. `undefined`: unknown. */
export interface WindowBounds {
  readonly minTtlMs?: number | undefined;
  readonly maxTtlMs?: number | undefined;
}

/** The lengths of a window that a form offers as texts such as `30m`: the shortest useful one first, the longest allowed one last. */
export function lengthsOf({ minTtlMs = 0, maxTtlMs = 8 * HOUR }: WindowBounds): readonly string[] {
  const useful = LENGTHS.filter((ms) => minTtlMs <= ms && ms < maxTtlMs);
  return [...useful.slice(0, MOST_LENGTHS - 1), maxTtlMs].map(formatDuration);
}

/** What the form for a scope needs to know, whether or not the scope is listed. */
export type Choice = Pick<Requestable, 'scope' | 'needs' | 'outcome'> & WindowBounds & Partial<Omit<Requestable, 'minTtlMs' | 'maxTtlMs'>>;

/** The items that `requestAccess` takes: break-glass has a form of its own. */
export const askable = (items: readonly Requestable[]): readonly Requestable[] => items.filter(({ outcome }) => outcome !== 'break_glass');

/** The items that contain each of the words, in any order, in the order of the list. */
export function found(items: readonly Requestable[], search: string): readonly Requestable[] {
  const words = wordsOf(search);
  return items.filter((item) => {
    const text = [item.scope, item.title, item.description, item.risk, item.quorumInWords].join(' ').toLowerCase();
    return words.every((word) => text.includes(word) || (isText(search) && patternScopes.covers(item.scope, search.trim())));
  });
}

const wordsOf = (search: string): readonly string[] => search.toLowerCase().split(/\s+/).filter(Boolean);
const isText = (search: string): boolean => search.trim() !== '' && !/\s/.test(search.trim());

/**
 * The item that applies to a scope: the first one that covers it, as `requestable` says. `undefined`: none does, or it excludes the scope,
 * so that `canAsk` says why.
 */
export function itemOf(items: readonly Requestable[], scope: string): Requestable | undefined {
  const item = items.find((one) => one.scope === scope || patternScopes.covers(one.scope, scope));
  // The pattern itself is no ask: the person then names a scope within it.
  const isExcluded = item?.scope !== scope && item?.except.some((pattern) => patternScopes.overlaps(pattern, scope)) === true;
  return isExcluded ? undefined : item;
}

/** Whether the item is a pattern of which the person must name a scope. */
export const isOpen = ({ scope, patterns = false }: Pick<Choice, 'scope' | 'patterns'>): boolean => !patterns && scope.includes('*');

/** What `canAsk` says about a scope that is not listed, as a choice: its problems name the fields that the ask must have. */
export function choiceOf({ scope, outcome, problems, rule }: Pick<CanAsk, 'scope' | 'outcome' | 'problems' | 'rule'>): Choice {
  const of = (field: string) => problems.find((problem) => problem.field === field);
  const ticket = of('ticket');
  const bound = (code: string) => problems.find((problem) => problem.field === 'ttl' && problem.code === code)?.limit as number | undefined;
  return {
    scope,
    rule,
    outcome: outcome === 'granted' ? 'approve' : 'review',
    minTtlMs: bound('too_short'),
    maxTtlMs: bound('too_long'),
    needs: {
      justification: of('justification') !== undefined,
      ticket: ticket && (typeof ticket.limit === 'string' ? ticket.limit : true),
      fields: problems.flatMap(({ field, code, limit }) =>
        !field.startsWith('metadata.') ? [] : [{ field, form: code === 'malformed' ? String(limit) : undefined }],
      ),
    },
  };
}

/** A text of a form such as `INC-####`, in which # is a digit, or `INC-*`. */
export function exampleOf(form: string): string {
  let digit = 0;
  return form.replace(/#|\*$/g, (sign) => (sign === '*' ? '4711' : String('4711'[digit++ % 4])));
}

/** The items of one system, which the first segment of their scopes names. */
export interface Group {
  /** `undefined`: scopes of any system. */
  readonly name: string | undefined;
  readonly items: readonly Requestable[];
}

/** The items by system, in the order of the list. */
export function grouped(items: readonly Requestable[]): readonly Group[] {
  const groups = new Map<string | undefined, Requestable[]>();
  for (const item of items) {
    const first = item.scope.split(':', 1)[0] ?? '';
    const name = first.includes('*') ? undefined : first;
    groups.set(name, [...(groups.get(name) ?? []), item]);
  }
  return [...groups].map(([name, of]) => ({ name, items: of }));
}

/** How many scopes are offered again. */
const MOST_AGAIN = 4;
/** After this time, an ask counts half. Milliseconds. */
const HALF_MS = 7 * DAY;

/** The scopes that the viewer asks for often and has asked for last, of those that may be asked for again. */
export function askedBefore(
  items: readonly Requestable[],
  requests: readonly { readonly scopes: readonly string[]; readonly createdAt: number }[],
): readonly Requestable[] {
  const last = Math.max(...requests.map(({ createdAt }) => createdAt));
  const weights = new Map<string, number>();
  for (const { scopes, createdAt } of requests)
    for (const scope of scopes) weights.set(scope, (weights.get(scope) ?? 0) + 0.5 ** ((last - createdAt) / HALF_MS));
  return [...weights]
    .sort((a, b) => b[1] - a[1])
    .flatMap(([scope]) => {
      const item = itemOf(items, scope);
      return item === undefined ? [] : [{ ...item, scope }];
    })
    .slice(0, MOST_AGAIN);
}

import { InvalidArgumentError } from '../../core/errors.js';
import { invalid, show } from '../../core/parse.js';
import { readWindow, readWarnBefore, type Duration } from '../../core/duration.js';
import type { Canonical } from '../canonical.js';
import type { When } from '../calendar/hours.js';
import { readWhen } from '../calendar/read-when.js';
import { checkShape, pathOf } from './check.js';
import type { Copy } from './copy.js';
import type { Group, Groups } from './question.js';
import { readFields, type Field } from './fields.js';
import { nearest } from '../../core/misspelt.js';
import { canonicalSelector, isEverybody, toSelector, type Selector } from './selectors.js';
import { readName } from './names.js';
import { toParts, type Parts, type RuleScopes } from './rule-scopes.js';
import { readReview, type ReviewTerms } from './review-terms.js';
import { DENY_FIELDS } from './schema.js';
import type { Ticket } from './ticket.js';
import type {
  About,
  ApproveRule,
  BreakGlassRule,
  CatalogueItem,
  DenyRule,
  People,
  PolicyDefinition,
  PolicyRule,
  Requesters,
  ReviewRule,
} from './types.js';

/** The fields of every rule. */
export interface RuleCore {
  readonly id: string;
  readonly scopes: readonly Parts[];
  /** `undefined`: every subject. */
  readonly subjects: readonly Selector[] | undefined;
  /** Whether a subject that is an agent also matches its runs. Always true for a deny rule. */
  readonly runs: boolean;
  /** `undefined`: always. */
  readonly when: When | undefined;
}

/** The conditions of a request, and the terms of the access. Durations in milliseconds. `undefined`: not set. */
export interface RuleLimits {
  readonly about: About;
  readonly requesters: readonly Selector[];
  readonly minTtlMs: number | undefined;
  readonly maxTtlMs: number | undefined;
  readonly maxStartAheadMs: number | undefined;
  readonly justification: boolean;
  readonly ticket: Ticket | undefined;
  readonly fields: readonly Field[];
  readonly patterns: boolean;
  readonly warnBeforeMs: readonly number[] | undefined;
  readonly idleTtlMs: number | undefined;
  readonly maxUses: number | undefined;
  readonly maxTotalMs: number | undefined;
  readonly maxHolders: number | undefined;
}

/** A rule that may give access. Without `review`, it approves at once. */
export interface Giving extends RuleCore, RuleLimits {
  readonly review: ReviewTerms | undefined;
}

export interface Denying extends RuleCore {
  readonly reason: string;
}

export interface Emergency extends RuleCore, RuleLimits {
  readonly reviewers: readonly string[];
  readonly reviewWithinMs: number;
  readonly maxUnreviewed: number;
}

/** A parsed policy. It shares no data with the caller's policy. */
export interface Compiled {
  readonly name: string;
  readonly groups: Groups;
  readonly reach: RuleScopes;
  /** All rules in the order of the policy, for `explain` and `lint`. */
  readonly rules: readonly (Giving | Denying)[];
  readonly giving: readonly Giving[];
  readonly denying: readonly Denying[];
  readonly breakGlass: readonly Emergency[];
  /** The ordinary rules whose subjects or requesters name a group of code. */
  readonly asking: readonly RuleCore[];
  /** Whether any rule has a calendar. */
  readonly hasCalendar: boolean;
  /** The concrete scopes to list, each with its texts. */
  readonly catalogue: readonly Described[];
}

/** A scope of the catalogue. */
export interface Described extends About {
  readonly scope: Parts;
}

export const isDenying = (rule: RuleCore): rule is Denying => 'reason' in rule;

const peopleOf = (rule: Giving | Denying): readonly Selector[] => [...(rule.subjects ?? []), ...(isDenying(rule) ? [] : rule.requesters)];

/**
 * @param canonical brings each id of the rules and lists into canonical form: an engine asks only about canonical ids
 * @throws InvalidArgumentError that names the rule and the field
 */
export function compile({ data, live }: Copy, reach: RuleScopes, canonical: Canonical): Compiled {
  checkShape(data);
  const groups = new Map<string, Group>(
    live.size === 0 ? [] : [...live].map(([name, group]) => [readName(pathOf(data, ['groups', name]), name), { live: group }]),
  );
  for (const [name, list] of Object.entries(data.groups ?? {})) {
    readName(pathOf(data, ['groups', name]), name);
    groups.set(name, { list: readMembers(pathOf(data, ['groups', name]), list as readonly string[], canonical) });
  }
  const reader = new Reader(data, groups, canonical);
  const rules = data.rules.map((rule, i) => reader.rule(rule, i));
  const breakGlass = (data.breakGlass ?? []).map((rule, i) => reader.emergency(rule, i));
  return {
    name: data.name ?? 'policy',
    groups,
    reach,
    rules,
    giving: rules.filter((rule): rule is Giving => !isDenying(rule)),
    denying: rules.filter(isDenying),
    asking: rules.filter((rule) => peopleOf(rule).some((one) => one.kind === 'group' && 'live' in (groups.get(one.group) ?? {}))),
    breakGlass,
    catalogue: readCatalogue(data),
    hasCalendar: [...rules, ...breakGlass].some(({ when }) => when !== undefined),
  };
}

const aboutOf = ({ title, description, risk }: About): About => Object.freeze({ title, description, risk });

function readCatalogue({ catalogue = [] }: PolicyDefinition): readonly Described[] {
  const seen = new Set<string>();
  return Object.freeze(
    catalogue.map((item: CatalogueItem, i) => {
      if (seen.size === seen.add(item.scope).size) throw invalid(`catalogue[${i}].scope`, 'listed only once', item.scope);
      return Object.freeze({ scope: toParts(item.scope), ...aboutOf(item) });
    }),
  );
}

function readMembers(path: string, list: readonly string[], canonical: Canonical): ReadonlySet<string> {
  if (new Set(list).size === list.length) return new Set(list.map((person, i) => canonical(`${path}[${i}]`, person)));
  const seen = new Set<string>();
  const twice = list.findIndex((person) => seen.size === seen.add(person).size);
  throw invalid(`${path}[${twice}]`, 'listed only once', list[twice]);
}

/** Parses the rules, and checks what the shape alone cannot: names that must exist, and fields that depend on each other. */
class Reader {
  readonly #data: PolicyDefinition;
  readonly #groups: Groups;
  readonly #canonical: Canonical;
  readonly #ids = new Map<string, string>();

  constructor(data: PolicyDefinition, groups: Groups, canonical: Canonical) {
    this.#data = data;
    this.#groups = groups;
    this.#canonical = canonical;
  }

  rule(rule: PolicyRule, i: number): Giving | Denying {
    const at = (...path: readonly string[]) => pathOf(this.#data, ['rules', i, ...path]);
    const outcomes = OUTCOMES.filter((outcome) => outcome in rule);
    if (outcomes.length !== 1) {
      const got = outcomes.length === 0 ? 'none' : outcomes.join(' and ');
      throw new InvalidArgumentError(at(), 'a rule with exactly one of approve, deny and review', got);
    }
    if ('deny' in rule) return this.#denying(rule, at);
    const known = (path: string, group: string) => this.#known(path, group);
    const ofReview = (...path: readonly (string | number)[]) => pathOf(this.#data, ['rules', i, 'review', ...path]);
    const review = 'review' in rule ? readReview(rule.review, ofReview, known) : undefined;
    return Object.freeze({ ...this.#core(rule, at), ...this.#limits(rule, rule.maxStartAhead, at), review });
  }

  emergency(rule: BreakGlassRule, i: number): Emergency {
    const at = (...path: readonly string[]) => pathOf(this.#data, ['breakGlass', i, ...path]);
    rule.reviewers.forEach((group, n) => this.#known(`${at('reviewers')}[${n}]`, group));
    return Object.freeze({
      ...this.#core(rule, at),
      ...this.#limits(rule, undefined, at),
      justification: true,
      reviewers: rule.reviewers,
      reviewWithinMs: readWindow(at('reviewWithin'), rule.reviewWithin),
      maxUnreviewed: rule.maxUnreviewed ?? 1,
    });
  }

  #denying(rule: DenyRule, at: At): Denying {
    const needless = Object.keys(rule).find((field) => !DENY_FIELDS.includes(field));
    if (needless !== undefined) {
      throw new InvalidArgumentError(at(needless), 'omitted: a deny rule has only id, scopes, subjects, when and deny', 'a condition');
    }
    return Object.freeze({ ...this.#core(rule, at), reason: rule.deny });
  }

  #core(rule: PolicyRule | BreakGlassRule, at: At): RuleCore {
    const { id, scopes, when } = rule;
    const before = this.#ids.get(id);
    if (before !== undefined) throw new InvalidArgumentError(at('id'), 'an id that no other rule has', `the id of ${before}`);
    this.#ids.set(id, at());
    const subjects = rule.subjects && this.#people(rule.subjects, at('subjects'));
    const runs = 'deny' in rule || rule.runs === true;
    return { id, scopes: scopes.map(toParts), subjects, runs, when: when === undefined ? undefined : readWhen(at('when'), when) };
  }

  #people(list: readonly People[], path: string): readonly Selector[] | undefined {
    const selectors = this.#selectors(list, path);
    this.#checkGroups(selectors, path);
    return selectors.some(isEverybody) ? undefined : selectors;
  }

  #selectors(list: readonly (People | Requesters)[], path: string): readonly Selector[] {
    return list.map((given, i) => canonicalSelector(`${path}[${i}]`, toSelector(given), this.#canonical));
  }

  #limits(rule: ApproveRule | ReviewRule | BreakGlassRule, maxStartAhead: Duration | undefined, at: At): RuleLimits {
    const duration = (field: 'minTtl' | 'maxTtl' | 'idleTtl' | 'maxTotal') =>
      rule[field] === undefined ? undefined : readWindow(at(field), rule[field]);
    const requesters = this.#selectors(rule.requesters ?? [{ self: true }], at('requesters'));
    this.#checkGroups(requesters, at('requesters'));
    const minTtlMs = duration('minTtl');
    const maxTtlMs = duration('maxTtl');
    const maxTotalMs = duration('maxTotal');
    const isNoMore = (field: 'minTtl' | 'maxTtl', ms = 0, limit: 'maxTtl' | 'maxTotal', limitMs = Infinity) => {
      if (ms <= limitMs) return;
      const got = `${show(rule[field])} with ${limit} ${show(rule[limit])}`;
      throw new InvalidArgumentError(at(field), `at most ${limit}, or the rule allows no window`, got);
    };
    isNoMore('minTtl', minTtlMs, 'maxTtl', maxTtlMs);
    isNoMore('minTtl', minTtlMs, 'maxTotal', maxTotalMs);
    isNoMore('maxTtl', maxTtlMs, 'maxTotal', maxTotalMs);
    return {
      about: aboutOf(rule),
      requesters,
      minTtlMs,
      maxTtlMs,
      maxStartAheadMs: maxStartAhead === undefined ? undefined : readWindow(at('maxStartAhead'), maxStartAhead),
      justification: rule.require?.justification ?? false,
      ticket: rule.require?.ticket,
      fields: readFields(at('require', 'fields'), rule.require?.fields ?? {}),
      patterns: rule.patterns ?? false,
      warnBeforeMs: rule.warnBefore === undefined ? undefined : readWarnBefore(at('warnBefore'), rule.warnBefore),
      idleTtlMs: duration('idleTtl'),
      maxUses: rule.maxUses,
      maxTotalMs,
      maxHolders: 'maxHolders' in rule ? rule.maxHolders : undefined,
    };
  }

  #checkGroups(selectors: readonly Selector[], path: string): void {
    selectors.forEach((selector, i) => {
      if (selector.kind === 'group') this.#known(`${path}[${i}].group`, selector.group);
    });
  }

  #known(path: string, name: string): void {
    if (this.#groups.has(name)) return;
    const names = [...this.#groups.keys()];
    const meant = nearest(name, names);
    const some = names.length > MAX_TOLD ? [...names.slice(0, MAX_TOLD), '...'] : names;
    const rule =
      meant === undefined ? `a defined group (${some.join(', ') || 'none is defined'})` : `a defined group (did you mean ${meant}?)`;
    throw invalid(path, rule, name);
  }
}

/** The greatest number of group names in an error. */
const MAX_TOLD = 8;

type At = (...path: readonly string[]) => string;

const OUTCOMES = ['approve', 'deny', 'review'];

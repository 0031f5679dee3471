import type { RequestableAnswer, RequestableInput, RequiredField } from '../../core/approver-port.js';
import { MAX_EXCLUDED, MAX_LISTED, MAX_REQUESTABLE } from '../../core/requestable.js';
import { changeAfter } from '../calendar/hours.js';
import { matchingRules, type MatchingRule, type MatchingRules, type Asker } from './matching-rules.js';
import { commonReviewers, whyUnreviewable } from './break-glass.js';
import { namedGroups } from '../../records/index.js';
import type { Compiled, Described, Emergency, Giving } from './compile.js';
import { reviewsOf, whyHopeless } from './decide.js';
import { allCovering, allOverlapping, isAboutPart } from './matching.js';
import { MAX_FIELDS } from './fields.js';
import { listOf, type Question } from './question.js';
import type { Parts, RuleScopes } from './rule-scopes.js';
import { COMPARISONS_OF_A_CALENDAR } from './times.js';
import { joinIds, least, most, combinedQuorum } from './combined-terms.js';
import type { About } from './types.js';

/**
 * What a subject may ask for, by the rules that decide its requests: first the scopes of the catalogue, then those of the rules, in
 * order, then those of the break-glass rules. A scope is omitted if an earlier rule decides all of it, or if it is denied.
 */
export async function requestable(policy: Compiled, asker: Asker, reach: RuleScopes): Promise<RequestableAnswer> {
  const applying = await matchingRules(policy, asker, reach);
  const listing = new Listing(policy, applying, reach, asker.at);
  if (applying.giving.size > 0) await listing.addAll();
  const denied = new Set<string>();
  for (const rule of applying.denying) for (const { text } of rule.scopes) denied.add(text);
  // A rule that decides a scope and refuses this requester also prevents that a later approver of a chain gives it.
  for (const rule of policy.giving) {
    if (applying.giving.get(rule)?.accepts === false) for (const { text } of rule.scopes) denied.add(text);
  }
  return Object.freeze({
    items: Object.freeze(listing.items),
    denied: Object.freeze([...denied].slice(0, MAX_EXCLUDED)),
    complete: listing.isComplete && !applying.hasMoreLater && denied.size <= MAX_EXCLUDED,
  });
}

class Listing {
  readonly items: RequestableInput[] = [];
  isComplete = true;
  readonly #policy: Compiled;
  readonly #applying: MatchingRules;
  readonly #reach: RuleScopes;
  /** The verbs and scopes that are listed. */
  readonly #listed = new Set<string>();
  /** The possible reviewers by the ids of the rules and the groups. */
  readonly #people = new Map<string, Promise<readonly string[] | undefined>>();

  /** Epoch milliseconds. */
  readonly #at: number;

  constructor(policy: Compiled, applying: MatchingRules, reach: RuleScopes, at: number) {
    this.#at = at;
    this.#policy = policy;
    this.#applying = applying;
    this.#reach = reach;
  }

  /** Adds the scopes of the catalogue first, and then those of the rules. */
  async addAll(): Promise<void> {
    const { catalogue, giving, breakGlass } = this.#policy;
    for (const described of catalogue) {
      await this.#addScope(giving, described);
      await this.#addScope(breakGlass, described);
    }
    await this.#addRules(giving);
    await this.#addRules(breakGlass);
  }

  /** The question that counts comparisons and yields to the event loop (L42). */
  get #question(): Question {
    const [first] = this.#applying.giving.values();
    return (first as MatchingRule).question;
  }

  /** Lists a concrete scope, by the rules that would decide an ask for it. */
  async #addScope<Rule extends Giving | Emergency>(rules: readonly Rule[], described: Described): Promise<void> {
    const { scope } = described;
    const decides = (await allCovering(rules, scope, this.#question)).find((rule) => this.#of(rule) !== undefined);
    if (decides === undefined || (!decides.patterns && this.#reach.isWide(scope))) return;
    if ((await this.#denyingParts(scope)).length > 0) return;
    const holding = new Set<Rule>([decides]);
    if (this.#reach.mayReachFurther) {
      for (const rule of await allOverlapping(rules, scope, this.#question))
        if (this.#of(rule) !== undefined && isAboutPart(rule, scope, this.#reach)) holding.add(rule);
    }
    await this.#add(
      scope,
      rules.filter((rule) => holding.has(rule)),
      described,
      [],
    );
  }

  /** Lists the scopes of each rule that an ask of this requester can reach. */
  async #addRules<Rule extends Giving | Emergency>(rules: readonly Rule[]): Promise<void> {
    for (const rule of rules) {
      if (this.#of(rule)?.accepts !== true) continue;
      for (const scope of rule.scopes) {
        if (this.items.length === MAX_REQUESTABLE) {
          this.isComplete = false;
          return;
        }
        await this.#question.spend(COMPARISONS_OF_A_SCOPE);
        await this.#addPattern(rules, rule, scope);
      }
    }
  }

  async #addPattern<Rule extends Giving | Emergency>(rules: readonly Rule[], rule: Rule, scope: Parts): Promise<void> {
    if (this.#listed.has(keyOf(rule, scope))) return;
    const first = (await allCovering(rules, scope, this.#question)).find((one) => this.#of(one) !== undefined);
    if (first !== rule) return;
    const denied = (await allCovering(this.#policy.denying, scope, this.#question)).some((one) => this.#applying.denying.has(one));
    if (denied) return;
    const except = new Set(await this.#denyingParts(scope));
    for (const earlier of await allOverlapping(rules, scope, this.#question)) {
      if (earlier === rule) break;
      if (this.#of(earlier)?.accepts === false) this.#addParts(except, earlier, scope);
    }
    if (except.size > MAX_EXCLUDED) this.isComplete = false;
    else await this.#add(scope, [rule], rule.about, [...except]);
  }

  #of(rule: Giving | Emergency): MatchingRule | undefined {
    return this.#applying.giving.get(rule);
  }

  async #denyingParts(scope: Parts): Promise<readonly string[]> {
    const parts = new Set<string>();
    for (const rule of await allOverlapping(this.#policy.denying, scope, this.#question))
      if (this.#applying.denying.has(rule)) this.#addParts(parts, rule, scope);
    return [...parts];
  }

  #addParts(parts: Set<string>, { scopes }: { readonly scopes: readonly Parts[] }, scope: Parts): void {
    for (const one of scopes) if (this.#reach.overlaps(one, scope)) parts.add(one.text);
  }

  async #add(scope: Parts, rules: readonly (Giving | Emergency)[], about: About, except: readonly string[]): Promise<void> {
    if (!rules.every((rule) => this.#of(rule)?.accepts === true)) return;
    if (this.items.length === MAX_REQUESTABLE) {
      this.isComplete = false;
      return;
    }
    const own = rules[0] as Giving | Emergency;
    const { question } = this.#of(own) as MatchingRule;
    const given = rules.every((rule) => 'reviewers' in rule)
      ? byBreakGlass(rules, question)
      : byReview(rules as readonly Giving[], question);
    if (given === undefined) return;
    const { groups, ...result } = given;
    this.#listed.add(keyOf(own, scope));
    const leftMs = await this.#leftMs(scope, rules);
    const window = windowOf(rules, leftMs);
    // Too short now, but a later start may have the time.
    if (leftMs < (window.minTtlMs ?? SHORT_MS)) this.isComplete = false;
    const { title = own.about.title, description = own.about.description, risk = own.about.risk } = about;
    this.items.push(
      Object.freeze({
        scope: scope.text,
        title,
        description,
        risk,
        rule: joinIds(rules),
        except: Object.freeze(except),
        patterns: scope.isWide && rules.every((rule) => rule.patterns),
        ...window,
        needs: Object.freeze({
          justification: rules.some((rule) => rule.justification),
          ticket: ticketOf(rules),
          fields: fieldsOf(rules),
        }),
        ...result,
        reviewers: groups.length === 0 ? undefined : await this.#peopleIn(groups, own, question),
      }),
    );
  }

  /** How long access that starts now may last by the calendars. `Infinity`: they set no end. */
  async #leftMs(scope: Parts, rules: readonly (Giving | Emergency)[]): Promise<number> {
    if (!this.#policy.hasCalendar) return Infinity;
    const denying = await allOverlapping(this.#policy.denying, scope, this.#question);
    const later = denying.filter((rule) => this.#applying.denyingLater.has(rule));
    const changes: number[] = [];
    for (const { when } of [...rules, ...later]) {
      if (when === undefined) continue;
      await this.#question.spend(COMPARISONS_OF_A_CALENDAR);
      changes.push(changeAfter(when, this.#at));
    }
    return Math.min(...changes) - this.#at;
  }

  #peopleIn(groups: readonly string[], { id }: Giving | Emergency, question: Question): Promise<readonly string[] | undefined> {
    const key = JSON.stringify([id, groups]);
    const known = this.#people.get(key) ?? this.#list(groups, question);
    this.#people.set(key, known);
    return known;
  }

  async #list(groups: readonly string[], question: Question): Promise<readonly string[] | undefined> {
    const size = Math.max(...groups.map((group) => listOf(this.#policy.groups, group)?.size ?? 0));
    // Two more, because the subject and the requester are not listed.
    if (size > MAX_LISTED + 2) return undefined;
    const people = await question.list(groups);
    return people.length > MAX_LISTED ? undefined : people;
  }
}

/** Below this, an engine may refuse a window as too short. */
const SHORT_MS = 60_000;

/** The break-glass rules and the other rules each have their own items. */
const keyOf = (rule: Giving | Emergency, { text }: Parts): string => `${'reviewers' in rule ? 'b' : 'a'} ${text}`;

/** The most comparisons of one scope by the index of patterns, roughly. */
const COMPARISONS_OF_A_SCOPE = 50;

const byReview = (rules: readonly Giving[], question: Question) => {
  const reviews = reviewsOf(rules);
  if (reviews.length === 0) return { outcome: 'approve' as const, groups: [] };
  const quorum = combinedQuorum(reviews, question.request);
  if (whyHopeless(quorum, question) !== undefined) return undefined;
  return { outcome: 'review' as const, quorum, groups: namedGroups(quorum) };
};

function byBreakGlass(rules: readonly (Giving | Emergency)[], question: Question) {
  const emergencies = rules as readonly Emergency[];
  const groups = commonReviewers(emergencies);
  if (whyUnreviewable(emergencies, groups, question) !== undefined) return undefined;
  const withinMs = Math.min(...emergencies.map((rule) => rule.reviewWithinMs));
  return { outcome: 'break_glass' as const, afterReview: Object.freeze({ groups, withinMs }), groups };
}

const windowOf = (rules: readonly (Giving | Emergency)[], leftMs: number) => ({
  minTtlMs: most(rules.map((rule) => rule.minTtlMs)),
  maxTtlMs: least(rules.flatMap((rule) => [rule.maxTtlMs, rule.maxTotalMs]).concat(leftMs === Infinity ? [] : [leftMs])),
  maxStartAheadMs: least(rules.map((rule) => rule.maxStartAheadMs)),
});

/** The fields of the metadata that the rules require, each once. */
function fieldsOf(rules: readonly (Giving | Emergency)[]): readonly RequiredField[] {
  const fields = new Map<string, RequiredField>();
  for (const { name, optional, oneOf, form } of rules.flatMap((rule) => rule.fields)) {
    if (optional || fields.has(name) || fields.size === MAX_FIELDS) continue;
    fields.set(name, Object.freeze({ field: `metadata.${name}`, values: oneOf?.map(String), form }));
  }
  return Object.freeze([...fields.values()]);
}

/** The form of a ticket that meets all rules, if one form does. */
function ticketOf(rules: readonly (Giving | Emergency)[]): true | string | undefined {
  const tickets = rules.flatMap(({ ticket }) => ticket ?? []);
  return tickets.find((ticket) => ticket !== true) ?? tickets[0];
}

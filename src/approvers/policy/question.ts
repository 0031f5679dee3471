import { isId } from '../../core/parse.js';
import type { MaybePromise } from '../../core/ports.js';
import type { AccessRequest } from '../../records/index.js';
import { yieldToOthers } from '../../core/turns.js';
import { asGroup } from './names.js';
import { toParts, type Parts, type RuleScopes } from './rule-scopes.js';
import type { LiveGroup } from './types.js';

/** The number of comparisons between two turns of the event loop. A matcher takes up to a microsecond for each. */
const COMPARISONS_BETWEEN_PAUSES = 10_000;

/** A group of a compiled policy: a fixed list, or code. */
export type Group = { readonly list: ReadonlySet<string> } | { readonly live: LiveGroup };

export type Groups = ReadonlyMap<string, Group>;

/** The list of a group. `undefined`: the group is code or not defined. */
export function listOf(groups: Groups, name: string): ReadonlySet<string> | undefined {
  const group = groups.get(name);
  return group !== undefined && 'list' in group ? group.list : undefined;
}

/** A question about a request. It asks each membership at most once, so that the whole answer uses the same memberships. */
export class Question {
  readonly request: AccessRequest;
  readonly scopes: readonly Parts[];
  readonly reach: RuleScopes;
  /** The start of the access if it is decided now. Rules are judged at this instant. Epoch milliseconds. */
  readonly at: number;
  readonly #groups: Groups;
  readonly #known = new Map<string, Map<string, Promise<boolean>>>();
  #spent = 0;

  /**
   * @param reach the matcher of the engine that asks. Default: the policy's own
   * @param now the instant of the question. Default: the request's creation
   */
  constructor(
    policy: { readonly groups: Groups; readonly reach: RuleScopes },
    request: AccessRequest,
    reach = policy.reach,
    now = request.createdAt,
  ) {
    this.request = request;
    this.at = Math.max(now, request.startsAt ?? 0, request.extension?.from ?? 0);
    this.scopes = request.scopes.map(toParts);
    this.reach = reach;
    this.#groups = policy.groups;
  }

  /** Counts comparisons, and yields to the event loop after {@link COMPARISONS_BETWEEN_PAUSES} of them (L42). */
  spend(comparisons: number): MaybePromise<void> {
    this.#spent += comparisons;
    if (this.#spent < COMPARISONS_BETWEEN_PAUSES) return undefined;
    this.#spent = 0;
    return yieldToOthers();
  }

  /** Whether a person is in a group. An undefined group has no members. */
  has(name: string, person: string): MaybePromise<boolean> {
    const group = this.#groups.get(name);
    if (group === undefined) return false;
    if ('list' in group) return group.list.has(person);
    const people = this.#known.get(name) ?? new Map<string, Promise<boolean>>();
    this.#known.set(name, people);
    const known = people.get(person) ?? this.#ask(name, group.live, person);
    people.set(person, known);
    return known;
  }

  async #ask(name: string, live: LiveGroup, person: string): Promise<boolean> {
    const answer: unknown = await live.isMember(person, this.request);
    if (typeof answer !== 'boolean') throw new TypeError(`isMember of group ${name} must return true or false`);
    return answer;
  }

  /** The people in the lists of these groups, each once, without the subject and the requester. It asks no live group. */
  listed(names: readonly string[]): readonly string[] {
    return this.#others(names.flatMap((name) => [...(listOf(this.#groups, name) ?? [])]));
  }

  /** The people in these groups, each once, without the subject and the requester. A group without a list appears by name. */
  async list(names: readonly string[]): Promise<readonly string[]> {
    const people = new Set<string>();
    for (const name of names) {
      const group = this.#groups.get(name);
      if (group === undefined) continue;
      for (const person of await this.#people(name, group)) people.add(person);
    }
    return this.#others(people);
  }

  #others(all: Iterable<string>): readonly string[] {
    const people = new Set(all);
    for (const own of [this.request.subject, this.request.requestedBy]) people.delete(own);
    return Object.freeze([...people]);
  }

  async #people(name: string, group: Group): Promise<Iterable<string>> {
    if ('list' in group) return group.list;
    if (group.live.members === undefined) return [asGroup(name)];
    const answer: unknown = await group.live.members(this.request);
    if (!Array.isArray(answer) || !answer.every(isId)) throw new TypeError(`members of group ${name} must return a list of ids`);
    return answer;
  }

  /** The greatest number of people in a group that may review. `Infinity` for a live group. */
  atMost(name: string): number {
    const group = this.#groups.get(name);
    if (group === undefined) return 0;
    if (!('list' in group)) return Infinity;
    const { subject, requestedBy } = this.request;
    return group.list.size - [...new Set([subject, requestedBy])].filter((own) => group.list.has(own)).length;
  }
}

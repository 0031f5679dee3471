import { isId } from '../../input.js';
import type { AccessRequest } from '../../records.js';
import { asGroup } from './names.js';
import type { LiveGroup } from './types.js';

/** A group, ready to be asked: a fixed list, or code. */
export type Group = { readonly list: ReadonlySet<string> } | { readonly live: LiveGroup };

export type Groups = ReadonlyMap<string, Group>;

/** The memberships that matter for one question about one request: each is asked once, so one answer rests on one truth. */
export class Memberships {
  readonly request: AccessRequest;
  readonly #groups: Groups;
  readonly #known = new Map<string, Map<string, Promise<boolean>>>();

  constructor(groups: Groups, request: AccessRequest) {
    this.#groups = groups;
    this.request = request;
  }

  /** A group that isn't defined has nobody in it. */
  has(name: string, person: string): Promise<boolean> {
    const people = this.#known.get(name) ?? new Map<string, Promise<boolean>>();
    this.#known.set(name, people);
    const known = people.get(person) ?? this.#ask(name, person);
    people.set(person, known);
    return known;
  }

  async #ask(name: string, person: string): Promise<boolean> {
    const group = this.#groups.get(name);
    if (group === undefined) return false;
    if ('list' in group) return group.list.has(person);
    const answer: unknown = await group.live.isMember(person, this.request);
    if (typeof answer !== 'boolean') throw new TypeError(`isMember of group ${name} must answer true or false`);
    return answer;
  }

  /** The people of these groups, each once; the subject and whoever asks left out. A group that can't be listed is named instead. */
  async list(names: readonly string[]): Promise<readonly string[]> {
    const people = new Set<string>();
    for (const name of names) {
      const group = this.#groups.get(name);
      if (group === undefined) continue;
      for (const person of await this.#people(name, group)) people.add(person);
    }
    for (const own of [this.request.subject, this.request.requestedBy]) people.delete(own);
    return Object.freeze([...people]);
  }

  async #people(name: string, group: Group): Promise<Iterable<string>> {
    if ('list' in group) return group.list;
    if (group.live.members === undefined) return [asGroup(name)];
    const answer: unknown = await group.live.members(this.request);
    if (!Array.isArray(answer) || !answer.every(isId)) throw new TypeError(`members of group ${name} must answer with a list of ids`);
    return answer;
  }

  /** How many may review out of a group, as far as that can be told from a list. */
  atMost(name: string): number {
    const group = this.#groups.get(name);
    if (group === undefined) return 0;
    if (!('list' in group)) return Infinity;
    const own = new Set([this.request.subject, this.request.requestedBy]);
    return [...group.list].filter((person) => !own.has(person)).length;
  }
}

import { nextTurn, TurnBudget } from '../../core/turns.js';
import type { AuthzenEntity } from './messages.js';
import type { AuthzenList } from './options.js';
import type { Search } from './search-types.js';
import { callHook, refuseIfLate, resolveScope, resolveSubject, type AuthzenContext } from './authzen-context.js';

/**
 * The names that may be results, after a position, each once and in the order of their code units: those that grants name, and those of
 * the directory. Each is judged afterwards.
 */
export async function candidatesOf(env: AuthzenContext, asked: Search, after: string | undefined): Promise<readonly string[]> {
  const turns = new TurnBudget();
  const names = new Set<string>();
  const add = (name: string) => {
    if (after === undefined || name > after) names.add(name);
  };
  const list = directoryOf(env, asked);
  if (list !== undefined) await callHook(env, async () => addNames(env, await list(), add, turns));
  const held = asked.searched === 'subject' ? await holdersOf(env, asked) : await heldBy(env, asked);
  for (const name of held) add(name);
  return sorted(env, [...names]);
}

function directoryOf({ options }: AuthzenContext, { searched, type, resource }: Search): (() => AuthzenList | undefined) | undefined {
  const { directory } = options;
  if (searched === 'subject') return directory.subjects && (() => directory.subjects?.(type));
  if (searched === 'resource') return directory.resources && (() => directory.resources?.(type));
  return directory.actions && (() => directory.actions?.((resource as AuthzenEntity).type));
}

async function addNames(env: AuthzenContext, list: unknown, add: (name: string) => void, turns: TurnBudget): Promise<void> {
  for await (const name of list as AsyncIterable<unknown>) {
    if (typeof name !== 'string') throw new TypeError('a directory must list strings');
    await turns.spend(1);
    refuseIfLate(env);
    add(name);
  }
}

/** The names that are sorted at once. */
const RUN = 2_048;

/** Sorts runs, and merges them in pairs, with turns of the event loop in between: a directory may be long (L42). */
async function sorted(env: AuthzenContext, names: readonly string[]): Promise<readonly string[]> {
  let runs: (readonly string[])[] = [];
  const turn = async () => {
    refuseIfLate(env);
    await nextTurn();
  };
  for (let from = 0; from < names.length; from += RUN) {
    if (from > 0) await turn();
    runs.push(names.slice(from, from + RUN).sort((a, b) => (a < b ? -1 : 1)));
  }
  while (runs.length > 1) {
    const merged: (readonly string[])[] = [];
    for (let i = 0; i < runs.length; i += 2) merged.push(await merge(runs[i] ?? [], runs[i + 1] ?? [], turn));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge(left: readonly string[], right: readonly string[], turn: () => Promise<void>): Promise<readonly string[]> {
  if (right.length === 0) return left;
  const merged: string[] = [];
  for (let l = 0, r = 0; l < left.length || r < right.length;) {
    const [a, b] = [left[l], right[r]];
    const takesLeft = b === undefined || (a !== undefined && a < b);
    merged.push((takesLeft ? a : b) as string);
    if (takesLeft) l += 1;
    else r += 1;
    if (merged.length % (4 * RUN) === 0) await turn();
  }
  return merged;
}

/** The ids of the subjects of this type that hold the scope by a grant. */
async function holdersOf(env: AuthzenContext, { type, evaluationOf }: Search): Promise<readonly string[]> {
  const scope = await resolveScope(env, evaluationOf(''));
  if (scope === undefined) return [];
  const ids: string[] = [];
  for await (const grant of env.engine.whoHadAccess({ scope })) {
    const subject = await callHook(env, () => env.options.codec.decodeSubject(grant.subject));
    if (subject?.type === type) ids.push(subject.id);
  }
  return ids;
}

/** The resources or the actions that the grants of the subject name. */
async function heldBy(env: AuthzenContext, { searched, type, subject, resource, action }: Search): Promise<readonly string[]> {
  const holder = await resolveSubject(env, subject as AuthzenEntity);
  if (holder === undefined) return [];
  const { held } = await env.engine.status(holder.subject);
  const names: string[] = [];
  for (const { scope } of held) {
    const decoded = await callHook(env, () => env.options.codec.decodeScope(scope));
    if (decoded === undefined) continue;
    const isWanted =
      searched === 'resource'
        ? decoded.resource.type === type && decoded.action === action?.name
        : decoded.resource.type === resource?.type && decoded.resource.id === resource.id;
    if (isWanted) names.push(searched === 'resource' ? decoded.resource.id : decoded.action);
  }
  return names;
}

import { isDenying, type Compiled, type RuleCore } from './compile.js';
import { finding } from './finding.js';
import type { Selector } from './selectors.js';
import { listOf } from './question.js';
import type { Finding } from './types.js';

/** Finds ids that are not in canonical form. The engine canonicalizes them itself, but a reader of the file cannot. */
export function lintIds(asWritten: Compiled, policy: Compiled): Finding[] {
  const kept = [...policy.rules, ...policy.breakGlass];
  const findings = [...asWritten.rules, ...asWritten.breakGlass].flatMap((rule, i) => {
    const changed = differing(selectorsOf(rule), selectorsOf(kept[i] as RuleCore));
    return changed === undefined ? [] : [finding('changed_id', { rule: rule.id }, inWords(`rule ${rule.id}`, changed))];
  });
  for (const group of asWritten.groups.keys()) {
    const list = listOf(asWritten.groups, group);
    const made = list === undefined ? undefined : listOf(policy.groups, group);
    const written = list === undefined ? undefined : [...list].find((person) => made?.has(person) !== true);
    if (written !== undefined) findings.push(finding('changed_id', { group }, inWords(`group ${group}`, [written])));
  }
  return findings;
}

const selectorsOf = (rule: RuleCore): readonly Selector[] => [
  ...(rule.subjects ?? []),
  ...(!isDenying(rule) && 'requesters' in rule ? (rule.requesters as readonly Selector[]) : []),
];

/** The first selector that `canonicalId` changes, and its canonical form. */
function differing(written: readonly Selector[], made: readonly Selector[]): readonly string[] | undefined {
  for (const [i, selector] of written.entries()) {
    const pair = [selector, made[i]].map((one) => one && textOf(one));
    if (pair[0] !== pair[1]) return pair.filter((text) => text !== undefined);
  }
  return undefined;
}

function textOf(selector: Selector): string | undefined {
  if (selector.kind === 'id') return selector.id;
  return selector.kind === 'like' ? `${selector.starts}*${selector.ends}` : undefined;
}

const inWords = (where: string, [written, made]: readonly string[]): string =>
  `${where} names ${written ?? ''}, which canonicalId changes${made === undefined ? '. Write the changed form' : ` to ${made}. Write ${made}`}`;

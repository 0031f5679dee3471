import { InvalidArgumentError } from '../../errors.js';
import { invalid, readField, readOptions, show } from '../../input.js';
import { definePolicy } from './define-policy.js';
import type { Policy, PolicyDefinition } from './types.js';

/**
 * Reads a policy from a JSON file. Groups that the file can't hold, because they are code, come beside it.
 *
 * @param json the text of the file, or what JSON.parse has made of it
 * @param options.groups groups that the rules of the file may name; none that the file defines itself
 * @throws InvalidArgumentError that names rule and field, or the line where the text is no JSON
 * @example
 * readPolicy(readFileSync('policy.json', 'utf8'), { groups: { managers: { isMember: isManagerOf } } })
 */
export function readPolicy(json: unknown, options: Pick<PolicyDefinition, 'groups'> = {}): Policy {
  const file = typeof json === 'string' ? parse(json) : json;
  if (typeof file !== 'object' || file === null || Array.isArray(file)) throw invalid('policy', 'an object', file);
  const given = readOptions<'groups'>('options', options, ['groups']).groups ?? {};
  const written = (Object.hasOwn(file, 'groups') ? readField('policy', file, 'groups') : {}) as object;
  if (typeof written !== 'object' || written === null || Object.keys(given).length === 0) return definePolicy(file as PolicyDefinition);
  const groups = Object.create(null) as Record<string, unknown>;
  for (const name of Object.keys(written)) groups[name] = readField(`groups.${name}`, written, name);
  for (const name of Object.keys(given)) {
    if (name in groups) throw invalid(`options.groups.${name}`, 'a group that the file does not define itself', name);
    groups[name] = readField(`options.groups.${name}`, given, name);
  }
  return definePolicy({ ...file, groups } as PolicyDefinition);
}

/** Where JSON.parse says that it stopped. */
const POSITION = /at position (\d{1,12})/;

function parse(text: string): unknown {
  // Some editors put a mark of byte order in front, which is none of JSON.
  const json = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    return JSON.parse(json) as unknown;
  } catch (error) {
    const position = POSITION.exec((error as Error).message)?.[1];
    const before = position === undefined ? undefined : json.slice(0, Number(position)).split('\n');
    const place =
      before === undefined
        ? ` (${show((error as Error).message)})`
        : ` at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
    throw new InvalidArgumentError('policy', 'JSON', `text that is none${place}`);
  }
}

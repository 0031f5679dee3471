import { invalid, readOptions } from '../../core/parse.js';
import { copyPolicy, type Copy } from './copy.js';
import { policyOf } from './define-policy.js';
import { parseJson } from './json-text.js';
import type { Policy, PolicyDefinition, PolicyOptions } from './types.js';

/**
 * Reads a policy from a JSON file. Live groups, which are code, come from the options.
 *
 * @param json the text of the file, or the result of `JSON.parse`
 * @param options.groups groups that the rules of the file may name. The file must not define the same group. Default: none
 * @param options.scopes as for `definePolicy`
 * @param options.canonicalId as for `definePolicy`
 * @throws InvalidArgumentError that names the rule and the field, or the line where the text is not JSON or repeats a field
 * @example
 * readPolicy(readFileSync('policy.json', 'utf8'), { groups: { managers: { isMember: isManagerOf } } })
 */
export function readPolicy(json: unknown, options: Pick<PolicyDefinition, 'groups'> & PolicyOptions = {}): Policy {
  if (ArrayBuffer.isView(json)) throw invalid('policy', "JSON text, or the result of JSON.parse: read the file as 'utf8'", json);
  const { groups = {}, ...rest } = readOptions<'groups' | keyof PolicyOptions>('options', options, ['groups', 'scopes', 'canonicalId']);
  const file = copyPolicy(typeof json === 'string' ? parseJson(json) : json);
  const beside = copyPolicy({ groups });
  const lists = (beside.data as { readonly groups: unknown }).groups;
  if (!isFields(lists)) throw invalid('options.groups', 'an object', lists);
  return policyOf(isFields(file.data) ? withGroups(file, file.data, lists, beside.live) : file, rest);
}

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param data the data of the copy, which no other code can reach, so this function may change it */
function withGroups(file: Copy, data: Fields, lists: Fields, live: Copy['live']): Copy {
  const written = (data['groups'] ??= Object.create(null) as Fields);
  // `checkShape` reports a malformed `groups`.
  if (!isFields(written)) return file;
  for (const name of [...Object.keys(lists), ...live.keys()]) {
    if (name in written || file.live.has(name)) {
      throw invalid(`options.groups.${name}`, 'a group that the file does not define', name);
    }
  }
  Object.assign(written, lists);
  return { data, live: new Map([...file.live, ...live]) };
}

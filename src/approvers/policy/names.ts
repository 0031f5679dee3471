import { invalid } from '../../core/parse.js';

/** A name has no comma, colon or space: the journal records the names of rules and groups in lists joined by commas. */
const NAME = /^[\w.~@/+=-]{1,64}$/;

export const NAME_PATTERN = NAME.source;

export function readName(argument: string, value: unknown): string {
  if (typeof value !== 'string' || !NAME.test(value) || value === '__proto__') {
    throw invalid(argument, 'a name of 1-64 characters from [A-Za-z0-9_.~@/+=-]', value);
  }
  return value;
}

/** A rule id does not end in `...`: a request with too many rules to name ends its list of ids in `...`. */
const RULE_ID = /^(?!.*\.{3}$)[\w.~@/+=-]{1,64}$/;

export const RULE_ID_PATTERN = RULE_ID.source;

export function readRuleId(argument: string, value: unknown): string {
  const name = readName(argument, value);
  if (!RULE_ID.test(name)) throw invalid(argument, 'a name that does not end in ...', value);
  return name;
}

/** The name of a group in a list of people, if its members cannot be listed. The prefix distinguishes it from an id. */
export const asGroup = (name: string): string => `group:${name}`;

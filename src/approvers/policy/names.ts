import { invalid } from '../../core/parse.js';

/** Rules and groups are named in verdicts, which go on record, in lists joined by commas: so no comma, no colon, no space. */
const NAME = /^[\w.~@/+=-]{1,64}$/;

export const NAME_PATTERN = NAME.source;

export function readName(argument: string, value: unknown): string {
  if (typeof value !== 'string' || !NAME.test(value) || value === '__proto__') {
    throw invalid(argument, 'a name of 1-64 characters from [A-Za-z0-9_.~@/+=-]', value);
  }
  return value;
}

/** What stands where a request can't keep the names of all of its rules is the end of none. */
const RULE_ID = /^(?!.*\.{3}$)[\w.~@/+=-]{1,64}$/;

export const RULE_ID_PATTERN = RULE_ID.source;

export function readRuleId(argument: string, value: unknown): string {
  const name = readName(argument, value);
  if (!RULE_ID.test(name)) throw invalid(argument, 'a name that does not end in ...', value);
  return name;
}

/** A name in front of which nothing else is like it, so that a group among people is told from them. */
export const asGroup = (name: string): string => `group:${name}`;

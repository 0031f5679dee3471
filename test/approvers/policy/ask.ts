import type { AccessRequest } from 'jit-access';
import type { Policy, PolicyDefinition, PolicyRule } from 'jit-access/policy';
import { definePolicy } from 'jit-access/policy';
import { aRequest } from 'jit-access/testing';

export const HOUR = 3_600_000;
export const MINUTE = 60_000;

/** Enough people for most rules. */
export const groups = {
  sre: ['user:maya', 'user:lee'],
  dba: ['user:ana', 'user:kim', 'user:sam'],
  security: ['user:noor', 'user:ana'],
  leads: ['user:rob'],
};

export const policyOf = (...rules: readonly PolicyRule[]): Policy => definePolicy({ groups, rules });

export const withBreakGlass = (breakGlass: PolicyDefinition['breakGlass'], ...rules: readonly PolicyRule[]): Policy =>
  definePolicy({ groups, rules, breakGlass });

/** A request by user:maya for these scopes, for 15 minutes. */
export const asking = (scopes: string | readonly string[], over: Partial<AccessRequest> = {}): AccessRequest =>
  aRequest({ scopes: typeof scopes === 'string' ? [scopes] : scopes, justification: undefined, ticket: undefined, ...over });

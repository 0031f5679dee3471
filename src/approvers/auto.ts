import { promising } from '../core/decides-at-once.js';
import { assertBoolean, invalid, readId, readOptions, readText } from '../core/parse.js';
import type { ApproverContext, AskableApprover, BreakGlassVerdict, Verdict } from '../core/approver-port.js';
import type { MaybePromise } from '../core/ports.js';
import { isThenable } from '../core/thenable.js';
import type { AccessRequest } from '../records/index.js';
import { ABSTAINS, hasPatterns, readPatterns } from './reviewers.js';

/**
 * Approves a request for which `when` returns `true`, and abstains on every other request.
 *
 * @param when returns whether to approve. If it throws, the request stays pending
 * @param options.patterns whether it may approve a scope pattern, or any scope that reaches further than itself. Default: false
 * @param options.pure promises that `when` waits for nothing, has no effect, and returns the same for the same request and context.
 *   The engine then records the request and its approval in one commit. Default: false
 * @param options.name the approver's name. Default: `'auto-approve'`
 * @throws InvalidArgumentError
 * @example
 * autoApprove((request) => request.scopes.every((scope) => scope.startsWith('staging:')) && request.ttlMs <= 900_000)
 */
export function autoApprove(
  when: (request: AccessRequest, context: ApproverContext) => MaybePromise<boolean>,
  options: { readonly patterns?: boolean | undefined; readonly pure?: boolean | undefined; readonly name?: string | undefined } = {},
): AskableApprover {
  if (typeof when !== 'function') throw invalid('when', 'a function that takes the request and returns true or false', when);
  const {
    patterns: givenPatterns,
    pure = false,
    name = 'auto-approve',
  } = readOptions<'patterns' | 'pure' | 'name'>('options', options, ['patterns', 'pure', 'name']);
  const patterns = readPatterns(givenPatterns);
  assertBoolean('pure', pure);
  const decide = (request: AccessRequest, context?: ApproverContext): MaybePromise<Verdict> => {
    if (!patterns && hasPatterns(request, context?.scopes)) return ABSTAINS;
    const yes: unknown = when(request, context as ApproverContext);
    return isThenable(yes) ? Promise.resolve(yes).then(toVerdict) : toVerdict(yes);
  };
  const approver = {
    name: readId('name', name),
    decide: pure ? decide : async (request: AccessRequest, context?: ApproverContext) => decide(request, context),
    // Abstains in an emergency: otherwise a chain would call `decide`, and a `when` that fails would refuse break-glass.
    breakGlass: () => ABSTAINS,
  };
  return pure ? promising(approver) : Object.freeze(approver);
}

function toVerdict(yes: unknown): Verdict {
  if (typeof yes !== 'boolean') throw new TypeError('when(request) must return true or false');
  return { outcome: yes ? 'approve' : 'abstain' };
}

/**
 * Denies every request and break-glass. Put it last in a chain, or first to stop all new access. It does not end existing
 * grants: `revokeAll` does.
 *
 * @param reason the reason that the requester receives. Default: `'all requests are denied here'`
 * @throws InvalidArgumentError
 */
export function denyAll(reason = 'all requests are denied here'): AskableApprover {
  const verdict: Extract<Verdict & BreakGlassVerdict, { readonly outcome: 'deny' }> = Object.freeze({
    outcome: 'deny',
    reason: readText('reason', reason) ?? '',
  });
  return promising({
    name: 'deny-all',
    decide: () => verdict,
    breakGlass: () => verdict,
    requestable: () => NOTHING,
  });
}

const NOTHING = /* @__PURE__ */ Object.freeze({ items: /* @__PURE__ */ Object.freeze([]), denied: /* @__PURE__ */ Object.freeze(['**']) });

import { invalid, readId, readOptions, readText } from '../core/parse.js';
import type { ApproverContext, AskableApprover, BreakGlassVerdict, MaybePromise, Verdict } from '../core/ports.js';
import type { AccessRequest } from '../records/index.js';
import { ABSTAINS, hasPatterns, readPatterns } from './reviewers.js';

/**
 * Approves what `when` says yes to, and has no opinion on the rest.
 *
 * @param when its `true` approves; a throw leaves the request pending
 * @param options.patterns whether a pattern of scopes may be approved, or any other that reaches further than itself. Default: no
 * @param options.name default: `'auto-approve'`
 * @example
 * autoApprove((request) => request.scopes.every((scope) => scope.startsWith('staging:')) && request.ttlMs <= 900_000)
 */
export function autoApprove(
  when: (request: AccessRequest, context: ApproverContext) => MaybePromise<boolean>,
  options: { readonly patterns?: boolean | undefined; readonly name?: string | undefined } = {},
): AskableApprover {
  if (typeof when !== 'function') throw invalid('when', 'a function that takes the request and returns true or false', when);
  const { patterns: givenPatterns, name = 'auto-approve' } = readOptions<'patterns' | 'name'>('options', options, ['patterns', 'name']);
  const patterns = readPatterns(givenPatterns);
  return Object.freeze({
    name: readId('name', name),
    async decide(request: AccessRequest, context?: ApproverContext): Promise<Verdict> {
      if (!patterns && hasPatterns(request, context?.scopes)) return ABSTAINS;
      const yes: unknown = await when(request, context as ApproverContext);
      if (typeof yes !== 'boolean') throw new TypeError('when(request) must return true or false');
      return { outcome: yes ? 'approve' : 'abstain' };
    },
    // It never denies: in a chain, a `when` that fails must not stand in front of an emergency.
    breakGlass: () => ABSTAINS,
  });
}

/**
 * Denies everything, break-glass included: the end of a chain, or, as the first of it, an engine that is switched off. What has
 * been granted goes on: `revokeAll` ends that.
 *
 * @param reason what the requester is told
 */
export function denyAll(reason = 'all requests are denied here'): AskableApprover {
  const verdict: Extract<Verdict & BreakGlassVerdict, { readonly outcome: 'deny' }> = Object.freeze({
    outcome: 'deny',
    reason: readText('reason', reason) ?? '',
  });
  return Object.freeze({ name: 'deny-all', decide: () => verdict, breakGlass: () => verdict });
}

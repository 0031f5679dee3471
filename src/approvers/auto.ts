import { invalid, readId, readOptions, readText } from '../input.js';
import type { Approver, MaybePromise, Verdict } from '../ports.js';
import type { AccessRequest } from '../records.js';
import { hasPatterns, readPatterns } from './reviewers.js';

/**
 * Approves what `when` says yes to, and has no opinion on the rest.
 *
 * @param when its `true` approves; a throw leaves the request pending
 * @param options.patterns whether a pattern of scopes may be approved. Default: no
 * @param options.name default: `'auto-approve'`
 * @example
 * autoApprove((request) => request.scopes.every((scope) => scope.startsWith('staging:')) && request.ttlMs <= 900_000)
 */
export function autoApprove(
  when: (request: AccessRequest) => MaybePromise<boolean>,
  options: { readonly patterns?: boolean | undefined; readonly name?: string | undefined } = {},
): Approver {
  if (typeof when !== 'function') throw invalid('when', 'a function of the request', when);
  const { patterns: givenPatterns, name = 'auto-approve' } = readOptions<'patterns' | 'name'>('options', options, ['patterns', 'name']);
  const patterns = readPatterns(givenPatterns);
  return Object.freeze({
    name: readId('name', name),
    async decide(request: AccessRequest): Promise<Verdict> {
      if (!patterns && hasPatterns(request)) return { outcome: 'abstain' };
      const yes: unknown = await when(request);
      if (typeof yes !== 'boolean') throw new TypeError('when(request) must be true or false');
      return { outcome: yes ? 'approve' : 'abstain' };
    },
  });
}

/**
 * Denies everything: the end of a chain, or an engine that is switched off.
 *
 * @param reason what the requester is told
 */
export function denyAll(reason = 'nothing is granted here'): Approver {
  const verdict: Verdict = Object.freeze({ outcome: 'deny', reason: readText('reason', reason) ?? '' });
  return Object.freeze({ name: 'deny-all', decide: () => verdict });
}

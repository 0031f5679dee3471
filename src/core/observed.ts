import { shared } from './shared.js';

/** The answer that a guard would have given: `allowed`, the last part of a refusal's `type`, or `failed` for a rejection. */
export type ObservedAnswer = 'allowed' | 'unauthenticated' | 'invalid-scope' | 'access-required' | 'unavailable' | 'failed';

/** How often the guards of this process that only observe would have given each answer. The caller of this function may count on. */
export function observedOf(engine: object): Record<ObservedAnswer, number> {
  const { observed } = shared();
  const counts = observed.get(engine) ?? {
    allowed: 0,
    unauthenticated: 0,
    'invalid-scope': 0,
    'access-required': 0,
    unavailable: 0,
    failed: 0,
  };
  observed.set(engine, counts);
  return counts;
}
